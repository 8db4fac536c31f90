package dockerfile

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// Run is what a RUN instruction does.
type Run struct {
	// Text is its shell text, "" where no shell of the image reads it.
	Text string
	// Commands are those of a fail-fast sequence; otherwise there is one.
	Commands []*Command
}

// Command is a part of a RUN line.
type Command struct {
	// Text is the command.
	Text string
	// State says that it does no more than change what holds for the commands
	// after it: cd, export, set. Prelude are those before it.
	State   bool
	Prelude []string
	// Facts are what it does, nil for a state.
	Facts *Facts
	// Child is the script of the build context that it runs, when it does no
	// more than that; Script is its path in the context.
	Child  *shell.Child
	Script string
	// Driver is set when that script runs others.
	Driver *Driver
	// Files are the copied files that are there when it starts, by their
	// targets.
	Files map[string]*CopiedFile
}

// runReader takes RUN instructions of a stage apart.
type runReader struct {
	*reader
	stage *stageReader
	scope *Scope
	// root is the stage's, with what the RUN mounts.
	root *rootfs
}

func (p *runReader) run(it *Item, cmd *instructions.RunCommand) *Run {
	text, ok := runText(cmd)
	if !ok {
		p.stage.root.forget("/")
		return &Run{}
	}
	out := &Run{Text: text}
	_, p.root = p.stage.binds(it)
	d := p.root.dividing(text, p.scope, p.root.examine(text, p.scope))
	if d == nil || slices.Contains(d.together, true) {
		one := &Command{Text: text, Files: p.files()}
		out.Commands = append(out.Commands, one)
		p.read(one)
		return out
	}
	for i := range d.commands {
		one := &Command{Text: d.commands[i].text, State: d.commands[i].state, Prelude: d.prelude(i), Files: p.files()}
		out.Commands = append(out.Commands, one)
		if !one.State {
			p.read(one)
		}
	}
	return out
}

// files are the copied files that are there now.
func (p *runReader) files() map[string]*CopiedFile { return maps.Clone(p.root.files) }

// read fills in what a piece does, and carries it over.
func (p *runReader) read(one *Command) {
	text := strings.Join(append(slices.Clone(one.Prelude), one.Text), "\n")
	f := p.root.examine(text, p.scope)
	one.Facts = f
	p.child(one, f, text)
	assume.after(p.root, f)
	assume.after(p.stage.root, f)
}

// child notes the script that a piece runs.
func (p *runReader) child(one *Command, f *Facts, text string) {
	file, err := syntax.NewParser().Parse(strings.NewReader(one.Text), "")
	if err != nil || len(file.Stmts) != 1 {
		return
	}
	if _, ok := file.Stmts[0].Cmd.(*syntax.CallExpr); !ok {
		return
	}
	program := f.Program
	if program == nil { // a script that it runs cannot be parsed, but which it is can be told
		program, err = p.root.loader().LoadText(lineName, []byte(text), interp.Options{
			Mounts: []interp.Mount{{Source: "", Target: "/"}}, Dir: p.scope.Dir, Vars: p.scope.vars(), Stat: p.root.stat,
		})
		if program == nil || err != nil {
			return
		}
	}
	var found *shell.Child
	for i := range program.Children {
		c := &program.Children[i]
		if c.From != program.Main.Path {
			continue
		}
		if found != nil {
			return
		}
		found = c
	}
	if found == nil || found.Glob || !found.InContext || found.Pipe.Stages > 0 {
		return
	}
	one.Child = found
	if cf := one.Files[found.Absolute]; cf != nil {
		one.Script = cf.Source
	}
	switch sub := drives(program, found); {
	case sub == nil:
	case f.Opaque != "":
		one.Driver = &Driver{Program: sub, Why: f.Opaque}
	default:
		one.Driver = p.driver(one, program, found)
	}
}

// UsesDir reports whether a program reads or writes files of its working
// directory that it is not told of, as far as its name tells.
func UsesDir(c *shell.Call) bool {
	return c.Kind == shell.CallProgram && commandKind(c) == worksInDir || c.Name == "pwd"
}

// OnlyReads reports whether a program does no more than read the files that it
// is given.
func OnlyReads(c *shell.Call) bool { return commandKind(c) == reads }
