package dockerfile

import (
	"github.com/pgstrata/pgstrata/modes"
)

// chmod notes a mode that a step gives to a file.
func (f *CopiedFile) chmod(mode string) {
	f.executable = true
	switch n, ok := modes.Number(mode); {
	case ok:
		f.perm = modes.Octal(n)
	case f.perm == "" && mode != "":
		f.perm = modes.Octal(f.Mode.Perm() | 0o111)
	default:
		f.perm = ""
	}
}

// modeChange is what a step makes executable: copied files, and directories of
// nothing else, with all that is below them.
type modeChange struct {
	// mode is what chmod is given, "" when that differs between them.
	mode        string
	files, dirs []string
}

// modesOf returns what a step makes executable when it does nothing else, or nil.
func modesOf(root *rootfs, f *Facts) *modeChange {
	if len(f.Touched) == 0 || len(f.Trees) > 0 {
		return nil
	}
	m := &modeChange{}
	down, first := false, true
	for _, c := range f.Calls() {
		switch {
		case c.Name == "chmod" && len(c.Args) >= 2:
			mode := c.Arg(0)
			if recursive(c) {
				mode, down = c.Arg(1), true
			}
			if n, ok := modes.Number(mode); mode != "+x" && mode != "a+x" && (!ok || n&0o111 == 0) {
				return nil
			}
			if !first && mode != m.mode {
				mode = ""
			}
			m.mode, first = mode, false
		case c.Name == "set" || c.Name == "cd":
		default:
			return nil
		}
	}
	for _, name := range f.Touched.Sorted() {
		switch d := root.dirs[name]; {
		case root.files[name] != nil:
			m.files = append(m.files, name)
		case down && d != nil && d.complete:
			m.files = append(m.files, root.below(name)...)
			m.dirs = append(m.dirs, name)
		default:
			return nil
		}
	}
	return m
}
