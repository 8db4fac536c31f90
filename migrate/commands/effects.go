package commands

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Reads are the copied files that an op needs, by their targets.
func (o *Op) Reads() map[string]*dockerfile.CopiedFile {
	out := map[string]*dockerfile.CopiedFile{}
	if o.Facts == nil {
		return out
	}
	for _, name := range o.Facts.Reads.Sorted() {
		if f := o.Files[name]; f != nil {
			out[name] = f
		}
	}
	for _, tree := range o.Facts.Trees.Sorted() {
		for name, f := range o.Files {
			if paths.Within(name, tree) {
				out[name] = f
			}
		}
	}
	if o.Call != nil && o.Call.Target != "" {
		if f := o.Files[o.Call.Target]; f != nil {
			out[o.Call.Target] = f
		}
	}
	for _, dir := range o.searched() {
		for name, f := range o.Files {
			if paths.Within(name, dir) {
				out[name] = f
			}
		}
	}
	return out
}

// searched are the directories that variables of an op name, such as PYTHONPATH.
func (o *Op) searched() []string {
	var out []string
	add := func(name, list string) {
		if !strings.HasPrefix(list, "/") || !o.Facts.MayRead(name, true) {
			return
		}
		for dir := range strings.SplitSeq(list, ":") {
			if path.IsAbs(dir) && !paths.Shared(path.Clean(dir)) {
				out = append(out, path.Clean(dir))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Step.Scope.Env)) {
		add(name, o.Step.Scope.Env[name])
	}
	for _, name := range slices.Sorted(maps.Keys(o.Step.Scope.Args)) {
		add(name, o.Step.Scope.Args[name])
	}
	if o.Call != nil {
		for _, v := range o.Call.Env {
			if v.Value.Known {
				add(v.Name, v.Value.Value)
			}
		}
	}
	return out
}

// LooksAround reports whether an op runs a program of which is not known what it
// reads, and which may find a file: where it works, where it is told to, or
// beside what it is given.
func (o *Op) LooksAround(name string) bool {
	if o.Facts == nil {
		return false
	}
	return o.Facts.Wild != "" || o.Facts.Near.Cover(name) ||
		slices.ContainsFunc(o.Facts.Beside.Sorted(), func(dir string) bool {
			return path.Dir(name) == dir || !paths.Shared(dir) && paths.Within(name, dir)
		})
}

// Touches reports whether an op may change a path.
func (o *Op) Touches(name string) bool {
	return o.Facts != nil && slices.ContainsFunc(o.Facts.Touched.Sorted(), func(t string) bool { return paths.Within(name, t) && !o.misses(t, name) })
}

// misses reports whether all that an op does to a whole tree is to look in it
// for files of other names.
func (o *Op) misses(tree, name string) bool {
	found := false
	for _, c := range o.Calls() {
		if !slices.ContainsFunc(c.Args, func(w shell.Word) bool { return slices.Contains(w.Choices(), tree) }) {
			continue
		}
		if c.Name != "find" || !otherNames(c, path.Base(name)) {
			return false
		}
		found = true
	}
	return found
}

// otherNames reports whether find is told names that a file does not have.
func otherNames(c *shell.Call, base string) bool {
	named := false
	for i, w := range c.Args {
		switch w.Value {
		case "-o", "-or", "!", "-not", "(", ")":
			if w.Value != "(" && w.Value != ")" && w.Value != "-o" {
				return false
			}
		case "-name", "-iname":
			if i+1 == len(c.Args) || !c.Args[i+1].Known {
				return false
			}
			if glob.Path(c.Args[i+1].Value, base) {
				return false
			}
			named = true
		}
	}
	return named
}

// Removes reports whether all that an op may do to a path is to delete it.
func (o *Op) Removes(name string) bool {
	if !o.Touches(name) {
		return false
	}
	removed := false
	for _, c := range o.Calls() {
		if c.Kind != shell.CallProgram || c.Name == "rmdir" { // that needs it to be gone already
			continue
		}
		for _, w := range c.Args {
			deletes, speaks := Covers(c, w, name)
			if speaks && c.Name != "rm" && c.Name != "unlink" && !dockerfile.OnlyReads(c) {
				return false
			}
			removed = removed || deletes && !dockerfile.OnlyReads(c)
		}
	}
	return removed
}

// CopiesTo reports whether an op may put a copied file at a path.
func (o *Op) CopiesTo(name string) bool {
	return len(o.Reads()) > 0 && slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool {
		switch c.Name {
		case "cp", "mv", "install", "ln", "rsync":
			return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
				at, _ := Covers(c, w, name)
				return at
			})
		}
		return false
	})
}

// Covers reports whether a word is a path or one above it, and whether it is one
// below it at least.
func Covers(c *shell.Call, w shell.Word, name string) (covers, speaks bool) {
	values := w.Choices()
	if w.Glob {
		values = []string{w.Value}
	}
	for _, v := range values {
		if !path.IsAbs(v) {
			v = path.Join("/", c.Dir, v)
		}
		v = path.Clean(v)
		if glob.Covers(v, name) {
			return true, true
		}
		speaks = speaks || paths.Within(v, name)
	}
	return false, speaks
}
