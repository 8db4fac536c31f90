package trace

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// happened takes note of what a call with one path does.
func (t *tracer) happened(th *thread, c call, flags uint64, full string, kind Kind) {
	f := t.files
	there := kind != Nothing
	switch c.op {
	case look:
		access := Looked
		if kind == Link && strings.HasPrefix(c.name, "readlink") {
			access = Read
		}
		f.did(full, kind, ifThere(there, access, Absent))
	case open:
		f.did(full, kind, opened(flags, kind))
		if !there && flags&unix.O_CREAT != 0 {
			f.did(path.Dir(full), Directory, Looked)
		}
	case create:
		f.did(full, kind, ifThere(there, Looked, Absent|Created))
		f.did(path.Dir(full), Directory, Looked)
		if kind == Directory && strings.HasPrefix(c.name, "mkdir") {
			f.did(full, kind, Ensured)
		}
		if strings.HasPrefix(c.name, "symlink") {
			t.moves(th)
		}
	case remove:
		if kind == Directory {
			f.did(full, kind, Listed) // it goes only if it is empty
		}
		f.did(full, kind, ifThere(there, Looked|Deleted, Absent))
		if kind == Link || kind == Directory {
			t.moves(th)
		}
	case truncate:
		f.did(full, kind, ifThere(there, Read|Written, Absent))
	case attributes:
		f.did(full, kind, ifThere(there, Looked|Attributes, Absent))
		if there && c.extended() {
			f.extended(full)
		}
	case execute:
		if !there {
			f.did(full, kind, Absent)
			return
		}
		t.execute(full, kind, flags)
	case changeRoot:
		f.did(full, kind, ifThere(there, Looked, Absent))
		t.chrooted = true
		t.moves(th)
	}
}

func ifThere(there bool, yes, no Access) Access {
	if there {
		return yes
	}
	return no
}

// opened returns what it means to open what is of a kind.
func opened(flags uint64, kind Kind) Access {
	writes := flags&unix.O_ACCMODE != unix.O_RDONLY
	switch {
	case kind == Nothing && flags&unix.O_CREAT != 0:
		return Absent | Created
	case kind == Nothing:
		return Absent
	case flags&unix.O_PATH != 0, kind == Directory:
		return Looked
	case flags&unix.O_TRUNC != 0:
		return Looked | Written
	case writes:
		return Read | Written
	}
	return Read
}

// moved takes note of a rename or a hard link of a file, "" for one without a
// name.
func (t *tracer) moved(tid int, th *thread, c call, s stop, flags uint64, from string, kind Kind) error {
	f := t.files
	base, name, err := t.named(tid, c.second(), s)
	if err != nil || base == "" {
		return err
	}
	to, there := f.resolve(base, name, false)
	if kind == Nothing {
		f.did(from, kind, Absent)
		return nil
	}
	if f.lost { // the call fails
		if from != "" {
			f.did(from, kind, Looked)
		}
		return nil
	}
	if there != Nothing && (c.op == link || flags&unix.RENAME_NOREPLACE != 0) { // it will be refused
		f.did(from, kind, Looked)
		f.did(to, there, Looked)
		return nil
	}
	t.moves(th)
	if c.op == link {
		f.did(to, there, ifThere(there != Nothing, Looked, Absent|Created))
		f.did(path.Dir(to), Directory, Looked)
		if from != "" {
			f.did(from, kind, Read)
			f.alias(from, to)
		}
		return nil
	}
	move := func(from, to string, kind Kind) {
		f.below(from, kind, func(old string, kind Kind) {
			moved := to + strings.TrimPrefix(old, from)
			f.did(old, kind, Read|Deleted|Renamed)
			was := f.kind(moved)
			f.did(moved, was, Renamed|ifThere(was != Nothing, Looked|Written, Absent|Created))
		})
	}
	f.did(path.Dir(to), Directory, Looked)
	move(from, to, kind)
	if flags&unix.RENAME_EXCHANGE != 0 {
		move(to, from, there)
	}
	return nil
}
