package shell

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
)

// Call is one command call.
type Call struct {
	// Name is the base name of the command, "" when it is not known. It is the
	// innermost command: for sudo -u postgres psql it is psql.
	Name string
	// Command is the word that names it.
	Command Word
	// Args are its arguments, expanded as far as they are known.
	Args []Word
	// Merged says that the call is reached several times (a function called
	// from many places, a loop) with different numbers of arguments; Args is
	// then the union of what was met.
	Merged bool
	// Pos and End span the command word and its arguments.
	Pos, End Pos
	// Func is the function in whose body the call stands, "" for none.
	Func string
	// Guards are the conditions and loops around it within the file or
	// function, outermost first.
	Guards []Guard
	// Conditional says that it may not run: a branch, &&, ||, case, trap, or a
	// function or helper that is only reached through one.
	Conditional bool
	// Loop says that it stands in the body of a loop.
	Loop bool
	// Unreached says that it stands in a function that nothing was seen to
	// call. It is never set when the program makes calls whose name is unknown.
	Unreached bool
	// Background says that it runs in the background.
	Background bool
	// Subshell says that it runs in a subshell: parentheses, a pipeline, a
	// substitution.
	Subshell bool
	// Nested says that it stands in text handed to a shell (sh -c, eval, a
	// here-document, trap).
	Nested bool
	// Wrappers are the commands through which it is called, outermost first.
	Wrappers []Wrapper
	// User is the user that the wrappers switch to, "" when they do not.
	User string
	// Kind tells functions and builtins from programs.
	Kind CallKind
	// Assigns are the assignments in front of the command, env's included.
	Assigns []Assign
	// Redirects are the redirections of the command.
	Redirects []Redirect
	// Pipe is its place in a pipeline.
	Pipe Pipe
	// Subst is set when it stands within a command or process substitution.
	Subst Subst
	// Dir is the working directory, "" when it is not known.
	Dir string
	// Errexit says that the shell would not have come here if a command before
	// it had failed.
	Errexit bool
}

// CallKind tells functions and builtins from programs.
type CallKind int

// The kinds of calls.
const (
	// CallProgram is a program looked up by path or in PATH.
	CallProgram CallKind = iota
	// CallBuiltin is a command that the shell itself has.
	CallBuiltin
	// CallFunction is a function defined in the script or one of its helpers.
	CallFunction
	// CallDynamic is a command whose name is not known.
	CallDynamic
)

// Wrapper is a command that runs another one: sudo, env, timeout, sh -c.
type Wrapper struct {
	// Name is the base name of the wrapper's command, or the name of a
	// function that runs its arguments ("$@").
	Name string
	// Function says that it is such a function.
	Function bool
	// Words are its own words where it is a program that runs what follows them:
	// its name, options and assignments. It has none where more is known of it.
	Words []Word
	// Pos is where the wrapper is written.
	Pos Pos
}

// GuardKind is the kind of construct that decides whether a command runs.
type GuardKind string

// The kinds of guards.
const (
	GuardIf    GuardKind = "if"
	GuardElse  GuardKind = "else"
	GuardCase  GuardKind = "case"
	GuardAnd   GuardKind = "&&"
	GuardOr    GuardKind = "||"
	GuardFor   GuardKind = "for"
	GuardWhile GuardKind = "while"
	GuardTrap  GuardKind = "trap"
)

// Truth is the static value of a condition.
type Truth int

// The values of a condition.
const (
	TruthUnknown Truth = iota
	TruthTrue
	TruthFalse
)

// Guard is a condition or loop around a command.
type Guard struct {
	// Kind is the construct.
	Kind GuardKind
	// Text is the condition as it is written: the commands between if and
	// then, "word in pattern" for case, the left side of && and ||, the list
	// of a for loop. For GuardElse it is the condition that did not hold.
	Text string
	// Pos is where the condition starts.
	Pos Pos
	// Var is the loop variable of a for loop. Open says that nobody knows how
	// often the loop's body runs.
	Var  string
	Open bool
	// Holds is whether the guard lets the command run, when that follows from
	// known values alone.
	Holds Truth
	// Tests are the paths whose existence the condition asks for ([ -f x ]),
	// so that a use of the same path within can be seen to be optional.
	Tests []Word
	// Commands are the commands whose existence it asks for (command -v x).
	Commands []string
	// Patterns are those of case's arm as they are written, and Above those of
	// the arms above it; none of either where arms fall through.
	Patterns, Above []string
}

