// Package terminal says how text is written for people: how wide, and in which
// colors.
package terminal

import (
	"io"
	"os"

	"github.com/containerd/console"
	"github.com/morikuni/aec"
)

// Style is how text is written. The zero Style is that of files and pipes: no
// colors, and lines as long as they are.
type Style struct {
	// Width is how many columns a line has, 0 where nothing ends it.
	Width int
	// Colored reports whether colors are wanted.
	Colored bool
}

// Of is the style of what is written to w.
func Of(w io.Writer) Style {
	width, is := size(w)
	return Style{Width: width, Colored: colored(is, os.Getenv)}
}

// size is the width of the terminal that w is, 0 where that has none; is is false
// of what is no terminal.
func size(w io.Writer) (width int, is bool) {
	file, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	c, err := console.ConsoleFromFile(file)
	if err != nil {
		return 0, false
	}
	if size, err := c.Size(); err == nil {
		width = int(size.Width)
	}
	return width, true
}

// colored tells whether colors are wanted, by the usual variables. NO_COLOR says no
// to all, and CLICOLOR_FORCE yes to what is no terminal.
func colored(terminal bool, env func(string) string) bool {
	switch force := env("CLICOLOR_FORCE"); {
	case env("NO_COLOR") != "":
		return false
	case force != "" && force != "0":
		return true
	}
	return terminal && env("TERM") != "dumb" && env("CLICOLOR") != "0"
}

// Color is what a text is written in.
type Color int

// The colors. Plain is that of the terminal.
const (
	Plain Color = iota
	Bold
	Red
	Yellow
	Green
	Cyan
)

func (c Color) code() aec.ANSI {
	switch c {
	case Bold:
		return aec.Bold
	case Red:
		return aec.RedF.With(aec.Bold)
	case Yellow:
		return aec.YellowF.With(aec.Bold)
	case Green:
		return aec.GreenF
	case Cyan:
		return aec.CyanF
	default:
		return nil
	}
}

// Paint returns a text in a color, where colors are wanted.
func (s Style) Paint(c Color, text string) string {
	if code := c.code(); s.Colored && code != nil && text != "" {
		return code.Apply(text)
	}
	return text
}
