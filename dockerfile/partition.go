package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// partition takes a COPY of a whole directory apart when some of its entries
// have to come before a step that the others may come after: COPY . /app with a
// cleanup that removes /app/setup. It reports whether it did; the item behind i
// is the part that goes further then.
func (r *stageReader) partition(i int) bool {
	it := r.items[i]
	cmd, ok := it.in.Command.(*instructions.CopyCommand)
	if !ok || !it.copy.whole || it.copy.of != nil || len(cmd.SourcePaths) != 1 || cmd.Link {
		return false
	}
	reaches := map[string]int{}
	least, most := len(r.items), 0
	for _, e := range it.copy.entries() {
		if !plainName(e) {
			return false
		}
		part := *it
		part.copy = it.copy.only(func(name string) bool { return name == e })
		reaches[e] = r.reach(&part, i, r.copyPasses)
		least, most = min(least, reaches[e]), max(most, reaches[e])
	}
	if least >= most {
		return false
	}
	stays := func(entry string) bool { return reaches[entry] == least }
	first, rest := *it, *it
	first.copy, rest.copy = it.copy.only(stays), it.copy.only(func(e string) bool { return !stays(e) })
	only, without := " --exclude=*", ""
	for _, e := range it.copy.entries() {
		if stays(e) {
			only += " --exclude=!" + e
			without += " --exclude=" + e
		}
	}
	first.text, rest.text = insert(it.text, only), insert(it.text, without)
	r.items = slices.Replace(r.items, i, i+1, &first, &rest)
	return true
}

// insert puts flags behind an instruction's name.
func insert(text, flags string) string {
	at := strings.IndexAny(text, " \t")
	return text[:at] + flags + text[at:]
}

// entries are the names directly below a copy's destination, sorted.
func (c *copying) entries() []string {
	var out []string
	for _, name := range slices.Concat(c.files, c.dirs) {
		if name != c.dest && Within(name, c.dest) {
			out = append(out, c.entry(name))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *copying) entry(name string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, c.dest), "/"), "/")
	return path.Clean(first)
}

// only is the part of a copy whose entries are wanted.
func (c *copying) only(wanted func(entry string) bool) *copying {
	part := *c
	part.files, part.dirs, part.by, part.of = nil, nil, map[string]*copiedFile{}, c
	for _, name := range c.dirs {
		if name != c.dest && Within(name, c.dest) && wanted(c.entry(name)) {
			part.dirs = append(part.dirs, name)
		}
	}
	for _, name := range c.files {
		if wanted(c.entry(name)) {
			part.files = append(part.files, name)
			part.by[name] = c.by[name]
		}
	}
	return &part
}