// IsLoop reports whether the guard is a loop rather than a condition.
func (g Guard) IsLoop() bool { return g.Kind == GuardFor || g.Kind == GuardWhile }

// Never reports whether one of the guards is known not to let anything run, for
// the values that the caller has given.
func Never(guards []Guard) bool {
	return slices.ContainsFunc(guards, func(g Guard) bool { return g.Holds == TruthFalse })
}

// Pipe is a call's place in a pipeline.
type Pipe struct {
	// Pos is where the pipeline starts; it is the same for all of its calls
	// and zero when there is no pipeline.
	Pos Pos
	// Stage counts from 0, Stages is how many there are.
	Stage, Stages int
}

// SubstKind is the kind of a substitution.
type SubstKind int

// The kinds of substitution.
const (
	SubstNone SubstKind = iota
	// SubstCommand is $(…) or backquotes.
	SubstCommand
	// SubstProcess is <(…) or >(…).
	SubstProcess
)

// Subst tells which substitution a call stands in.
type Subst struct {
	// Kind is the kind of substitution.
	Kind SubstKind
	// Into is the base name of the command that gets the result as an
	// argument or input; "" for an assignment, or when it is not known.
	Into string
	// Pos is where the substitution starts.
	Pos Pos
}

// Redirect is a redirection.
type Redirect struct {
	// Op is the operator as it is written: >, >>, <, &>, <<, <<<, >&.
	Op string
	// FD is the descriptor in front of it, "" when there is none.
	FD string
	// Target is the file, descriptor or here-string.
	Target Word
	// Body is the text of a here-document.
	Body Word
	// Pos is where the redirection starts.
	Pos Pos
}

// Writes reports whether a file is written to.
func (r Redirect) Writes() bool {
	switch r.Op {
	case ">", ">>", ">|", "&>", "&>>", "<>":
		return true
	}
	return false
}

// Reads reports whether a file is read from.
func (r Redirect) Reads() bool { return r.Op == "<" || r.Op == "<>" }

// MayNotRun reports whether anything was seen that keeps the call from running
// exactly once.
func (c *Call) MayNotRun() bool { return c.Conditional || c.Loop || c.Unreached }

// Optional reports whether a condition around the call asks whether the
// command exists.
func (c *Call) Optional() bool {
	return slices.ContainsFunc(c.Guards, func(g Guard) bool {
		return slices.Contains(g.Commands, c.Name) || c.Command.Known && slices.Contains(g.Commands, c.Command.Value) ||
			slices.ContainsFunc(g.Tests, func(t Word) bool { return t.Known && c.Command.Known && t.Value == c.Command.Value })
	})
}

// Arg returns the i-th argument's value when it is known, else "".
func (c *Call) Arg(i int) string {
	if i < 0 || i >= len(c.Args) {
		return ""
	}
	v, _ := c.Args[i].Literal()
	return v
}

// HasArg reports whether one of the arguments is known to be one of values.
func (c *Call) HasArg(values ...string) bool {
	for i := range c.Args {
		if v, ok := c.Args[i].Literal(); ok && slices.Contains(values, v) {
			return true
		}
	}
	return false
}

// Literals are the arguments' values; ok is false unless all are known.
func (c *Call) Literals() (values []string, ok bool) {
	for _, w := range c.Args {
		v, ok := w.Literal()
		if !ok {
			return nil, false
		}
		values = append(values, v)
	}
	return values, true
}

// Is reports whether one of the traits is known of the program that is called.
func (c *Call) Is(t programs.Trait) bool { return programs.Is(c.Name, t) }

// Verb is what the call asks its program to do: the first argument that is no
// option and no value of one. "" where there is none, or none that is known.
func (c *Call) Verb() string {
	value := false
	for _, w := range c.Args {
		switch {
		case value:
			value = false
		case strings.HasPrefix(w.Value, "-"):
			value = programs.TakesValue(c.Name, w.Value)
		case !w.Known:
			return ""
		default:
			return w.Value
		}
	}
	return ""
}

// Through reports whether the call is made through a wrapper of that name.
func (c *Call) Through(name string) bool {
	return slices.ContainsFunc(c.Wrappers, func(w Wrapper) bool { return w.Name == name })
}
