package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// run reads a RUN: its own text is a program at the Dockerfile's lines, and each
// script that it runs is one at the script's.
func (r *reader) run(step *dockerfile.Step) {
	r.reads(step)
	text, interpreter := runText(r.in.Text, step)
	if text == nil {
		return
	}
	opt := interp.Options{
		Mounts: r.mounts(step), Dir: step.Scope.Dir, Vars: map[string]string{}, Interpreter: interpreter, MaxSize: graph.MaxScriptSize, Follow: true,
	}
	for _, vars := range []map[string]string{step.Scope.Args, step.Scope.Env} {
		for name, value := range vars {
			opt.Vars[name] = value
		}
	}
	program, err := r.loader.LoadText(r.in.Graph.File, text, opt)
	if program == nil || err != nil && program.Main.Broken != nil {
		return // BuildKit says what is no Dockerfile, and the shell of the image what is no shell
	}
	var scripts []string
	for _, p := range program.Programs {
		scripts = append(scripts, p.Main.Path)
	}
	own := *program
	own.Programs = nil
	r.in.Dockerfile.Errexit[r.place(step.Instruction)] = slices.ContainsFunc(step.Scope.Shell[1:], func(w string) bool {
		return strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "e")
	})
	caches := cacheMounts(step)
	r.program(step, r.place(step.Instruction), &own, caches)
	for i, p := range program.Programs {
		r.program(step, scripts[i], p, caches)
	}
}

// cacheMounts are the cache mounts that the Dockerfile itself gives a RUN: those
// that a build adds are there for nobody else who builds it.
func cacheMounts(step *dockerfile.Step) []string {
	c, ok := step.Command.(*instructions.RunCommand)
	if !ok {
		return nil
	}
	err := c.Expand(func(word string) (string, error) {
		value, _ := step.Scope.Expand(word) // of one that is not known, what is
		return value, nil
	})
	if err != nil {
		return nil // BuildKit says what is wrong with it
	}
	var out []string
	for _, m := range instructions.GetMounts(c) {
		if m.Type == instructions.MountTypeCache {
			out = append(out, path.Clean(m.Target))
		}
	}
	return out
}

// program adds a program that a RUN runs, once.
func (r *reader) program(step *dockerfile.Step, name string, program *shell.Program, caches []string) {
	if r.in.Graph.Programs[name] != nil {
		return
	}
	r.in.Graph.Programs[name] = program
	r.in.Dockerfile.Roots[name] = step.Stage.Bottom().Image
	r.in.Dockerfile.Stages[name] = step.Stage
	r.in.Dockerfile.Target[name] = slices.Contains(r.reading.Target().All(), step)
	s := &graph.Script{Name: name, Path: name, At: lines(step.Instruction)}
	for _, script := range program.Closure() {
		if script.Path != r.in.Graph.File {
			s.Inputs = append(s.Inputs, graph.Input{Path: script.Path, Why: "script"})
		}
	}
	declared := declaredArgs(step)
	for _, arg := range r.in.File.Args {
		if declared[arg.Name.Value] && program.MayRead(arg.Name.Value) {
			s.Env = append(s.Env, graph.Var{Name: arg.Name.Value, Value: step.Scope.Args[arg.Name.Value]})
		}
	}
	for _, target := range caches {
		s.Caches = append(s.Caches, graph.Cache{Name: path.Base(target), Target: target})
	}
	r.in.Graph.Scripts = append(r.in.Graph.Scripts, s)
}

// declaredArgs are the args that hold at a step, with a value or without.
func declaredArgs(step *dockerfile.Step) map[string]bool {
	out := map[string]bool{}
	for _, before := range step.Stage.All() {
		if before == step {
			break
		}
		if c, ok := before.Command.(*instructions.ArgCommand); ok {
			for _, a := range c.Args {
				out[a.Key] = true
			}
		}
	}
	return out
}

// reads notes which files of the context a RUN reads, and which it changes.
func (r *reader) reads(step *dockerfile.Step) {
	note := func(f *dockerfile.Facts, files map[string]*dockerfile.CopiedFile) {
		if f == nil {
			return
		}
		if f.Opaque != "" {
			r.opaque = step.Start
		}
		for target, c := range files {
			if f.Trees.Cover(target) || f.Reads[target] {
				r.read[c.Source] = true
			}
			if slices.ContainsFunc(f.Touched.Sorted(), func(t string) bool { return t != "/" && paths.Within(target, t) }) {
				r.touched[c.Source] = true
			}
		}
	}
	if len(step.Run.Commands) == 0 {
		r.opaque = step.Start
	}
	for _, p := range step.Run.Commands {
		note(p.Facts, p.Files)
		if p.Driver != nil {
			for _, part := range p.Driver.Parts {
				note(part.Facts, part.Files)
			}
		}
	}
}

