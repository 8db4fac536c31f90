package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// tracer follows a program and all that it starts.
type tracer struct {
	calls   map[uint64]call
	memory  memory
	files   *files
	threads map[int]*thread
	// seen are the calls that said nothing new, since paths last changed their
	// meaning.
	seen map[sight]struct{}
	// moving is how many threads are in calls that change what paths mean.
	moving int
	// chrooted tells that threads have roots of their own.
	chrooted bool
	programs map[program]bool // that were looked into
	peers    map[string]bool
	unknown  map[string]bool
}

type thread struct {
	// exposed tells that expose was tried for the call that it stands before.
	exposed bool
	// moving tells that it was let into a call that changes what paths mean.
	moving bool
}

// sight is a call with its arguments, as far as they count.
type sight struct {
	call       string
	flags      uint64
	base, name string
}

func newTracer() (*tracer, error) {
	byNr, err := byNumber()
	if err != nil {
		return nil, err
	}
	return &tracer{
		calls: byNr, files: newFiles(), threads: map[int]*thread{}, seen: map[sight]struct{}{},
		programs: map[program]bool{}, peers: map[string]bool{}, unknown: map[string]bool{},
	}, nil
}

// follow follows a seized process until it ends, and returns how.
func (t *tracer) follow(main int) (unix.WaitStatus, error) {
	for {
		tid, status, err := wait(-1)
		if err != nil {
			return 0, fmt.Errorf("waiting for the traced program: %w", err)
		}
		if !status.Stopped() {
			t.arrived(t.threads[tid])
			delete(t.threads, tid)
			if tid == main {
				return status, nil
			}
			continue
		}
		th := t.threads[tid]
		if th == nil {
			th = &thread{}
			t.threads[tid] = th
		}
		t.arrived(th)
		t.stopped(tid, th, status)
	}
}

// stopped deals with a stop, and lets the thread go on.
func (t *tracer) stopped(tid int, th *thread, status unix.WaitStatus) {
	signal := int(status.StopSignal())
	switch int(status) >> 16 {
	case 0: // a signal is to be delivered
		resume(tid, signal)
		return
	case unix.PTRACE_EVENT_SECCOMP:
		if t.called(tid, th) {
			th.exposed = false
		}
	case unix.PTRACE_EVENT_STOP:
		if signal != int(unix.SIGTRAP) { // stopped as by a shell's job control
			_ = ptrace(unix.PTRACE_LISTEN, tid, 0)
			return
		}
	}
	resume(tid, 0)
}

// called takes note of a call. It returns false where the thread makes the
// call again.
func (t *tracer) called(tid int, th *thread) bool {
	s, err := standing(tid)
	if err != nil {
		return true // it was killed
	}
	c, known := t.calls[s.nr]
	if !known {
		return true
	}
	err = t.note(tid, th, c, s)
	if errors.Is(err, unix.EPERM) && !th.exposed {
		th.exposed = true
		if expose(tid) == nil {
			return false
		}
	}
	if errors.Is(err, unix.EPERM) {
		t.unknown[c.name+" of a process whose memory is closed"] = true
	}
	return true
}

// note takes note of a call.
func (t *tracer) note(tid int, th *thread, c call, s stop) error {
	switch c.op {
	case beyond:
		t.unknown[c.name+": the files that it reaches"] = true
		t.moves(th)
		return nil
	case connect, bind:
		return t.socket(tid, c, s)
	case list:
		return t.descriptor(tid, s.args[c.dir], c, Listed)
	}
	if c.path == none || s.args[c.path] == 0 {
		if c.dir == none {
			return nil
		}
		access := Looked
		if c.op == attributes {
			access = Attributes
		}
		return t.descriptor(tid, s.args[c.dir], c, access)
	}
	flags, err := t.flags(tid, c, s)
	if err != nil {
		return err
	}
	base, name, err := t.named(tid, c, s)
	if err != nil {
		return err
	}
	if err := t.stand(tid); err != nil {
		return err
	}
	if base == "" || name == "" {
		return t.nameless(tid, th, c, s, flags, base)
	}
	if t.moving > 0 {
		t.forget()
	}
	key := sight{c.name, flags, base, name}
	if _, is := t.seen[key]; is {
		return nil
	}
	full, kind := t.files.resolve(base, name, c.follows(flags))
	if t.files.lost { // the call fails
		t.files.did(full, kind, ifThere(kind != Nothing, Looked, Absent))
		return nil
	}
	if c.op != rename && c.op != link && !t.chrooted && !t.files.personal {
		t.seen[key] = struct{}{}
	}
	if c.op == rename || c.op == link {
		return t.moved(tid, th, c, s, flags, full, kind)
	}
	t.happened(th, c, flags, full, kind)
	return nil
}

