package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is one mistake in a build file.
type Error struct {
	// File is the build file's name.
	File string
	// At is the offending part.
	At Range
	// Msg says what is wrong and what to do.
	Msg string
}

// Error returns file:line:column and the message.
func (e *Error) Error() string {
	if e.At.Start.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.At.Start.Line, e.At.Start.Column, e.Msg)
}

// Errors is every mistake found in a build file, in the order of the text.
type Errors []*Error

// Error returns one line for each mistake.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As access to the single mistakes.
func (es Errors) Unwrap() []error {
	out := make([]error, len(es))
	for i, e := range es {
		out[i] = e
	}
	return out
}

// maxProblems is how many mistakes are told: nobody reads more at once.
const maxProblems = 100

// Problems collects mistakes while a build file is read, so that the user sees
// all of them at once.
type Problems struct {
	// File is the build file's name.
	File string
	list Errors
	more int // that are not told
}

// Addf adds a mistake at a place, unless that has one already: what else is said of it
// follows from the first.
func (p *Problems) Addf(at Range, format string, args ...any) {
	if at != (Range{}) && slices.ContainsFunc(p.list, func(e *Error) bool { return e.At == at }) {
		return
	}
	if len(p.list) == maxProblems {
		p.more++
		return
	}
	p.list = append(p.list, &Error{File: p.File, At: at, Msg: fmt.Sprintf(format, args...)})
}

// Err returns the mistakes in the order of the text as [Errors], or nil.
func (p *Problems) Err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b *Error) int {
		if a.At.Start.Line != b.At.Start.Line {
			return a.At.Start.Line - b.At.Start.Line
		}
		return a.At.Start.Column - b.At.Start.Column
	})
	if p.more > 0 {
		return append(slices.Clone(p.list), &Error{File: p.File, Msg: fmt.Sprintf("%d mistakes more; correct these first", p.more)})
	}
	return p.list
}

// AsErrors returns the build-file mistakes that err holds, or nil.
func AsErrors(err error) Errors {
	var es Errors
	if errors.As(err, &es) {
		return es
	}
	var e *Error
	if errors.As(err, &e) {
		return Errors{e}
	}
	return nil
}
