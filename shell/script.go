package shell

import "slices"

// Script is what one script does, read from its syntax tree.
type Script struct {
	// Path is the script's path as given: slash-separated, relative to the
	// context root.
	Path string
	// Shebang is the first line, taken apart.
	Shebang Shebang
	// Interpreter is the base name of the program that the shebang names,
	// looked up through env and busybox; "" when there is no shebang.
	Interpreter string
	// Shell says that the script is written for a shell that this package
	// reads. When it is false only text mentions are known.
	Shell bool
	// Dialect is the grammar by which the script was parsed: "bash", "posix"
	// or "mksh"; "" when Shell is false.
	Dialect string
	// Bashism is set when the interpreter is a plain sh, but the text could
	// only be parsed as bash: where, and which feature needs it.
	Bashism *SyntaxError
	// BeyondAsh is the same for a plain sh that is busybox's ash, which reads
	// more than POSIX's shell does; nil where it reads the text.
	BeyondAsh *SyntaxError
	// Broken is why the script cannot be parsed, nil when it can. Its text is
	// all that is known then.
	Broken *SyntaxError
	// Binary says that the file has no shebang and is not text.
	Binary bool
	// CRLF is the end of the first line that ends in carriage return and line
	// feed (zero when there is none): a shebang with one cannot be executed.
	CRLF Pos
	// BOM says that the file starts with a byte order mark, which hides the
	// shebang from the kernel.
	BOM bool
	// InvalidUTF8 is the first byte that is not UTF-8 (zero when there is
	// none). Shells do not mind; it is read as if it were a percent sign.
	InvalidUTF8 Pos

	// Calls are the commands that the script calls in source order, those in
	// function bodies and in nested text (sh -c, here-documents fed to a
	// shell, traps) included.
	Calls []*Call
	// Sources are the files that it reads in by source or the dot command.
	Sources []Source
	// Children are the scripts that it runs as processes of their own, in
	// source order. See Program.Children for the order of execution.
	Children []Child
	// Functions are the functions that it defines.
	Functions []Function
	// Assigns are the assignments to shell variables, in source order. Those
	// in front of one command belong to that Call.
	Assigns []Assign
	// Reads are the variables that it reads by name, in source order.
	Reads []Read
	// Paths are the file names that it mentions, as far as they are known.
	Paths []PathRef

	Text       *Text
	Comments   []Span
	ReadsAllAt Pos
}

// Pos is a position in a script. Both numbers start at 1; the column counts
// bytes. The zero value means that there is no position.
type Pos struct {
	Line   int
	Column int
}

// IsValid reports whether p is a position at all.
func (p Pos) IsValid() bool { return p.Line > 0 }

// Before reports whether p comes before q.
func (p Pos) Before(q Pos) bool {
	return p.Line < q.Line || (p.Line == q.Line && p.Column < q.Column)
}

// Shebang is a script's first line, when it starts with #!.
type Shebang struct {
	// Line is the whole line without its line end; "" when there is none.
	Line string
	// Program is the path that the kernel executes.
	Program string
	// Args are the words that follow. The kernel hands them over as a single
	// argument; they are split here as env -S would.
	Args []string
	// Pos is where the line starts.
	Pos Pos
}

// Function is a function that a script defines.
type Function struct {
	// Name is the function's name.
	Name string
	// Pos and End span the definition.
	Pos, End Pos
	// Called says that a call of it was met on the script's way.
	Called bool
}

// Reaches reports whether the script's own way was seen to lead to a call,
// rather than a call that nobody can name.
func (s *Script) Reaches(c *Call) bool {
	return !c.Unreached && (c.Func == "" || slices.ContainsFunc(s.Functions, func(f Function) bool { return f.Name == c.Func && f.Called }))
}

// CallAt returns the innermost call that a position belongs to, nil where there
// is none.
func (s *Script) CallAt(pos Pos) *Call {
	var found *Call
	for _, c := range s.Calls {
		if !pos.Before(c.Pos) && pos.Before(c.End) && (found == nil || found.Pos.Before(c.Pos)) {
			found = c
		}
	}
	return found
}

// Word is one word of a command after expansion, as far as it is known.
type Word struct {
	// Text is the word as it is written.
	Text string
	// Value is what the word expands to. When Known is false or Glob is true
	// it is a pattern: an unknown part is written as *, and characters that
	// stand for themselves are escaped by a backslash.
	Value string
	// Known says that every part of the value is known.
	Known bool
	// Values are the values that the word may have, when there are several and
	// all are known; Known is false then.
	Values []string
	// Glob says that the value is a pattern that the shell expands to file
	// names, or a file name that came out of such an expansion.
	Glob bool
	// Splits says that the word may become no word or several: a pattern, an
	// unquoted expansion of unknown value, an element of an array that may lack
	// it. A file name that a loop over a pattern gives is one word.
	Splits bool
	// Quoted says that the word is wholly within quotes.
	Quoted bool
	// Assumed says that the value rests on a default (${NAME:-value}) that
	// the environment may override.
	Assumed bool
	// Pos and End span the word; for a word handed through "$@" this is the
	// place where it was written, if that is in the same file.
	Pos, End Pos
}

// Is reports whether the word is known to be exactly s.
func (w Word) Is(s string) bool { return w.Known && !w.Glob && w.Value == s }

// Literal returns the word's value when it is one known string.
func (w Word) Literal() (string, bool) {
	if w.Known && !w.Glob {
		return w.Value, true
	}
	return "", false
}

// Choices returns every value that the word may have, when all are known.
func (w Word) Choices() []string {
	switch {
	case w.Known && !w.Glob:
		return []string{w.Value}
	case len(w.Values) > 0:
		return w.Values
	}
	return nil
}

// Read is a variable that is read by name: an expansion, arithmetic, [[ -v ]].
type Read struct {
	// Name is the variable.
	Name string
	// Pos is where the name is written.
	Pos Pos
}

// Assign is an assignment to a variable.
type Assign struct {
	// Name is the variable.
	Name string
	// Value is what is assigned; the zero Word when there is none (export X).
	Value Word
	// Elements are the elements of an array assignment.
	Elements []Word
	// Array says that an array was assigned.
	Array bool
	// Append says that it was += rather than =.
	Append bool
	// Exported, ReadOnly and Local say how it was declared. Exported is also
	// set when the variable had been exported before.
	Exported, ReadOnly, Local bool
	// Naked says that nothing is assigned: export X, local X.
	Naked bool
	// Pos and End span the assignment.
	Pos, End Pos
	// Func is the function in whose body it stands, "" for none.
	Func string
	// Guards are the conditions and loops around it, outermost first.
	Guards []Guard
}

// Access says what is done with a file.
type Access int

// The kinds of access. AccessMention is a name in an argument or assignment.
const (
	AccessMention Access = iota
	AccessRead
	AccessWrite
	AccessTest
	// AccessDir is cd and pushd.
	AccessDir
)

// PathRef is a file name that a script mentions.
type PathRef struct {
	// Path is the absolute, clean path; a pattern when Glob is true.
	Path string
	// Context is the path relative to the context root when Path lies within
	// one of the mounts. InContext tells the root itself from no such path.
	Context   string
	InContext bool
	// Glob says that Path is a pattern, because the script has one there or
	// because a part is unknown.
	Glob bool
	// Bare says that it is a plain word without a slash, and that it would be
	// this file of the context if the command takes it as a file name.
	Bare bool
	// Access is what the script does with it.
	Access Access
	// Pos is where it is written.
	Pos Pos
}
