package dockerfile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// chmod notes a mode that a step gives to a file.
func (f *copiedFile) chmod(mode string) {
	f.executable = true
	switch n, err := strconv.ParseUint(mode, 8, 12); {
	case err == nil:
		f.perm = fmt.Sprintf("%04o", n)
	case f.perm == "" && mode != "":
		f.perm = fmt.Sprintf("%04o", f.mode.Perm()|0o111)
	default:
		f.perm = ""
	}
}

// moding is what a step makes executable: copied files, and directories of
// nothing else, with all that is below them.
type moding struct {
	// mode is what chmod is given, "" when that differs between them.
	mode        string
	files, dirs []string
}

// modes returns what a step makes executable when it does nothing else, or nil.
func modes(root *rootfs, f *facts) *moding {
	if len(f.touched) == 0 || len(f.trees) > 0 {
		return nil
	}
	m := &moding{}
	down, first := false, true
	for _, c := range f.calls() {
		switch {
		case c.Name == "chmod" && len(c.Args) >= 2:
			mode := c.Arg(0)
			if recursive(c) {
				mode, down = c.Arg(1), true
			}
			if mode != "+x" && mode != "a+x" && (len(mode) < 3 || strings.Trim(mode, "01234567") != "" || !strings.ContainsAny(mode[len(mode)-3:], "1357")) {
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
	for _, name := range slices.Sorted(maps.Keys(f.touched)) {
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