// nameless takes note of a call whose path is empty, so that it means its
// descriptor's file, base; "" where that has no name either. Such a file was
// opened before, so that only what makes more of it counts.
func (t *tracer) nameless(tid int, th *thread, c call, s stop, flags uint64, base string) error {
	switch {
	case c.op == link && flags&unix.AT_EMPTY_PATH != 0:
		return t.moved(tid, th, c, s, flags, base, Other)
	case base == "":
	case c.op == execute && flags&unix.AT_EMPTY_PATH != 0:
		t.execute(base, t.files.kind(base), flags)
	case c.op == attributes:
		t.files.did(base, t.files.kind(base), Attributes)
		if c.extended() {
			t.files.extended(base)
		}
	}
	return nil
}

// flags returns what says how a call is meant.
func (t *tracer) flags(tid int, c call, s stop) (flags uint64, err error) {
	switch {
	case c.name == "creat":
		return unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC, nil
	case c.name == "openat2":
		var how [8]byte
		_, err := t.memory.read(tid, s.args[c.flags], how[:])
		return binary.NativeEndian.Uint64(how[:]), err
	case c.op == execute && !privileged():
		if uid, _ := ids(tid); uid != 0 {
			flags = unprivileged
		}
	}
	if c.flags != none {
		flags |= s.args[c.flags] & 0xffffffff
	}
	return flags, nil
}

// named returns the directory that a call's path begins at, "" where it has no
// name, and the path.
func (t *tracer) named(tid int, c call, s stop) (base, name string, err error) {
	if name, err = t.memory.text(tid, s.args[c.path]); err != nil || strings.HasPrefix(name, "/") {
		return "/", name, err
	}
	from := "cwd"
	if c.dir != none && int32(s.args[c.dir]) != unix.AT_FDCWD {
		from = descriptorLink(s.args[c.dir])
	}
	base, err = t.fileOf(tid, from)
	return base, name, err
}

func descriptorLink(fd uint64) string { return fmt.Sprintf("fd/%d", int32(fd)) }

// fileOf returns the path that a link of a thread's in /proc stands for, "" for
// what has none: a pipe, or a file that was deleted.
func (t *tracer) fileOf(tid int, link string) (string, error) {
	name, err := readlink(tid, link)
	if !strings.HasPrefix(name, "/") || strings.HasSuffix(name, " (deleted)") {
		return "", err
	}
	return name, err
}

// descriptor takes note of an access by a descriptor.
func (t *tracer) descriptor(tid int, fd uint64, c call, access Access) error {
	name, err := t.fileOf(tid, descriptorLink(fd))
	if err != nil || name == "" || spared(name) {
		return err
	}
	t.files.did(name, t.files.kind(name), access)
	if c.extended() {
		t.files.extended(name)
	}
	return nil
}

// stand makes names mean what they mean to a thread.
func (t *tracer) stand(tid int) (err error) {
	t.files.self = "/proc/" + strconv.Itoa(tid)
	if t.chrooted {
		t.files.top, err = readlink(tid, "root")
	}
	return err
}

// moves is called before a call that changes what paths mean.
func (t *tracer) moves(th *thread) {
	if !th.moving {
		th.moving = true
		t.moving++
	}
	t.forget()
}

// arrived is called when a thread's call, if it was in one, is done.
func (t *tracer) arrived(th *thread) {
	if th != nil && th.moving {
		th.moving = false
		t.moving--
		t.forget()
	}
}

func (t *tracer) forget() {
	clear(t.seen)
	t.files.forget()
}

// record returns what was recorded.
func (t *tracer) record() *Record {
	return &Record{
		Version: Version,
		Paths:   t.files.record(),
		Peers:   slices.Sorted(maps.Keys(t.peers)),
		Unknown: slices.Sorted(maps.Keys(t.unknown)),
	}
}
