package shell

import (
	"slices"

	"github.com/pgstrata/pgstrata/programs"
)

// Program is a script together with the files that it pulls in.
type Program struct {
	// Main is the script itself.
	Main *Script
	// Helpers are the files that it sources, directly or through other
	// helpers, in the order in which they are first read.
	Helpers []Helper
	// Children are the scripts that it runs as processes, in the order of
	// execution: a loop over a literal list gives one for each element, a
	// function that runs a script one for each call.
	Children []Child
	// Unresolved are the sources that could not be followed: their path is
	// unknown, lies outside the context, or cannot be read. Err tells why.
	Unresolved []Source
	// Effects are what a script does to its own shell between its children,
	// in the order of execution: what would be lost if they ran apart.
	Effects []Effect
	// Programs are the programs of the context's scripts among Children, each
	// once, in the order in which they first run, theirs included; filled when
	// Options.Follow is set.
	Programs []*Program
	// Incomplete says that the program makes more calls than are followed.
	// Every command is known all the same, but Children and Effects may lack
	// some.
	Incomplete bool
	// Broken are the scripts among them that cannot be parsed.
	Broken []*SyntaxError
}

// Helper is a file that a program sources.
type Helper struct {
	// Script is what it does, seen from the program that sources it.
	Script *Script
	// From is the path of the file that sources it, Pos where.
	From string
	Pos  Pos
}

// Source is a source or dot command.
type Source struct {
	// Word is the file as it is written.
	Word Word
	// From is the path of the file in which the command stands.
	From string
	// Absolute is the path in the script's file system, "" when it is unknown;
	// a pattern when Word.Glob is set.
	Absolute string
	// Path is the path relative to the context root, when InContext is set.
	Path      string
	InContext bool
	// Optional says that a test for the file guards it.
	Optional bool
	// Pos and End span the command, Func is the function that it stands in.
	Pos, End Pos
	Func     string
	// Guards are the conditions and loops around it, those around the calls
	// that lead there included.
	Guards      []Guard
	Conditional bool
	// Err is why the file could not be followed, nil when it was, or when
	// nobody tried.
	Err error

	Pattern bool // Absolute is a pattern
}

// Child is a script that is run as a process of its own.
type Child struct {
	// Word is the script as it is written.
	Word Word
	// From is the path of the file in which the command stands.
	From string
	// Absolute is the path in the script's file system, "" when it is unknown;
	// a pattern when Glob is set.
	Absolute string
	// Path is the path relative to the context root, when InContext is set.
	Path      string
	InContext bool
	// Glob says that the paths are patterns: a loop over scripts/*.sh,
	// run-parts, find -exec, or a part that is not known.
	Glob bool
	// Unordered says that the files of a pattern come in the order in which
	// find prints them, which is any; else it is that of their names.
	Unordered bool
	// Interpreter is the command that runs it (bash in bash x.sh), "" when the
	// script is executed by itself, so that it has to be executable.
	Interpreter string
	// InterpreterArgs are the options given to the interpreter.
	InterpreterArgs []Word
	// Args are the script's arguments.
	Args []Word
	// Assigns are the variables set for it alone.
	Assigns []Assign
	// Redirects are the redirections of its output and input.
	Redirects []Redirect
	// Env are the variables that were exported on the way and so reach it.
	Env []EnvVar
	// Dir is the working directory, "" when it is not known.
	Dir string
	// User is the user that wrappers switch to, Wrappers what it runs through.
	User     string
	Wrappers []Wrapper
	// Exec says that it replaces the shell, so that nothing follows.
	Exec bool
	// Optional says that a test for the file guards it.
	Optional bool
	// Pos and End span the command, Func is the function that it stands in.
	Pos, End Pos
	Func     string
	// Guards are the conditions and loops around it, those around the calls
	// that lead there included.
	Guards      []Guard
	Conditional bool
	Loop        bool
	Background  bool
	Subshell    bool
	Pipe        Pipe
	// Tested says that the script asks for the child's exit status: a
	// condition, the left side of && or ||, or negated. The shell's errexit
	// option has no say there.
	Tested bool
}

// EnvVar is a variable that a script exports.
type EnvVar struct {
	// Name is the variable, Value what is known of its value.
	Name  string
	Value Word
	// Pos is where it got that value, in the file From.
	Pos  Pos
	From string
}

// EffectKind is the kind of an effect.
type EffectKind string

