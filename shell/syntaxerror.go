package shell

import (
	"errors"
	"fmt"

	"mvdan.cc/sh/v3/syntax"
)

// SyntaxError says why and where a script cannot be read.
type SyntaxError struct {
	// Path is the script.
	Path string
	// Pos is where it cannot be read, Msg why.
	Pos Pos
	Msg string
}

// Error gives path, line, column and message.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Path, e.Pos.Line, e.Pos.Column, e.Msg)
}

// TooLargeError says that a file is larger than the caller allows.
type TooLargeError struct {
	Path      string
	Size, Max int
}

// Error gives path and sizes.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, and scripts are read up to %d; give a large file to a short script as an input", e.Path, e.Size, e.Max)
}

// syntaxError translates the parser's error.
func syntaxError(path string, t *text, err error) *SyntaxError {
	out := &SyntaxError{Path: path, Pos: Pos{Line: 1, Column: 1}, Msg: err.Error()}
	var perr syntax.ParseError
	var lerr syntax.LangError
	switch {
	case errors.As(err, &perr):
		out.Pos, out.Msg = t.pos(offset(perr.Pos)), perr.Text
	case errors.As(err, &lerr):
		at := lerr.Pos
		lerr.Filename, lerr.Pos = "", syntax.Pos{}
		out.Pos = t.pos(offset(at))
		out.Msg = langMessage(lerr)
	}
	return out
}

// langMessage says which shells know a feature that this one lacks.
func langMessage(err syntax.LangError) string {
	langs := ""
	for i, l := range err.Langs {
		switch {
		case i == 0:
		case i == len(err.Langs)-1:
			langs += " and "
		default:
			langs += ", "
		}
		langs += l.String()
	}
	return fmt.Sprintf("%s: known to %s only, but this script is read as %s", err.Feature, langs, err.LangUsed)
}

// offset converts the parser's offset.
func offset(p syntax.Pos) int {
	return int(min(p.Offset(), 1<<31-1)) //nolint:gosec // bounded just here
}
