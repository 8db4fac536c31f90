package trace

import (
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many links the kernel follows in one path.
const maxLinks = 40

// files is what was done to files, and what is known of them meanwhile.
type files struct {
	// top is where absolute names begin: the traced thread's root, as the
	// tracer sees it.
	top string
	// self is the traced thread's directory in /proc, where links lead that
	// lead each process elsewhere; personal tells that the last name went
	// through it, lost that a directory on its way was none, so that a call with it
	// fails.
	self           string
	personal, lost bool
	paths          map[string]*touched
	// dirs are directories that are no links.
	dirs map[string]bool
	// aliases are the other names that a file was given: what is written to one
	// is written to all.
	aliases map[string][]string
}

// touched is a path that was named.
type touched struct {
	did Access
	was Kind
	// own tells that what is there is the program's own: what it reads there
	// was left by nobody else.
	own bool
	// before is what it was before its attributes were set; nil where that does
	// not count, or can not be told.
	before *attributesOf
	// extended tells that extended attributes were set.
	extended bool
}

// attributesOf are a file's owner and mode.
type attributesOf struct{ mode, uid, gid uint32 }

// attributesAt returns those of what is there, nil for nothing.
func attributesAt(name string) *attributesOf {
	var st unix.Stat_t
	if unix.Lstat(name, &st) != nil {
		return nil
	}
	return &attributesOf{st.Mode, st.Uid, st.Gid}
}

func newFiles() *files {
	return &files{top: "/", paths: map[string]*touched{}, dirs: map[string]bool{}, aliases: map[string][]string{}}
}

// spared tells whether a path is not one of the root's files: the kernel's
// tables and devices.
func spared(name string) bool {
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if rest, is := strings.CutPrefix(name, dir); is && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// kind tells what is there; a link is one.
func (f *files) kind(name string) Kind {
	var st unix.Stat_t
	if unix.Lstat(name, &st) != nil {
		return Nothing
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return File
	case unix.S_IFDIR:
		return Directory
	case unix.S_IFLNK:
		return Link
	}
	return Other
}

// did takes note of an access to a path, before which it is of a kind.
func (f *files) did(name string, now Kind, access Access) {
	if spared(name) {
		return
	}
	t := f.paths[name]
	if t == nil {
		t = &touched{was: now}
		f.paths[name] = t
	}
	if t.own {
		access &^= Reads | Ensured
	}
	if access&Attributes != 0 && !t.own && t.before == nil {
		t.before = attributesAt(name)
	}
	t.did |= access
	if access&(Created|Deleted) != 0 {
		t.own = true
	}
	if shared := access & (Written | Attributes); shared != 0 {
		for _, other := range f.aliases[name] {
			f.paths[other].did |= shared
		}
	}
}

// extended takes note that extended attributes of a path that was named are set.
func (f *files) extended(name string) {
	if t := f.paths[name]; t != nil {
		t.extended = true
	}
}

// alias takes note that a file has two names from now on. Both were named.
func (f *files) alias(one, two string) {
	if spared(one) || spared(two) {
		return
	}
	all := append([]string{one, two}, slices.Concat(f.aliases[one], f.aliases[two])...)
	for _, name := range all {
		f.aliases[name] = all
	}
}

// resolve returns the path without links that a name stands for, and what is
// there. The links on the way are read. Of a name that is lost, what would have to
// be a directory is looked at, and the path is the one that would be meant if it
// were.
func (f *files) resolve(base, name string, follow bool) (string, Kind) {
	at := base
	if strings.HasPrefix(name, "/") {
		at = f.top
	}
	f.personal, f.lost = false, false
	follow = follow || strings.HasSuffix(name, "/")
	rest := strings.Split(name, "/")
	for links := 0; len(rest) > 0; {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			f.did(at, Directory, Looked) // it has to be there
			if at != f.top {
				at = path.Dir(at)
			}
			continue
		}
		last := !slices.ContainsFunc(rest, func(p string) bool { return p != "" && p != "." })
		full := path.Join(at, part)
		if full == "/proc/self" || full == "/proc/thread-self" {
			f.personal = true
			full = f.self
		}
		if !last && f.dirs[full] {
			at = full
			continue
		}
		kind := f.kind(full)
		switch {
		case kind == Link && (!last || follow):
			links++
			if links > maxLinks {
				return full, Nothing
			}
			f.did(full, Link, Read)
			buf := make([]byte, unix.PathMax)
			n, err := unix.Readlink(full, buf)
			if err != nil {
				return full, Nothing
			}
			target := string(buf[:n])
			if f.personal && strings.HasSuffix(target, " (deleted)") {
				return full, Other // open, and without a name
			}
			if strings.HasPrefix(target, "/") {
				at, rest = f.top, append(strings.Split(target, "/"), rest...)
			} else {
				rest = append(strings.Split(target, "/"), rest...)
			}
		case last:
			return full, kind
		case kind == Directory:
			f.dirs[full] = true
			at = full
		default:
			f.lost = true
			f.did(full, kind, ifThere(kind != Nothing, Looked, Absent))
			if slices.Contains(rest, "..") {
				return full, kind
			}
			return path.Join(append([]string{full}, rest...)...), Nothing
		}
	}
	return at, f.kind(at)
}

// forget is called where a path may stand for another file from now on.
func (f *files) forget() { clear(f.dirs) }

// below calls do for a path and all that is below it.
func (f *files) below(name string, kind Kind, do func(string, Kind)) {
	do(name, kind)
	if kind != Directory {
		return
	}
	for _, entry := range f.entries(name) {
		full := path.Join(name, entry)
		f.below(full, f.kind(full), do)
	}
}

func (f *files) entries(dir string) []string {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var names []string
	for buf := make([]byte, 8192); ; {
		n, err := unix.ReadDirent(fd, buf)
		if err != nil || n <= 0 {
			return names
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// unchanged tells that attributes were set to what they were, and nothing else
// was done.
func (t *touched) unchanged(name string) bool {
	now := attributesAt(name)
	return t.did&Changes == Attributes && !t.extended && t.before != nil && now != nil && *now == *t.before
}

// record returns what is known at the end.
func (f *files) record() []Path {
	var out []Path
	for _, name := range slices.Sorted(maps.Keys(f.paths)) {
		t := f.paths[name]
		p := Path{Name: name, Did: t.did, Was: t.was, Left: t.was}
		if t.unchanged(name) {
			p.Did = p.Did&^Attributes | Looked
		}
		if p.Did&Changes != 0 {
			p.Left = f.kind(name)
		}
		if p.Did&(Reads&^Looked) != 0 {
			p.Did &^= Looked // the other says more
		}
		if t.did != 0 {
			out = append(out, p)
		}
	}
	return out
}
