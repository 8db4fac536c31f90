package graph

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// load reads a script and the helpers that it sources or runs.
func (b *builder) load(t spec.Text, at spec.Range) *shell.Program {
	if t.At != (spec.Range{}) {
		at = t.At
	}
	program, err := b.loader.Load(t.Value, interp.Options{Dir: "/", Vars: b.readable, MaxSize: MaxScriptSize, Follow: true})
	if err != nil {
		b.Addf(at, "%v", err)
		return nil
	}
	if why := unstartable(program.Main); why != "" {
		b.Addf(at, "%s %s", t.Value, why)
		return nil
	}
	return program
}

// unstartable says what the kernel would refuse with a message that nobody
// understands, or "".
func unstartable(s *shell.Script) string {
	switch {
	case s.Binary:
		return "has no line such as #!/bin/sh at its start, and is not text"
	case s.BOM:
		return "starts with a byte order mark, which hides its first line from the kernel; save it as UTF-8 without BOM"
	case s.CRLF.IsValid():
		return fmt.Sprintf("has a CRLF line end in line %d, which shells do not understand; save it with LF", s.CRLF.Line)
	}
	return ""
}

// command returns how a script is started: by itself where its first line
// names an interpreter, else by the shell, as a shell would do.
func command(s *shell.Script, name string) []string {
	if s.Interpreter == "" {
		return []string{"/bin/sh", name}
	}
	return []string{name}
}

// helpers are the context files that a script sources or runs, sorted.
func (b *builder) helpers(program *shell.Program) []Input {
	var out []Input
	for _, s := range program.Closure() {
		if s.Path != program.Main.Path {
			out = append(out, Input{Path: s.Path, Why: "sourced"})
		}
	}
	slices.SortFunc(out, func(x, y Input) int { return strings.Compare(x.Path, y.Path) })
	return slices.Compact(out)
}

// declaredInputs resolves the files and directories of `inputs:`.
func (b *builder) declaredInputs(list []spec.Text) []Input {
	var out []Input
	for _, t := range list {
		names, err := spec.Files(b.context, t.Value)
		switch {
		case err != nil:
			b.Addf(t.At, "input %s: %v", t.Value, err)
		case len(names) == 0:
			b.Addf(t.At, "input %s is not in the build context; is its name right, or does .dockerignore exclude it?", t.Value)
		}
		if len(out)+len(names) > maxInputs {
			b.Addf(t.At, "inputs of one script are at most %d files; name the directory, which is one input, in place of %s", maxInputs, t.Value)
			break
		}
		for _, name := range names {
			out = append(out, b.input(name, "declared"))
		}
	}
	slices.SortFunc(out, func(x, y Input) int { return strings.Compare(x.Path, y.Path) })
	return slices.Compact(out)
}

// input describes a file or directory that is in the context.
func (b *builder) input(name, why string) Input {
	info, err := fs.Stat(b.context, name)
	return Input{Path: name, Dir: err == nil && info.IsDir(), Why: why}
}

// boundary checks every script's inputs, those that rules add included.
func (b *builder) boundary() {
	decl := slices.Concat(b.file.Setup.Scripts, b.file.Setup.FinalCleanup)
	for i, s := range slices.Concat(b.graph.Scripts, b.graph.Cleanup) {
		b.checkBoundary(s, decl[i])
	}
}

// checkBoundary reports setup inputs on the entrypoint's side of the boundary.
func (b *builder) checkBoundary(s *Script, decl spec.Script) {
	for _, in := range s.Inputs {
		volatile := b.volatile(in)
		if volatile == "" {
			continue
		}
		at := decl.At
		if decl.Path.At != (spec.Range{}) {
			at = decl.Path.At
		}
		for _, t := range decl.Inputs {
			if spec.Matches([]spec.Text{t}, in.Path) {
				at = t.At
			}
		}
		b.Addf(at, "SetupReadsEntrypoint: setup script %s reads %s, which the cache boundary calls volatile: each edit of it would run setup again; move the file to setup/, or change cache_boundary", s.Path, volatile)
	}
}

// volatile returns a file of an input that is on the entrypoint's side of the
// boundary, or "".
func (b *builder) volatile(in Input) string {
	// A script is given what a link leads to.
	path, err := spec.Resolve(b.context, in.Path)
	if err != nil {
		path = in.Path
	}
	if !in.Dir {
		for _, name := range []string{in.Path, path} {
			if spec.Matches(b.file.CacheBoundary.VolatileFiles, name) {
				return name
			}
		}
		return ""
	}
	found := ""
	err = fs.WalkDir(b.context, path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && spec.Matches(b.file.CacheBoundary.VolatileFiles, name) {
			found = name
			return fs.SkipAll
		}
		return err
	})
	if err != nil {
		b.Addf(spec.Range{}, "%s: %v", in.Path, err)
	}
	return found
}
