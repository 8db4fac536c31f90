package shell

import (
	"fmt"
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
