package dockerfile

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// tellUntouched says why nothing is taken apart in a RUN that calls scripts.
func (r *stageReader) tellUntouched(it *Item, root *rootfs, text string) {
	switch several, why := root.untouched(text, it.facts); {
	case why == nil:
	case several:
		r.decide(it.In, Whole, "kept whole: %s", explained(why))
	default:
		r.decide(it.In, Untouched, "one step: %s", explained(why))
	}
}

// untouched is why a RUN that calls scripts is no more than one step, nil of one that
// calls none. Several says that it may run more than one.
func (r *rootfs) untouched(text string, f *Facts) (several bool, why error) {
	if f.Program == nil {
		if r.speaksOfScript(text) {
			return true, f.opaque[0].why
		}
		return false, nil
	}
	if n := r.called(f.Program); len(n) > 1 {
		return true, cannot(drivesInShell, base(n[0]))
	}
	for i := range f.Program.Children {
		c := &f.Program.Children[i]
		if shell.Never(c.Guards) {
			continue
		}
		if several, why = r.untouchedScript(c, f); why != nil {
			return several, why
		}
	}
	for _, c := range f.Program.Main.Calls {
		if file := r.makefile(c); file != "" {
			return true, cannot(byMake, base(file))
		}
	}
	return false, nil
}

// called are the copied scripts that a program runs itself.
func (r *rootfs) called(p *shell.Program) []string {
	var out []string
	for i := range p.Children {
		if c := &p.Children[i]; !shell.Never(c.Guards) && r.files[c.Absolute] != nil && !slices.Contains(out, c.Absolute) {
			out = append(out, c.Absolute)
		}
	}
	return out
}

// untouchedScript is the same of one of its scripts.
func (r *rootfs) untouchedScript(c *shell.Child, f *Facts) (several bool, why error) {
	switch p := programAt(f.Program, c.Path); {
	case c.Absolute == "":
		return true, cannot(unknownScript, place(c.From, c.Pos), c.Word.Text)
	case c.Glob:
		return len(r.matching(c.Absolute)) > 0, cannot(unknownFiles, place(c.From, c.Pos), c.Absolute)
	case r.files[c.Absolute] == nil:
		if c.Interpreter != "" || isScript(c.Absolute, 0) {
			return false, cannot(notFromTheContext, c.Absolute)
		}
		return false, nil
	case p == nil:
		return r.scriptsBeside(c.Absolute, f), cannot(unparsed, base(c.Absolute))
	case p.Main.Binary:
		return false, nil
	default:
		for _, o := range f.opaque {
			if o.of == p {
				return r.scriptsBeside(c.Absolute, f), o.why
			}
		}
		if !p.Main.Shell {
			return r.scriptsBeside(c.Absolute, f), cannot(notShell, base(c.Absolute))
		}
		if len(p.Helpers) > 1 {
			return true, cannot(sourcesScripts, place(p.Helpers[0].From, p.Helpers[0].Pos), base(p.Helpers[0].Script.Path))
		}
		return false, cannot(oneScript, base(c.Absolute))
	}
}

// isScript reports whether a file looks like a script by its name, or its mode.
func isScript(name string, mode fs.FileMode) bool {
	return slices.Contains([]string{".sh", ".bash"}, path.Ext(name)) || mode&0o111 != 0
}

// scriptsBeside reports whether there are copied scripts, in a script's directory or
// below it, that a step is not known to read.
func (r *rootfs) scriptsBeside(name string, f *Facts) bool {
	return slices.ContainsFunc(r.below(path.Dir(name)), func(other string) bool {
		return other != name && !f.Reads[other] && isScript(other, r.files[other].Mode)
	})
}

// speaksOfScript reports whether a text has the name of a copied script in it.
func (r *rootfs) speaksOfScript(text string) bool {
	return slices.ContainsFunc(r.sorted(), func(name string) bool {
		return isScript(name, r.files[name].Mode) && strings.Contains(text, base(name))
	})
}

// makefile is the copied file by which a call of make runs scripts, "" for none.
func (r *rootfs) makefile(c *shell.Call) string {
	if c.Name != "make" && c.Name != "gmake" {
		return ""
	}
	dir := c.Dir
	for i, w := range c.Args {
		if w.Is("-C") && i+1 < len(c.Args) {
			dir = path.Join(dir, c.Args[i+1].Value)
			if path.IsAbs(c.Args[i+1].Value) {
				dir = c.Args[i+1].Value
			}
		}
	}
	for _, name := range []string{"GNUmakefile", "makefile", "Makefile"} {
		f := r.files[path.Join(dir, name)]
		if f == nil {
			continue
		}
		data, err := fs.ReadFile(r.context, f.Source)
		if err == nil && r.speaksOfScript(string(data)) {
			return f.Target
		}
	}
	return ""
}