// mounts tell where files of the context are when a RUN starts.
func (r *reader) mounts(step *dockerfile.Step) []interp.Mount {
	out := []interp.Mount{}
	add := func(m interp.Mount) {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	for _, before := range step.Stage.All() {
		if before == step {
			break
		}
		if before.Copy == nil || before.Copy.From != "" {
			continue
		}
		for _, f := range before.Copy.Files {
			add(mountOf(before.Copy, f))
		}
	}
	for _, p := range step.Run.Commands { // what it mounts itself
		for _, f := range p.Files {
			if f.By == nil {
				add(interp.Mount{Source: f.Source, Target: f.Target})
			}
		}
	}
	return out
}

// mountOf is the directory that a COPY names, or the file where it names none.
func mountOf(c *dockerfile.Copy, f *dockerfile.CopiedFile) interp.Mount {
	for _, source := range c.Sources {
		dir := paths.Inside(source)
		rest := f.Source
		if dir != "" {
			var below bool
			if rest, below = strings.CutPrefix(f.Source, dir+"/"); !below {
				continue
			}
		}
		if target, ok := strings.CutSuffix(f.Target, "/"+rest); ok && target != "" {
			return interp.Mount{Source: dir, Target: target}
		}
	}
	return interp.Mount{Source: f.Source, Target: f.Target}
}

// runText is the shell text of a RUN with each word at its line and column in
// the Dockerfile, and the shell that reads it; nil where none does.
func runText(data []byte, step *dockerfile.Step) (text []byte, interpreter string) {
	c, ok := step.Command.(*instructions.RunCommand)
	if !ok || len(step.Scope.Shell) == 0 {
		return nil, ""
	}
	interpreter = path.Base(step.Scope.Shell[0])
	above := strings.Repeat("\n", step.Start-1)
	if !c.PrependShell {
		line, ok := quoted(c.CmdLine)
		if !ok {
			return nil, ""
		}
		return []byte(above + line), "sh"
	}
	list := strings.Split(string(data), "\n")
	list = list[step.Start-1 : min(step.End, len(list))]
	if len(c.Files) == 0 {
		return []byte(above + strings.Join(continued(list, step), "\n")), interpreter
	}
	if parser.MustParseHeredoc(c.CmdLine[0]) == nil { // the shell reads its here-documents itself
		return []byte(above + strings.Join(append([]string{blank(list[0], step.Flags)}, list[1:]...), "\n")), interpreter
	}
	if first, ok := strings.CutPrefix(c.Files[0].Data, "#!"); ok {
		first, _, _ = strings.Cut(first, "\n")
		words := strings.Fields(strings.Replace(first, "/usr/bin/env ", "", 1))
		if len(words) == 0 {
			return nil, ""
		}
		interpreter = path.Base(words[0])
		list[1] = "" // a comment to the shell
	}
	list[0], list[len(list)-1] = "", ""
	return []byte(above + strings.Join(list, "\n")), interpreter
}

// continued is an instruction's lines as a shell continues them: a Dockerfile
// may have comments and empty lines among them, and another escape character.
func continued(list []string, step *dockerfile.Step) []string {
	out := slices.Clone(list)
	escape := "\\"
	if strings.HasSuffix(strings.TrimRight(list[0], " \t\r"), "`") {
		escape = "`"
	}
	out[0] = blank(out[0], step.Flags)
	for i, line := range out {
		trimmed := strings.TrimSpace(line)
		last := i == len(out)-1
		switch {
		case i > 0 && !last && (trimmed == "" || trimmed[0] == '#'):
			out[i] = `\`
		case !last && strings.HasSuffix(trimmed, escape):
			out[i] = strings.TrimSuffix(strings.TrimRight(line, " \t\r"), escape) + `\`
		}
		if i > 0 && len(step.Flags) > 0 { // they may go on in the next line
			out[i] = blankFlags(out[i], step.Flags)
		}
	}
	return out
}

// blank takes the keyword and flags out of an instruction's first line.
func blank(line string, flags []string) string {
	start := len(line) - len(strings.TrimLeft(line, " \t"))
	end := start + strings.IndexAny(line[start:]+" ", " \t")
	return blankFlags(strings.Repeat(" ", end)+line[end:], flags)
}

func blankFlags(line string, flags []string) string {
	for _, f := range flags {
		line = strings.Replace(line, f, strings.Repeat(" ", len(f)), 1)
	}
	return line
}

// quoted is a command as a shell's line.
func quoted(words []string) (string, bool) {
	var out []string
	for _, w := range words {
		q, err := syntax.Quote(w, syntax.LangPOSIX)
		if err != nil {
			return "", false
		}
		out = append(out, q)
	}
	return strings.Join(out, " "), true
}
