// Package modes reads and writes the modes of files as chmod does. It imports
// nothing of the project.
package modes

import (
	"fmt"
	"io/fs"
	"strconv"

	mode "github.com/tonistiigi/dchapes-mode"
)

// Number reads a mode that is written in octal, with the bits for set-uid,
// set-gid and sticky.
func Number(text string) (fs.FileMode, bool) {
	n, err := strconv.ParseUint(text, 8, 12)
	if err != nil {
		return 0, false
	}
	out := fs.FileMode(n & 0o777)
	for _, s := range special() {
		if uint32(n)&s.bit != 0 {
			out |= s.mode
		}
	}
	return out, true
}

// Octal writes a mode in four digits, with the bits for set-uid, set-gid and
// sticky.
func Octal(m fs.FileMode) string {
	bits := uint32(m.Perm())
	for _, s := range special() {
		if m&s.mode != 0 {
			bits |= s.bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

// Apply is a mode after a chmod, which is given a number or something such as
// u+x; ok is false where that is neither.
func Apply(old fs.FileMode, text string) (changed fs.FileMode, ok bool) {
	if n, ok := Number(text); ok {
		return n, true
	}
	set, err := mode.ParseWithUmask(text, 0o022)
	if err != nil {
		return old, false
	}
	return set.Apply(old), true
}

// GivesExecution reports whether a chmod makes any file executable.
func GivesExecution(text string) bool {
	m, ok := Apply(0, text)
	return ok && m&0o111 != 0
}

type bit struct {
	bit  uint32
	mode fs.FileMode
}

func special() []bit {
	return []bit{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}}
}
