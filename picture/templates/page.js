"use strict";
// Where the mouse rests, or the keyboard, everything that a step is made from and goes into stays lit.
for (const drawing of document.querySelectorAll("svg.drawing")) {
  const lines = [...drawing.querySelectorAll(".line")];
  const reach = (start, from, to) => {
    const found = new Set([start]);
    for (let grown = true; grown;) {
      grown = false;
      for (const line of lines) {
        if (found.has(line.dataset[from]) && !found.has(line.dataset[to])) {
          found.add(line.dataset[to]);
          grown = true;
        }
      }
    }
    return found;
  };
  const light = (box) => {
    const before = reach(box, "to", "from"), after = reach(box, "from", "to");
    for (const node of drawing.querySelectorAll(".node")) {
      const id = node.dataset.box;
      node.classList.toggle("lit", before.has(id) || after.has(id));
    }
    for (const line of lines) {
      const {from, to} = line.dataset;
      line.classList.toggle("lit", before.has(from) && before.has(to) || after.has(from) && after.has(to));
    }
    drawing.classList.add("exploring");
  };
  for (const node of drawing.querySelectorAll(".node")) {
    const link = node.closest("a");
    for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => light(node.dataset.box));
    for (const event of ["mouseleave", "blur"]) link.addEventListener(event, () => drawing.classList.remove("exploring"));
  }
}
addEventListener("keydown", (event) => {
  if (event.key === "Escape") location.hash = "#!";
});
