package trace

import (
	"debug/elf"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// program is one that was started: its path, and unprivileged where another
// user than root did it.
type program struct {
	path string
	by   uint64
}

// unprivileged is a flag of a program's start by another user than root.
const unprivileged = 1 << 32

// execute takes note of a program, and of the interpreters that the kernel
// opens for it.
func (t *tracer) execute(full string, kind Kind, flags uint64) {
	t.files.did(full, kind, Executed)
	key := program{full, flags & unprivileged}
	if kind != File || t.programs[key] {
		return
	}
	t.programs[key] = true
	file, err := os.Open(full)
	if err != nil {
		return
	}
	defer file.Close()
	if !privileged() && gains(file, flags) {
		t.unknown["what "+full+" does with the privileges that it gains: it gains none while it is traced"] = true
	}
	var interpreter string
	head := make([]byte, 256) // as much as the kernel reads
	n, _ := file.ReadAt(head, 0)
	if script, is := strings.CutPrefix(string(head[:n]), "#!"); is {
		line, _, _ := strings.Cut(script, "\n")
		interpreter = append(strings.Fields(line), "")[0]
	} else if image, err := elf.NewFile(file); err == nil {
		if image.Class != elf.ELFCLASS64 {
			t.unknown["the 32-bit program "+full] = true
		}
		interpreter = loader(image)
	}
	if interpreter == "" {
		return
	}
	if full, kind := t.files.resolve("/", interpreter, true); kind == Nothing {
		t.files.did(full, kind, Absent)
	} else {
		t.execute(full, kind, flags)
	}
}

// loader returns the interpreter that an ELF file names, "" for a static one.
func loader(image *elf.File) string {
	for _, p := range image.Progs {
		if p.Type == elf.PT_INTERP {
			name := make([]byte, min(p.Filesz, unix.PathMax))
			if _, err := p.ReadAt(name, 0); err == nil {
				return strings.TrimRight(string(name), "\x00")
			}
		}
	}
	return ""
}

// gains tells whether a program gets privileges that its caller lacks.
func gains(file *os.File, flags uint64) bool {
	info, err := file.Stat()
	if err != nil {
		return true
	}
	n, err := unix.Fgetxattr(int(file.Fd()), "security.capability", nil)
	more := info.Mode()&os.ModeSetuid != 0 || err == nil && n > 0
	return info.Mode()&os.ModeSetgid != 0 || more && flags&unprivileged != 0
}
