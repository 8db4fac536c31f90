package trace

import (
	"slices"
	"strings"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"
)

// operation is what a system call does to the path that it names.
type operation int

const (
	look operation = iota
	open
	list
	create
	remove
	rename
	link
	attributes
	truncate
	execute
	connect
	bind
	changeRoot
	// beyond stands for calls after which paths mean something else, or which
	// reach files without naming them.
	beyond
)

// none stands for an argument that a call does not have.
const none = -1

// call is a system call: which of its arguments name a file.
type call struct {
	name string
	op   operation
	// dir is the argument that is the directory's descriptor, none for the
	// working directory; path the one that is the path, none where the
	// descriptor itself is meant.
	dir, path int
	// flags is the argument that says whether a link at the end is followed
	// (and, for open, how); none where follow alone says so.
	flags  int
	follow bool
}

// calls returns all calls that stop a program, of both architectures.
func calls() []call {
	return []call{
		{"open", open, none, 0, 1, true},
		{"openat", open, 0, 1, 2, true},
		{"openat2", open, 0, 1, 2, true},
		{"creat", open, none, 0, none, true},

		{"stat", look, none, 0, none, true},
		{"lstat", look, none, 0, none, false},
		{"newfstatat", look, 0, 1, 3, true},
		{"fstatat", look, 0, 1, 3, true},
		{"statx", look, 0, 1, 2, true},
		{"access", look, none, 0, none, true},
		{"faccessat", look, 0, 1, none, true},
		{"faccessat2", look, 0, 1, 3, true},
		{"readlink", look, none, 0, none, false},
		{"readlinkat", look, 0, 1, none, false},
		{"getxattr", look, none, 0, none, true},
		{"lgetxattr", look, none, 0, none, false},
		{"getxattrat", look, 0, 1, 2, true},
		{"listxattr", look, none, 0, none, true},
		{"llistxattr", look, none, 0, none, false},
		{"listxattrat", look, 0, 1, 2, true},
		{"statfs", look, none, 0, none, true},
		{"chdir", look, none, 0, none, true},
		{"inotify_add_watch", look, none, 1, none, true},
		{"getdents", list, 0, none, none, true},
		{"getdents64", list, 0, none, none, true},

		{"mkdir", create, none, 0, none, false},
		{"mkdirat", create, 0, 1, none, false},
		{"mknod", create, none, 0, none, false},
		{"mknodat", create, 0, 1, none, false},
		{"symlink", create, none, 1, none, false},
		{"symlinkat", create, 1, 2, none, false},
		{"unlink", remove, none, 0, none, false},
		{"rmdir", remove, none, 0, none, false},
		{"unlinkat", remove, 0, 1, none, false},
		{"rename", rename, none, 0, none, false},
		{"renameat", rename, 0, 1, none, false},
		{"renameat2", rename, 0, 1, 4, false},
		{"link", link, none, 0, none, false},
		{"linkat", link, 0, 1, 4, false},
		{"truncate", truncate, none, 0, none, true},

		{"chmod", attributes, none, 0, none, true},
		{"fchmod", attributes, 0, none, none, true},
		{"fchmodat", attributes, 0, 1, none, true},
		{"fchmodat2", attributes, 0, 1, 3, true},
		{"chown", attributes, none, 0, none, true},
		{"lchown", attributes, none, 0, none, false},
		{"fchown", attributes, 0, none, none, true},
		{"fchownat", attributes, 0, 1, 4, true},
		{"utime", attributes, none, 0, none, true},
		{"utimes", attributes, none, 0, none, true},
		{"futimesat", attributes, 0, 1, none, true},
		{"utimensat", attributes, 0, 1, 3, true},
		{"setxattr", attributes, none, 0, none, true},
		{"lsetxattr", attributes, none, 0, none, false},
		{"fsetxattr", attributes, 0, none, none, true},
		{"setxattrat", attributes, 0, 1, 2, true},
		{"removexattr", attributes, none, 0, none, true},
		{"lremovexattr", attributes, none, 0, none, false},
		{"fremovexattr", attributes, 0, none, none, true},
		{"removexattrat", attributes, 0, 1, 2, true},

		{"execve", execute, none, 0, none, true},
		{"execveat", execute, 0, 1, 4, true},
		{"connect", connect, 0, none, none, true},
		{"bind", bind, 0, none, none, false},
		{"chroot", changeRoot, none, 0, none, true},
		{"pivot_root", beyond, none, none, none, false},
		{"mount", beyond, none, none, none, false},
		{"move_mount", beyond, none, none, none, false},
		{"setns", beyond, none, none, none, false},
		{"open_by_handle_at", beyond, none, none, none, false},
	}
}

// second returns the call's second path, of rename and link.
func (c call) second() call {
	if c.dir == none {
		c.path++
	} else {
		c.dir, c.path = c.dir+2, c.path+2
	}
	c.flags, c.follow = none, false
	return c
}

// extended tells that it changes extended attributes.
func (c call) extended() bool { return c.op == attributes && strings.Contains(c.name, "xattr") }

// follows tells whether a link at the path's end is followed.
func (c call) follows(flags uint64) bool {
	switch {
	case c.op == open:
		return flags&unix.O_NOFOLLOW == 0 && flags&(unix.O_CREAT|unix.O_EXCL) != unix.O_CREAT|unix.O_EXCL
	case c.flags == none:
		return c.follow
	case c.op == link:
		return flags&unix.AT_SYMLINK_FOLLOW != 0
	}
	return c.follow && flags&unix.AT_SYMLINK_NOFOLLOW == 0
}

// byNumber returns the calls of this machine's architecture by their numbers.
func byNumber() (map[uint64]call, error) {
	info, err := arch.GetInfo("")
	if err != nil {
		return nil, err
	}
	out := map[uint64]call{}
	for _, c := range calls() {
		if nr, has := info.SyscallNames[c.name]; has {
			out[uint64(nr)] = c
		}
	}
	return out, nil
}

// policy is the filter: calls that name files stop. io_uring, whose requests
// no filter sees, is refused as by a kernel that has none; programs that use it
// can do without.
func policy() (seccomp.Policy, error) {
	byNr, err := byNumber()
	if err != nil {
		return seccomp.Policy{}, err
	}
	var names []string
	for _, c := range byNr {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{
			{Action: seccomp.ActionTrace, Names: names},
			{Action: seccomp.ActionErrno | seccomp.Action(unix.ENOSYS), Names: []string{"io_uring_setup"}},
		},
	}, nil
}
