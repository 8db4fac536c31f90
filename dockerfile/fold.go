package dockerfile

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// attributes are the owner and mode that a copy gets; "" for the one it has.
type attributes struct{ chown, chmod string }

// fold makes owner and mode of a COPY out of the chown and chmod that follow
// it: the files are stored once, and an edit of them runs nothing. It does so
// where the flags give exactly what the commands would: for regular files that
// are named one by one, and are all that the COPY makes. Directories are never
// folded: whether the base has one of that name, with files of its own in it, is
// not known.
func (r *stageReader) fold() {
	for i := 0; i < len(r.items); i++ {
		it := r.items[i]
		if it.facts == nil || it.layer > 0 || len(it.In.Flags) > 0 {
			continue
		}
		flags, ok := r.folded(i)
		if !ok {
			continue
		}
		for c, a := range flags {
			c.owner, c.folded = a, true
		}
		r.items = slices.Delete(r.items, i, i+1)
		i--
		r.moved = true
		r.decide(it.In, Folded, "owner and mode are those of the copies above it")
	}
}

// folded works out what a step does to the copies before it; ok is false when
// it does anything else.
func (r *stageReader) folded(i int) (map[*Item]attributes, bool) {
	it := r.items[i]
	if it.facts.Opaque != "" || it.facts.Wild != "" || it.facts.Unknown != "" || len(it.facts.Program.Children) > 0 || !it.scope.Root() {
		return nil, false
	}
	calls := it.facts.Program.Main.Calls
	if len(calls) == 0 || len(it.facts.Program.Effects) != len(calls) {
		return nil, false
	}
	out := map[*Item]attributes{}
	for _, c := range calls {
		if c.Kind != shell.CallProgram || c.Name != "chmod" && c.Name != "chown" || c.Command.Value != c.Name || c.Loop || c.Subshell || c.Background ||
			c.Pipe.Stages > 0 || len(c.Redirects) > 0 || len(c.Wrappers) > 0 || len(c.Assigns) > 0 ||
			slices.ContainsFunc(c.Guards, func(g shell.Guard) bool { return g.Kind != shell.GuardAnd }) {
			return nil, false
		}
		if !r.foldCall(i, c, out) {
			return nil, false
		}
	}
	return out, true
}

// foldCall adds what one chmod or chown does to the copies before a step.
func (r *stageReader) foldCall(i int, c *shell.Call, out map[*Item]attributes) bool {
	var words []string
	for _, w := range c.Args {
		v, ok := w.Literal()
		if !ok || strings.HasPrefix(v, "-") {
			return false
		}
		words = append(words, v)
	}
	if len(words) < 2 {
		return false
	}
	of := map[*Item][]string{}
	for _, name := range words[1:] {
		if !path.IsAbs(name) || name != path.Clean(name) {
			return false
		}
		at := r.copyOf(i, name)
		if at == nil {
			return false
		}
		of[at] = append(of[at], name)
	}
	for at, names := range of {
		was := out[at]
		slices.Sort(names)
		if at.folded || hasFlag(at.In, "--link") || !slices.Equal(slices.Compact(names), at.copy.files) || !at.copy.plainFiles(at) {
			return false
		}
		switch c.Name {
		case "chown":
			owner, ok := ownerOf(words[0])
			if !ok || was.chown != "" || hasFlag(at.In, "--chown") || !r.parentsExist(at) {
				return false
			}
			was.chown = owner
		default:
			mode, ok := at.copy.modeAfter(words[0])
			if !ok || was.chmod != "" || hasFlag(at.In, "--chmod") {
				return false
			}
			was.chmod = mode
		}
		out[at] = was
	}
	return true
}

// plainFiles reports whether a copy makes regular files without set-id bits, at
// paths that are theirs whatever the base holds.
func (c *copyEffect) plainFiles(it *Item) bool {
	src := sourcesOf(it.In.Command)
	into := strings.HasSuffix(src.DestPath, "/") || strings.Contains(path.Base(c.dest), ".")
	for _, f := range c.by {
		if !f.Mode.IsRegular() || f.Mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0 {
			return false
		}
	}
	return into && len(c.files) > 0
}

// modeAfter is the mode that a chmod gives to all of a copy's files.
func (c *copyEffect) modeAfter(value string) (string, bool) {
	if n, ok := modes.Number(value); ok {
		return modes.Octal(n), n == n.Perm()
	}
	if value != "+x" && value != "a+x" {
		return "", false
	}
	all := map[fs.FileMode]bool{}
	for _, f := range c.by {
		all[f.Mode.Perm()|0o111] = true
	}
	for mode := range all {
		return modes.Octal(mode), len(all) == 1
	}
	return "", false
}

func hasFlag(in *Instruction, name string) bool {
	return slices.ContainsFunc(in.Flags, func(f string) bool { return f == name || strings.HasPrefix(f, name+"=") })
}

// copyOf returns the copy that made a file, when no step came after it.
func (r *stageReader) copyOf(i int, name string) *Item {
	for _, it := range slices.Backward(r.items[:i]) {
		if it.facts != nil {
			return nil
		}
		if it.copy != nil && it.copy.by[name] != nil {
			return it
		}
		src := sourcesOf(it.In.Command)
		if src.DestPath != "" && (it.copy == nil || paths.Within(name, it.copy.dest) || paths.Within(it.copy.dest, name)) {
			return nil // it may have put something in its place
		}
	}
	return nil
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

// parentsExist reports whether the directory of a copy's files is there before
// it: one that it makes would get the owner too.
func (r *stageReader) parentsExist(it *Item) bool {
	dir := path.Dir(it.copy.files[0])
	if slices.ContainsFunc(it.copy.files, func(name string) bool { return path.Dir(name) != dir }) {
		return false
	}
	if dir == "/" {
		return true
	}
	for _, other := range r.items {
		if other == it {
			return false
		}
		if other.copy != nil && slices.ContainsFunc(other.copy.files, func(name string) bool { return paths.Within(name, dir) && name != dir }) {
			return true
		}
	}
	return false
}
