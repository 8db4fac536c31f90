package dockerfile

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// attributes are the owner and mode that a copy gets.
type attributes struct{ chown, chmod string }

// fold makes owner and mode of a COPY out of the chown and chmod that follow
// it: the files are stored once, and an edit of them runs nothing.
func (r *stageReader) fold() {
	for i := 0; i < len(r.items); i++ {
		it := r.items[i]
		if it.facts == nil || it.group > 0 || len(it.in.Flags) > 0 {
			continue
		}
		flags, ok := r.folded(i)
		if !ok {
			continue
		}
		for c, a := range flags {
			c.text = withFlags(c.text, a)
		}
		r.items = slices.Delete(r.items, i, i+1)
		i--
		r.moved = true
		r.decide(it.in, "owner and mode are those of the copies above it")
	}
}

// withFlags adds flags to a COPY or ADD.
func withFlags(text string, a attributes) string {
	var flags string
	if a.chown != "" {
		flags += " --chown=" + a.chown
	}
	if a.chmod != "" {
		flags += " --chmod=" + a.chmod
	}
	return insert(text, flags)
}

// folded works out what a step does to the copies before it; ok is false when
// it does anything else.
func (r *stageReader) folded(i int) (map[*item]attributes, bool) {
	it := r.items[i]
	if it.facts.opaque != "" || len(it.facts.program.Children) > 0 || !it.scope.root() {
		return nil, false
	}
	calls := it.facts.program.Main.Calls
	if len(calls) == 0 || len(it.facts.program.Effects) != len(calls) {
		return nil, false
	}
	out := map[*item]attributes{}
	for _, c := range calls {
		if c.Kind != shell.CallProgram || c.Name != "chmod" && c.Name != "chown" || c.Loop || c.Subshell || c.Background || c.Pipe.Stages > 0 ||
			len(c.Redirects) > 0 || len(c.Wrappers) > 0 || slices.ContainsFunc(c.Guards, func(g shell.Guard) bool { return g.Kind != shell.GuardAnd }) {
			return nil, false
		}
		if !r.foldCall(i, c, out) {
			return nil, false
		}
	}
	return out, true
}

func (r *stageReader) foldCall(i int, c *shell.Call, out map[*item]attributes) bool {
	var words []string
	all := false
	for _, w := range c.Args {
		v, ok := w.Literal()
		switch {
		case !ok && w.Known && w.Glob:
			if !path.IsAbs(w.Value) {
				return false
			}
			words = append(words, r.matches(i, w.Value)...)
		case !ok:
			return false
		case v == "-R" || v == "--recursive":
			all = true
		case strings.HasPrefix(v, "-"):
			return false
		default:
			words = append(words, v)
		}
	}
	if len(words) < 2 {
		return false
	}
	of := map[*item][]string{}
	for _, name := range words[1:] {
		if !path.IsAbs(name) {
			return false
		}
		name = path.Clean(name)
		at := r.copyOf(i, name)
		if at == nil {
			return false
		}
		of[at] = append(of[at], name)
	}
	for at, names := range of {
		a, ok := attributesOf(c.Name, words[0], all, at.copy, names)
		was := out[at]
		if !ok || a.chown != "" && (was.chown != "" || hasFlag(at.in, "--chown")) || a.chmod != "" && (was.chmod != "" || hasFlag(at.in, "--chmod")) {
			return false
		}
		if a.chown != "" && !r.parentsExist(at) || hasFlag(at.in, "--link") {
			return false
		}
		out[at] = attributes{was.chown + a.chown, was.chmod + a.chmod}
	}
	return true
}

func hasFlag(in *Instruction, name string) bool {
	return slices.ContainsFunc(in.Flags, func(f string) bool { return f == name || strings.HasPrefix(f, name+"=") })
}

// copyOf returns the copy that made a path, when no step came after it.
func (r *stageReader) copyOf(i int, name string) *item {
	for _, it := range slices.Backward(r.items[:i]) {
		if it.facts != nil {
			return nil
		}
		if it.copy != nil && (it.copy.by[name] != nil || name == it.copy.dest) {
			return it
		}
		if src := sourcesOf(it.in.Command); it.copy == nil && src.DestPath != "" {
			return nil // a copy of which nothing is known
		}
	}
	return nil
}

// matches are the files of the copies before an item that a pattern matches.
func (r *stageReader) matches(i int, pattern string) []string {
	var out []string
	for _, it := range r.items[:i] {
		if it.copy == nil {
			continue
		}
		for _, name := range it.copy.files {
			if ok, err := path.Match(pattern, name); ok && err == nil {
				out = append(out, name)
			}
		}
	}
	return out
}

// attributesOf turns one chown or chmod of some of a copy's paths into flags;
// ok is false unless it is of all of them, and with the same result.
func attributesOf(command, value string, all bool, c *copying, names []string) (attributes, bool) {
	for _, f := range c.by {
		if !f.mode.IsRegular() { // a chmod follows links, a copy's flag does not
			return attributes{}, false
		}
	}
	tree := all && c.of == nil && len(names) == 1 && names[0] == c.dest && c.whole
	slices.Sort(names)
	if !tree && (!slices.Equal(slices.Compact(names), c.files) || c.whole) {
		return attributes{}, false
	}
	if command == "chown" {
		owner, ok := ownerOf(value)
		return attributes{chown: owner}, ok
	}
	if n, err := strconv.ParseUint(value, 8, 12); err == nil {
		return attributes{chmod: fmt.Sprintf("%04o", n)}, !tree || n == 0o755 // what is right for the directory it makes
	}
	if value != "+x" && value != "a+x" || tree {
		return attributes{}, false
	}
	var mode fs.FileMode
	for i, name := range c.files {
		m := c.by[name].mode
		if i > 0 && m != mode {
			return attributes{}, false
		}
		mode = m
	}
	return attributes{chmod: fmt.Sprintf("%04o", mode.Perm()|0o111)}, true
}

// ownerOf is the flag's value for an operand of chown. A user alone leaves the
// group as it is, root's.
func ownerOf(value string) (string, bool) {
	user, group, both := strings.Cut(value, ":")
	switch {
	case user == "" && group == "" || both && group == "" || strings.Contains(value, "."):
		return "", false
	case !both:
		return user + ":0", true
	case user == "":
		return "0:" + group, true
	}
	return value, true
}

// parentsExist reports whether a copy makes no directory but its own: it would
// get the owner too.
func (r *stageReader) parentsExist(it *item) bool {
	dir := path.Dir(it.copy.dest)
	if !it.copy.whole && len(it.copy.files) > 0 {
		dir = path.Dir(it.copy.files[0])
	}
	if isPlainDir(dir) {
		return true
	}
	for _, other := range r.items {
		if other == it {
			return false
		}
		if other.copy != nil && slices.ContainsFunc(other.copy.files, func(name string) bool { return Within(name, dir) && name != dir }) {
			return true
		}
	}
	return false
}

// isPlainDir reports whether every image has a directory.
func isPlainDir(dir string) bool {
	switch dir {
	case "/", "/opt", "/srv", "/tmp", "/root", "/home", "/var", "/etc", "/usr", "/usr/local", "/usr/local/bin", "/usr/src", "/mnt", "/media":
		return true
	}
	return false
}
