package dockerfile

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/paths"
)

// Options are what a Dockerfile's meaning depends on besides its text.
type Options struct {
	// Args are the build args that the client gives.
	Args map[string]string
	// Predefined are the args that BuildKit defines, such as TARGETARCH.
	Predefined map[string]string
	// Target is the stage that is built, by name or number; "" for the last.
	Target string
	// Context is the build context as COPY sees it.
	Context fs.FS
	// Base returns the configuration of a base image; nil when it is not
	// known. May be nil itself.
	Base func(ref string) *ocispecs.ImageConfig
	// Platform is the target platform in OCI notation.
	Platform string
	// NoExcludes says that the daemon's copies know no exclude patterns.
	NoExcludes bool
	// NoDiff says that the daemon cannot merge and diff: steps that become one layer
	// are then one with all below them.
	NoDiff bool
	// Unasked says that nobody is going to answer the questions of
	// [Squash.Alone]: what depends on them stays whole.
	Unasked bool
	// Whole tells of a RUN, by its first line, which file the image has beside the
	// copied ones that its driver asks for: so it stays whole.
	Whole map[int]string
}

// File is a Dockerfile, read.
type File struct {
	// Name is its file name, Data its text.
	Name string
	Data []byte
	// Escape is the escape token of its parser directive.
	Escape rune
	// Args are the ARG instructions ahead of the first FROM.
	Args []*Instruction
	// Stages are its stages, in order.
	Stages []*Stage
}

// Stage is one FROM with what follows it.
type Stage struct {
	// Index counts from 0.
	Index int
	// From is the FROM instruction.
	From *Instruction
	// Name is its own name, "" for none; Base the image or stage that it
	// builds on, args expanded; Platform the flag's value as it is written.
	Name, Base, Platform string
	// Instructions are those that follow.
	Instructions []*Instruction
}

// Instruction is one instruction.
type Instruction struct {
	// Command is what BuildKit's parser made of it: an instructions.Command,
	// or a *instructions.Stage for FROM.
	Command any
	// Text is the instruction as it is written, its here-documents included.
	Text string
	// Flags are its flags, as they are written.
	Flags []string
	// Start and End are its first and last line, counted from 1.
	Start, End int
}

// mounts are the mounts of a RUN in a scope; none for any other instruction.
// Where one of them is not known, there is one that covers everything.
func (in *Instruction) mounts(sc *Scope) []*instructions.Mount {
	run, ok := in.Command.(*instructions.RunCommand)
	if !ok {
		return nil
	}
	err := run.Expand(func(word string) (string, error) {
		v, ok := sc.Expand(word)
		if !ok {
			return "", fmt.Errorf("%s is not known", word)
		}
		return v, nil
	})
	if err != nil {
		return []*instructions.Mount{{Type: instructions.MountTypeBind, Target: "/"}}
	}
	return instructions.GetMounts(run)
}

// Error is a mistake in a Dockerfile.
type Error struct {
	// File is its name, Start and End the lines, counted from 1.
	File       string
	Start, End int
	// Err tells what is wrong.
	Err error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Start, e.Err) }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Parse reads a Dockerfile by BuildKit's own parser.
func Parse(name string, data []byte) (*File, error) {
	result, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	f := &File{Name: name, Data: data, Escape: result.EscapeToken}
	lines := strings.SplitAfter(string(data), "\n")
	for _, node := range result.AST.Children {
		in, err := instruction(node, lines)
		if err != nil {
			return nil, &Error{File: name, Start: node.StartLine, End: node.EndLine, Err: err}
		}
		switch cmd := in.Command.(type) {
		case *instructions.Stage:
			f.Stages = append(f.Stages, &Stage{Index: len(f.Stages), From: in, Name: cmd.Name, Base: cmd.BaseName, Platform: cmd.Platform})
		case *instructions.ArgCommand:
			if len(f.Stages) == 0 {
				f.Args = append(f.Args, in)
				continue
			}
			f.last().Instructions = append(f.last().Instructions, in)
		default:
			if len(f.Stages) == 0 {
				return nil, &Error{File: name, Start: in.Start, End: in.End, Err: fmt.Errorf("no build stage in current context: %s comes before FROM", strings.ToUpper(node.Value))}
			}
			f.last().Instructions = append(f.last().Instructions, in)
		}
	}
	if len(f.Stages) == 0 {
		return nil, &Error{File: name, Start: 1, End: 1, Err: fmt.Errorf("it has no FROM")}
	}
	return f, nil
}

