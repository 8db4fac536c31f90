package pictures

import (
	"github.com/stretchr/testify/assert"
)

// readable asserts what a picture needs to be read by anyone: contrast of all
// words and signs, no words outside of their box, no box upon another, and
// states that are told apart without color.
func (p *tab) readable(scheme string) {
	p.Helper()
	const (
		words = 4.5 // WCAG's minimum for text
		signs = 3.0 // and for what is no text
	)
	for _, c := range ask[[]struct {
		Text     string
		Contrast float64
	}](p, contrasts) {
		assert.GreaterOrEqual(p.T, c.Contrast, words, "%s: %s", scheme, c.Text)
	}
	for _, c := range ask[[]struct {
		State    string
		Contrast float64
	}](p, signContrasts) {
		assert.GreaterOrEqual(p.T, c.Contrast, signs, "%s: the sign of %s", scheme, c.State)
	}
	assert.Empty(p.T, ask[[]string](p, outside), "words outside of their box")
	assert.Empty(p.T, ask[[]string](p, overlaps), "boxes upon each other")
	shapes := ask[map[string]string](p, `Object.fromEntries(Array.from(document.querySelectorAll(".drawing .node"), n => [n.dataset.state, n.querySelector(".mark").innerHTML]))`)
	seen := map[string]string{}
	for state, shape := range shapes {
		assert.Empty(p.T, seen[shape], "%s looks like another state", state)
		seen[shape] = state
	}
}

const luminance = `
	const numbers = c => c.match(/[\d.]+/g).map(Number);
	const light = c => { const [r, g, b] = numbers(c).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
	const fill = e => getComputedStyle(e).fill;
	const below = e => {
		const node = e.closest(".node, .strip, .bar");
		if (node) return fill(node.querySelector(".box, .band") ?? node.ownerSVGElement.querySelector(".paper"));
		if (e.closest(".gate") && !e.matches(".muted")) return fill(e.closest(".gate").querySelector("rect"));
		return fill((e.ownerSVGElement.closest("svg.drawing") ?? e.ownerSVGElement).querySelector(".paper"));
	};`

const contrasts = `(() => {` + luminance + `
	return Array.from(document.querySelectorAll(".drawing:not(.times) text"), e => ({Text: e.textContent, Contrast: contrast(fill(e), below(e))}));
})()`

const signContrasts = `(() => {` + luminance + `
	return Array.from(document.querySelectorAll(".drawing:not(.times) .node"), n => {
		const sign = getComputedStyle(n.querySelector(".sign"));
		return {State: n.dataset.state, Contrast: contrast(sign.stroke, below(n.querySelector(".sign")))};
	});
})()`

const outside = `Array.from(document.querySelectorAll(".drawing .node")).flatMap(n => {
	const box = n.querySelector(".box").getBoundingClientRect();
	return Array.from(n.querySelectorAll("text")).filter(t => {
		const r = t.getBoundingClientRect();
		return r.left < box.left || r.right > box.right || r.top < box.top || r.bottom > box.bottom;
	}).map(t => t.textContent);
})`

const overlaps = `(() => {
	const boxes = Array.from(document.querySelectorAll(".drawing .node .box"), b => [b.parentNode.dataset.node, b.getBBox()]);
	const out = [];
	boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
		if (p.x < q.x + q.width && q.x < p.x + p.width && p.y < q.y + q.height && q.y < p.y + p.height) out.push(a + " and " + b);
	}));
	return out;
})()`
