package rules

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// definitions are the functions and aliases of the image's shell files, and the
// programs that its scripts make: what a command may be that no directory of
// PATH has.
type definitions struct {
	tree *check.Tree
	// in are the files that define a name.
	in map[string][]string
	// exported are the functions that children get from their parents.
	exported map[string]bool
	// unread are the texts that no shell could be asked about, by file.
	unread map[string][]byte
	// changed says that a script installs programs when the container starts.
	changed bool
}

func newDefinitions(t *check.Tree) *definitions {
	d := &definitions{tree: t, in: map[string][]string{}, exported: map[string]bool{}, unread: map[string][]byte{}}
	read := map[string]bool{}
	for _, u := range t.Entrypoint {
		for s, c := range u.Calls() {
			d.changed = d.changed || installs(c)
			switch c.Name {
			case "alias":
				for _, w := range c.Args {
					name, _, _ := strings.Cut(w.Value, "=")
					d.add(name, s.Path)
				}
			case "export", "declare", "typeset":
				if _, ok := check.HasFlag(c, 'f', ""); ok {
					for _, w := range check.Operands(c) {
						d.exported[w.Value] = true
					}
				}
			}
		}
		for _, s := range u.Scripts {
			read[s.Path] = true
			d.script(s)
		}
	}
	for f := range t.Input.EntrypointFiles() {
		if read[f.Source] {
			continue
		}
		read[f.Source] = true
		data := t.Text(f.Source)
		s, err := interp.Parse(f.Source, data)
		if err != nil || !s.Shell {
			d.unread[f.Source] = data
			continue
		}
		d.script(s)
	}
	return d
}

func (d *definitions) script(s *shell.Script) {
	for _, f := range s.Functions {
		d.add(f.Name, s.Path)
	}
	if s.Broken != nil {
		d.unread[s.Path] = d.tree.Text(s.Path)
	}
}

func (d *definitions) add(name, file string) {
	if !slices.Contains(d.in[name], file) {
		d.in[name] = append(d.in[name], file)
	}
}

// of is a file that may define a name as a function, "" for none.
func (d *definitions) of(name string) string {
	if files := d.in[name]; len(files) > 0 {
		return slices.Min(files)
	}
	var out []string
	for file, data := range d.unread {
		if definesFunction(data, name) {
			out = append(out, file)
		}
	}
	if len(out) == 0 {
		return ""
	}
	return slices.Min(out)
}

// definesFunction tells whether a text that is no shell script by itself, such as
// a template of one, has a function's head.
func definesFunction(data []byte, name string) bool {
	for line := range bytes.Lines(data) {
		head, function := strings.CutPrefix(strings.TrimSpace(string(line)), "function ")
		rest, ok := strings.CutPrefix(strings.TrimSpace(head), name)
		if ok && (strings.HasPrefix(strings.TrimSpace(rest), "(") || function && strings.Trim(rest, " \t{") == "") {
			return true
		}
	}
	return false
}

// sourcesUnknown tells whether a program reads in what nobody knows: a file with
// a name that is made up, or one of neither the image nor the built setup, or
// text that is evaluated.
func (d *definitions) sourcesUnknown(u *check.Unit) bool {
	if d.loginShell(u) || slices.ContainsFunc(unresolved(u), d.unknown) {
		return true
	}
	for _, c := range u.Calls() {
		switch c.Name {
		case "eval":
			if slices.ContainsFunc(c.Args, func(w shell.Word) bool { return !w.Known }) {
				return true
			}
		case "enable": // a builtin out of a file
			if c.HasArg("-f") {
				return true
			}
		}
	}
	for _, s := range u.Scripts {
		if slices.ContainsFunc(s.Functions, func(f shell.Function) bool { return f.Name == "command_not_found_handle" }) {
			return true
		}
	}
	return false
}

// loginShell tells whether a program's shell reads a file of its own before the
// script.
func (d *definitions) loginShell(u *check.Unit) bool {
	for _, v := range d.tree.Input.Graph.Image.Env {
		if v.Name == "BASH_ENV" || v.Name == "ENV" {
			return true
		}
	}
	return slices.ContainsFunc(u.Program.Main.Shebang.Args, func(arg string) bool {
		return arg == "--login" || strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && strings.ContainsAny(arg, "li")
	})
}

// unknown tells whether nobody knows what a source brings that could not be
// followed. A file of the built setup that defines nothing brings nothing.
func (d *definitions) unknown(src shell.Source) bool {
	if src.Absolute == "" || src.Word.Glob || !errors.Is(src.Err, interp.ErrOutsideContext) {
		return true
	}
	name := path.Clean(src.Absolute)
	data, err := d.tree.Root().Text(name)
	if err != nil {
		_, err = d.tree.Root().Stat(name)
		return err == nil || !known(d.tree, name) // what cannot be there brings nothing
	}
	s, err := interp.Parse(name, data)
	return err != nil || len(s.Functions) > 0 || len(s.Sources) > 0 || slices.ContainsFunc(s.Calls, func(c *shell.Call) bool {
		return c.Kind == shell.CallDynamic || c.Name == "eval" || c.Name == "alias"
	})
}

// standalone tells whether a program's shell is busybox, whose own programs need
// no file.
func (d *definitions) standalone(u *check.Unit) bool {
	program := u.Program.Main.Shebang.Program
	if path.Base(program) == "env" || program == "" {
		program = "/bin/sh"
	}
	resolved, err := d.tree.Root().Resolve(program)
	return err == nil && strings.HasPrefix(path.Base(resolved), "busybox")
}