func (f *File) last() *Stage { return f.Stages[len(f.Stages)-1] }

func instruction(node *parser.Node, lines []string) (*Instruction, error) {
	// Without a linter, a comment that speaks to one makes BuildKit's parser panic.
	cmd, err := instructions.ParseInstructionWithLinter(node, linter.New(&linter.Config{}))
	if err != nil {
		return nil, err
	}
	in := &Instruction{Command: cmd, Flags: node.Flags, Start: node.StartLine, End: node.EndLine}
	in.Text = strings.TrimRight(strings.Join(lines[in.Start-1:min(in.End, len(lines))], ""), "\r\n")
	return in, nil
}

// Stage returns the stage that a name or number stands for, among those before
// another; nil for none.
func (f *File) Stage(name string, before int) *Stage {
	for _, s := range slices.Backward(f.Stages[:before]) {
		if s.Name != "" && strings.EqualFold(s.Name, name) {
			return s
		}
	}
	for _, s := range f.Stages[:before] {
		if fmt.Sprint(s.Index) == name {
			return s
		}
	}
	return nil
}

// Target returns the stage that is built: the last unless a name or number is
// given; nil when there is no such stage.
func (f *File) Target(name string) *Stage {
	if name == "" {
		return f.last()
	}
	return f.Stage(name, len(f.Stages))
}

// NoTarget is the error of a target that is no stage.
func (f *File) NoTarget(name string) error {
	var names []string
	for _, s := range f.Stages {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("target stage %q could not be found: no stage has a name", name)
	}
	return fmt.Errorf("target stage %q could not be found: there are %s", name, strings.Join(names, ", "))
}

// ContextPaths are the paths of the build context that a target's instructions
// name; all is set when one of them is not known before the build.
func (f *File) ContextPaths(opt Options) (names []string, all bool) {
	target := f.Target(opt.Target)
	if target == nil {
		return nil, true
	}
	w := newStages(f, opt)
	for _, s := range f.Stages[:target.Index+1] {
		sc := newScope(f.Escape, nil)
		if base := f.Stage(w.baseName(s), s.Index); base != nil {
			sc = w.scopes[base].clone()
		}
		for _, in := range s.Instructions {
			words, ok := contextWords(in, sc)
			for _, word := range words {
				name, known := sc.Expand(word)
				all = all || !known
				names = append(names, paths.Inside(name))
			}
			all = all || !ok
			sc.apply(in.Command, w.global, opt.Args)
		}
		w.scopes[s] = sc
	}
	slices.Sort(names)
	names = slices.Compact(names)
	return names, all || slices.Contains(names, "")
}

// contextWords are the paths of the context that an instruction names, as they
// are written; ok is false when it may use any.
func contextWords(in *Instruction, sc *Scope) (words []string, ok bool) {
	switch cmd := in.Command.(type) {
	case *instructions.CopyCommand:
		if cmd.From == "" {
			return cmd.SourcePaths, !cmd.Parents
		}
	case *instructions.AddCommand:
		for _, word := range cmd.SourcePaths {
			if !strings.Contains(word, "://") && !strings.HasPrefix(word, "git@") {
				words = append(words, word)
			}
		}
	case *instructions.RunCommand:
		for _, m := range in.mounts(sc) {
			if m.Type == instructions.MountTypeBind && m.From == "" {
				words = append(words, first(m.Source, "/"))
			}
		}
	case *instructions.OnbuildCommand:
		return nil, false // a later stage may run it
	}
	return words, true
}

// ArgNames are the names that ARG instructions declare.
func (f *File) ArgNames() []string {
	list := slices.Clone(f.Args)
	for _, s := range f.Stages {
		list = append(list, s.Instructions...)
	}
	var out []string
	for _, in := range list {
		if arg, ok := in.Command.(*instructions.ArgCommand); ok {
			for _, a := range arg.Args {
				out = append(out, a.Key)
			}
		}
	}
	return out
}