// The kinds of effects.
const (
	// EffectExport is a variable that is exported: later children see it.
	EffectExport EffectKind = "export"
	// EffectUnset is a variable that is unset or no longer exported.
	EffectUnset EffectKind = "unset"
	// EffectChdir is a change of the working directory.
	EffectChdir EffectKind = "cd"
	// EffectTrap is a trap that is set.
	EffectTrap EffectKind = "trap"
	// EffectOption is set, shopt, umask or ulimit.
	EffectOption EffectKind = "option"
	// EffectRedirect is exec with redirections alone.
	EffectRedirect EffectKind = "redirect"
	// EffectBackground is a command left running in the background.
	EffectBackground EffectKind = "background"
	// EffectSource is a file read in.
	EffectSource EffectKind = "source"
	// EffectCommand is a program that the script itself runs.
	EffectCommand EffectKind = "command"
	// EffectWrite is a file that a redirection writes.
	EffectWrite EffectKind = "write"
	// EffectDynamic is a command that is not known: anything may happen.
	EffectDynamic EffectKind = "dynamic"
	// EffectExit ends the script; Name is the status as far as it is given.
	EffectExit EffectKind = "exit"
	// EffectSkip is return, break or continue: what follows in the function or
	// loop does not run.
	EffectSkip EffectKind = "skip"
)

// Effect is what a script does between its children.
type Effect struct {
	// Kind is the kind of effect.
	Kind EffectKind
	// Name is the variable, command, file or option, as far as it is known.
	Name string
	// Value is the value of a variable or directory; Known says that it is
	// known.
	Value string
	Known bool
	// Pure says that a command only computes or prints: date, grep, uname; and of a
	// trap that its commands are effects of their own.
	Pure bool
	// Args are a command's arguments as they are this time, and Dir the
	// directory that it runs in, "" when it is not known.
	Args []Word
	Dir  string
	// Children is how many children had been run before.
	Children int
	// From is the path of the file in which it stands, Pos where.
	From string
	Pos  Pos
	// Guards are the conditions and loops around it, those around the calls
	// that lead there included.
	Guards      []Guard
	Conditional bool
	// Subshell says that it happens in a subshell and so ends there.
	Subshell bool
	// Tested says that the script asks for a command's exit status; see Child.
	Tested bool
}

// Scripts returns the main script and its helpers.
func (p *Program) Scripts() []*Script {
	out := make([]*Script, 0, 1+len(p.Helpers))
	out = append(out, p.Main)
	for i := range p.Helpers {
		out = append(out, p.Helpers[i].Script)
	}
	return out
}

// Closure returns every script that has a part in the program: Scripts, and
// those of the programs that it runs. A file that has several parts is given
// once for each.
func (p *Program) Closure() []*Script {
	out := p.Scripts()
	for _, child := range p.Programs {
		out = append(out, child.Scripts()...)
	}
	return out
}

// Calls returns the calls that the program may make.
func (p *Program) Calls() []*Call {
	var out []*Call
	for _, s := range p.Closure() {
		for _, c := range s.Calls {
			if !c.Unreached && !Never(c.Guards) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Mentions reports whether one of the program's scripts mentions the name, and
// where the first one does. See [Script.Mentions].
func (p *Program) Mentions(name string) (path string, pos Pos, ok bool) {
	for _, s := range p.Closure() {
		if pos, ok := s.Mentions(name); ok {
			return s.Path, pos, true
		}
	}
	return "", Pos{}, false
}

// ReadsAll reports whether one of the program's scripts reads variables that
// nobody can enumerate, and where. See [Script.ReadsAll].
func (p *Program) ReadsAll() (path string, pos Pos, ok bool) {
	for _, s := range p.Closure() {
		if pos, ok := s.ReadsAll(); ok {
			return s.Path, pos, true
		}
	}
	return "", Pos{}, false
}

// Reads reports whether the program is known to read a variable: one of its
// scripts mentions it, or it is one for which every program, or one that a script
// calls, does something else, although the script does not mention it.
func (p *Program) Reads(name string) bool {
	if programs.Searched(name) || programs.Steers(name) {
		return true
	}
	if _, _, ok := p.Mentions(name); ok {
		return true
	}
	reads := programs.Readers(name)
	return reads != nil && slices.ContainsFunc(p.Closure(), func(s *Script) bool {
		return slices.ContainsFunc(s.Calls, func(c *Call) bool { return c.Kind == CallProgram && !c.Unreached && reads(c.Name) })
	})
}

// MayRead reports whether the program may read a variable: it reads it, or it
// reads variables that nobody can enumerate. It is the one answer to what an arg
// may invalidate.
func (p *Program) MayRead(name string) bool {
	_, _, all := p.ReadsAll()
	return all || p.Reads(name)
}
