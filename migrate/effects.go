package migrate

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

// reads are the copied files that an op needs, by their targets.
func (o *op) reads() map[string]*dockerfile.CopiedFile {
	out := map[string]*dockerfile.CopiedFile{}
	if o.facts == nil {
		return out
	}
	for _, name := range o.facts.Reads.Sorted() {
		if f := o.files[name]; f != nil {
			out[name] = f
		}
	}
	for _, tree := range o.facts.Trees.Sorted() {
		for name, f := range o.files {
			if paths.Within(name, tree) {
				out[name] = f
			}
		}
	}
	if o.call != nil && o.call.target != "" {
		if f := o.files[o.call.target]; f != nil {
			out[o.call.target] = f
		}
	}
	for _, dir := range o.searched() {
		for name, f := range o.files {
			if paths.Within(name, dir) {
				out[name] = f
			}
		}
	}
	return out
}

// searched are the directories that variables of an op name, such as PYTHONPATH.
func (o *op) searched() []string {
	var out []string
	add := func(name, list string) {
		if !strings.HasPrefix(list, "/") || !o.facts.MayRead(name, true) {
			return
		}
		for dir := range strings.SplitSeq(list, ":") {
			if path.IsAbs(dir) && !paths.Shared(path.Clean(dir)) {
				out = append(out, path.Clean(dir))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.step.Scope.Env)) {
		add(name, o.step.Scope.Env[name])
	}
	for _, name := range slices.Sorted(maps.Keys(o.step.Scope.Args)) {
		add(name, o.step.Scope.Args[name])
	}
	if o.call != nil {
		for _, v := range o.call.env {
			if v.Value.Known {
				add(v.Name, v.Value.Value)
			}
		}
	}
	return out
}

// looksAround reports whether an op runs a program of which is not known what it
// reads, and which may find a file: where it works, where it is told to, or
// beside what it is given.
func (o *op) looksAround(name string) bool {
	if o.facts == nil {
		return false
	}
	return o.facts.Wild != "" || o.facts.Near.Cover(name) ||
		slices.ContainsFunc(o.facts.Beside.Sorted(), func(dir string) bool {
			return path.Dir(name) == dir || !paths.Shared(dir) && paths.Within(name, dir)
		})
}

// touches reports whether an op may change a path.
func (o *op) touches(name string) bool {
	return o.facts != nil && slices.ContainsFunc(o.facts.Touched.Sorted(), func(t string) bool { return paths.Within(name, t) && !o.misses(t, name) })
}

// misses reports whether all that an op does to a whole tree is to look in it
// for files of other names.
func (o *op) misses(tree, name string) bool {
	found := false
	for _, c := range o.calls() {
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

// removes reports whether all that an op may do to a path is to delete it.
func (o *op) removes(name string) bool {
	if !o.touches(name) {
		return false
	}
	removed := false
	for _, c := range o.calls() {
		if c.Kind != shell.CallProgram || c.Name == "rmdir" { // that needs it to be gone already
			continue
		}
		for _, w := range c.Args {
			deletes, speaks := covers(c, w, name)
			if speaks && c.Name != "rm" && c.Name != "unlink" && !dockerfile.OnlyReads(c) {
				return false
			}
			removed = removed || deletes && !dockerfile.OnlyReads(c)
		}
	}
	return removed
}

// copiesTo reports whether an op may put a copied file at a path.
func (o *op) copiesTo(name string) bool {
	return len(o.reads()) > 0 && slices.ContainsFunc(o.calls(), func(c *shell.Call) bool {
		switch c.Name {
		case "cp", "mv", "install", "ln", "rsync":
			return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
				at, _ := covers(c, w, name)
				return at
			})
		}
		return false
	})
}

// covers reports whether a word is a path or one above it, and whether it is one
// below it at least.
func covers(c *shell.Call, w shell.Word, name string) (covers, speaks bool) {
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
