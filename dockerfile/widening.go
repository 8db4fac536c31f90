package dockerfile

import (
	"maps"
	"slices"

	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// widening says what is still known of the copied files after a step of which not
// all is known.
type widening int

const (
	// forget takes such a step to have changed every file. A layout goes by it: a
	// step that is spared a file has to be right to do without it.
	forget widening = iota
	// assume takes it to have changed no more than what is known of it, and takes
	// changes of owners and modes for none. A reading goes by it: whoever writes
	// something else of the Dockerfile tells the user of such a step, and could not
	// carry over a file that is forgotten.
	assume
)

// after carries what is known of the files over a step. It returns what the step
// sets the mode of, where that is all that it does.
func (w widening) after(root *rootfs, f *Facts) *modeChange {
	switch {
	case w == assume && f.onlyModes():
		f.setExecutable(root)
		return nil
	case w == assume && f.Opaque != "":
		for t := range f.Touched {
			if t != "/" {
				root.forget(t)
			}
		}
		return nil
	case f.Opaque != "":
		root.forgetAll()
		return nil
	}
	maps.Copy(root.made, f.Made)
	if m := modesOf(root, f); m != nil {
		for _, name := range m.files {
			root.files[name].chmod(m.mode)
		}
		return m
	}
	for t := range f.Touched {
		root.forget(t)
	}
	return nil
}

// onlyModes reports whether a step changes owners and modes, and nothing else.
func (f *Facts) onlyModes() bool {
	for _, c := range f.Calls() {
		switch c.Name {
		case "chmod", "chown", "chgrp", "set", "cd":
		default:
			return false
		}
	}
	return f.Opaque == "" && len(f.Touched) > 0
}

// setExecutable notes the files that a step makes executable.
func (f *Facts) setExecutable(root *rootfs) {
	for _, c := range f.Calls() {
		if c.Name != "chmod" || !slices.ContainsFunc(c.Args, func(w shell.Word) bool { return modes.GivesExecution(w.Value) }) {
			continue
		}
		for name, file := range root.files {
			for t := range f.Touched {
				if paths.Within(name, t) {
					file.executable = true
				}
			}
		}
	}
}
