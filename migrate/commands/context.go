package commands

import (
	"maps"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// InContext returns where a setup script finds what the Dockerfile has at a
// path: a copied file, or a directory of copied files that is one of the
// context.
func InContext(target string, files map[string]*dockerfile.CopiedFile) (string, bool) {
	if f := files[target]; f != nil {
		return path.Join(graph.ContextMount, f.Source), true
	}
	if paths.Shared(target) {
		return "", false
	}
	dir, ok := sourceDir(target, files)
	return path.Join(graph.ContextMount, dir), ok
}

// sourceDir is the directory of the context whose files a directory has.
func sourceDir(target string, files map[string]*dockerfile.CopiedFile) (dir string, ok bool) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !paths.Within(name, target) || name == target || target == "/" {
			continue
		}
		rest := strings.TrimPrefix(name, target+"/")
		source := files[name].Source
		from := "."
		if source != rest {
			from, ok = strings.CutSuffix(source, "/"+rest)
			if !ok {
				return "", false
			}
		}
		if dir != "" && dir != from {
			return "", false
		}
		dir = from
	}
	return dir, dir != ""
}

// Translated is a command with the copied files where a setup script finds
// them, but for those that are to be kept where they are.
func (m *Reader) Translated(text string, files map[string]*dockerfile.CopiedFile, keep func(target string) bool) string {
	file, err := syntax.NewParser(syntax.KeepComments(true)).Parse(strings.NewReader(text), "")
	if err != nil {
		return text
	}
	e := edits{text: text, interpreter: m.Interpreter}
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if ok && len(call.Args) > 0 {
			e.command(call.Args[0], files, keep)
		}
		if w, ok := n.(*syntax.Word); ok {
			e.word(w, files, keep)
		}
		return true
	})
	return e.String()
}

// edits replaces parts of a text.
type edits struct {
	text  string
	parts []edit
	// interpreter returns what runs a script of the context.
	interpreter func(source string) string
}

type edit struct {
	from, to int
	with     string
}

// word replaces the path that a word begins with.
func (e *edits) word(w *syntax.Word, files map[string]*dockerfile.CopiedFile, keep func(string) bool) {
	part := w.Parts[0]
	if q, ok := part.(*syntax.DblQuoted); ok && len(q.Parts) > 0 {
		part = q.Parts[0]
	}
	var at int
	var value string
	switch p := part.(type) {
	case *syntax.Lit:
		at, value = int(p.ValuePos.Offset()), p.Value
	case *syntax.SglQuoted:
		at, value = int(p.Left.Offset())+1, p.Value
	default:
		return
	}
	// A path that no copied file has is one that is written; but where a part of
	// the word is open it may be any below.
	open := len(w.Parts) > 1 || glob.Has(value)
	if q, ok := w.Parts[0].(*syntax.DblQuoted); ok {
		open = open || len(q.Parts) > 1
	}
	for prefix := strings.TrimSuffix(value, "/"); path.IsAbs(prefix); prefix = path.Dir(prefix) {
		if to, ok := InContext(prefix, files); ok {
			if !keep(prefix) {
				e.parts = append(e.parts, edit{at, at + len(prefix), to})
			}
			return
		}
		if prefix == "/" || !open {
			return
		}
	}
}

// command puts the interpreter in front of a script that is executable only
// because the Dockerfile made it so.
func (e *edits) command(w *syntax.Word, files map[string]*dockerfile.CopiedFile, keep func(string) bool) {
	f := files[w.Lit()]
	if f == nil || f.Mode&0o111 != 0 || keep(w.Lit()) {
		return
	}
	at := int(w.Pos().Offset())
	e.parts = append(e.parts, edit{at, at, e.interpreter(f.Source) + " "})
}

// String is the text with all replacements.
func (e *edits) String() string {
	slices.SortStableFunc(e.parts, func(a, b edit) int { return a.from - b.from })
	var b strings.Builder
	at := 0
	for _, p := range e.parts {
		if p.from < at {
			continue
		}
		b.WriteString(e.text[at:p.from] + p.with)
		at = p.to
	}
	return b.String() + e.text[at:]
}

// SpeaksOf reports whether a program, as pgstrata runs it, names a path of an
// image, or one above it.
func SpeaksOf(p *shell.Program, target string) bool { return NamesPath(p, target, false) }

// NamesPath is [SpeaksOf]; all says that paths of the context count too, as they
// do where the whole root is read as the context.
func NamesPath(p *shell.Program, target string, all bool) bool {
	hits := func(name string) bool {
		if name == "" || paths.Shared(name) || glob.Has(name) && paths.Shared(path.Dir(name)) {
			return false
		}
		return glob.Covers(name, target)
	}
	for _, s := range p.Closure() {
		if slices.ContainsFunc(s.Paths, func(r shell.PathRef) bool { return (all || !r.InContext) && hits(r.Path) }) ||
			slices.ContainsFunc(s.Sources, func(r shell.Source) bool { return (all || !r.InContext) && hits(r.Absolute) }) ||
			slices.ContainsFunc(s.Children, func(r shell.Child) bool { return (all || !r.InContext) && hits(r.Absolute) }) {
			return true
		}
	}
	return false
}

// Finds reports whether a program names a file of the context by a path that it
// has worked out from its own place.
func Finds(p *shell.Program, source string) bool {
	for _, s := range p.Closure() {
		for _, r := range s.Paths {
			if !r.InContext || r.Context == "" && !r.Glob {
				continue
			}
			if paths.Within(source, r.Context) || glob.Path(r.Context, source) {
				return true
			}
		}
	}
	return false
}

// Reduced is a command without the arguments that are not wanted, "" when none
// that is no option is left.
func Reduced(text string, c *shell.Call, unwanted func(w shell.Word) bool) string {
	word := func(w shell.Word) bool { return !strings.HasPrefix(w.Value, "-") }
	left := 0
	drop := map[int]bool{}
	for i, w := range c.Args {
		if word(w) && unwanted(w) {
			drop[i] = true
		} else if word(w) {
			left++
		}
	}
	if len(drop) == 0 {
		return text
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil || len(file.Stmts) != 1 {
		return text
	}
	call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) != len(c.Args)+1 {
		return text
	}
	if left == 0 {
		return ""
	}
	args := call.Args[:1:1]
	for i, a := range call.Args[1:] {
		if !drop[i] {
			args = append(args, a)
		}
	}
	call.Args = args
	var b strings.Builder
	if err := syntax.NewPrinter().Print(&b, file); err != nil {
		return text
	}
	return strings.TrimSpace(b.String())
}
