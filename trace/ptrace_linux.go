package trace

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stop is a system call that a thread stands before.
type stop struct {
	nr   uint64
	args [6]uint64
}

// syscallInfo is struct ptrace_syscall_info at a stop of seccomp's.
type syscallInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32
	ip   uint64
	sp   uint64
	nr   uint64
	args [6]uint64
	data uint32
	_    uint32
}

func ptrace(request, pid int, data uintptr) error {
	if _, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), 0, data, 0, 0); e != 0 {
		return e
	}
	return nil
}

// ptraceInto is a request that fills, or reads, what data points at. The
// pointer becomes a number only in the call itself: before that, the runtime
// may move what it points at.
func ptraceInto(request, pid int, addr uintptr, data unsafe.Pointer) error {
	if _, _, e := unix.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(pid), addr, uintptr(data), 0, 0); e != 0 {
		return e
	}
	return nil
}

// seize begins to trace a thread, and all that it starts.
func seize(tid int) error {
	return ptrace(unix.PTRACE_SEIZE, tid, unix.PTRACE_O_TRACESECCOMP|unix.PTRACE_O_TRACEFORK|unix.PTRACE_O_TRACEVFORK|
		unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACESYSGOOD)
}

// resume lets a thread go on, with a signal delivered or 0. A thread that was
// killed meanwhile is not there anymore: its end is told by wait.
func resume(tid, signal int) { _ = ptrace(unix.PTRACE_CONT, tid, uintptr(signal)) }

// wait waits for any thread that is traced, or for one. Nothing else is to be done
// meanwhile: the runtime is not told, which would look for other work at each
// stop.
func wait(tid int) (int, unix.WaitStatus, error) {
	var status uint32
	for {
		got, _, e := unix.RawSyscall6(unix.SYS_WAIT4, uintptr(tid), uintptr(unsafe.Pointer(&status)), unix.WALL, 0, 0, 0)
		if e == unix.EINTR {
			continue
		}
		if e != 0 {
			return 0, 0, e
		}
		return int(got), unix.WaitStatus(status), nil
	}
}

// standing returns the call that a thread stands before.
func standing(tid int) (stop, error) {
	var info syscallInfo
	err := ptraceInto(unix.PTRACE_GET_SYSCALL_INFO, tid, unsafe.Sizeof(info), unsafe.Pointer(&info))
	return stop{info.nr, info.args}, err
}

// memory reads a thread's memory.
type memory struct{ page [4096]byte }

// text returns the text at an address, up to the byte that ends it.
func (m *memory) text(tid int, addr uint64) (string, error) {
	var long []byte
	for {
		// A page may be the last one. Most names are short.
		part := m.page[:min(256, len(m.page)-int(addr%uint64(len(m.page))))]
		n, err := m.read(tid, addr, part)
		if err != nil {
			return "", err
		}
		end := bytes.IndexByte(part[:n], 0)
		if end >= 0 {
			return string(append(long, part[:end]...)), nil
		}
		long = append(long, part[:n]...)
		if n == 0 || len(long) > unix.PathMax {
			return "", unix.ENAMETOOLONG
		}
		addr += uint64(n)
	}
}

// read reads from an address. Another user's memory is only open to ptrace
// itself, which reads word by word.
func (m *memory) read(tid int, addr uint64, into []byte) (int, error) {
	local := unix.Iovec{Base: &into[0]}
	local.SetLen(len(into))
	n, err := unix.ProcessVMReadv(tid, []unix.Iovec{local}, []unix.RemoteIovec{{Base: uintptr(addr), Len: len(into)}}, 0)
	if err == nil || !errors.Is(err, unix.EPERM) {
		return n, err
	}
	for n = 0; n < len(into); n += 8 {
		word := into[n:min(n+8, len(into))]
		if _, err := unix.PtracePeekData(tid, uintptr(addr)+uintptr(n), word); err != nil {
			if n > 0 {
				break
			}
			return 0, unix.EPERM
		}
	}
	return min(n, len(into)), nil
}

// readlink reads a link of a thread's in /proc: "" where it has none, EPERM
// where it is closed to view.
func readlink(tid int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	link := "/proc/" + strconv.Itoa(tid) + "/" + name
	n, err := unix.Readlink(link, buf)
	if errors.Is(err, fs.ErrPermission) {
		as(tid, func() { n, err = unix.Readlink(link, buf) })
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "", unix.EPERM
	case err != nil:
		return "", nil //nolint:nilerr // the call will fail too
	}
	return string(buf[:n]), nil
}

// ids returns a thread's effective user and group.
func ids(tid int) (uid, gid uintptr) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return 0, 0 // it has ended
	}
	effective := func(key string) uintptr {
		_, rest, _ := strings.Cut(string(status), "\n"+key+":")
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			return 0
		}
		n, _ := strconv.Atoi(fields[1])
		return uintptr(n)
	}
	return effective("Uid"), effective("Gid")
}

// as does something in the name of a thread's user: without CAP_SYS_PTRACE only
// a user's own processes are open to view.
func as(tid int, do func()) {
	uid, gid := ids(tid)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	oldGID, _, _ := unix.RawSyscall(unix.SYS_SETFSGID, gid, 0, 0) // these have no error, and return the old one
	oldUID, _, _ := unix.RawSyscall(unix.SYS_SETFSUID, uid, 0, 0)
	do()
	_, _, _ = unix.RawSyscall(unix.SYS_SETFSUID, oldUID, 0, 0)
	_, _, _ = unix.RawSyscall(unix.SYS_SETFSGID, oldGID, 0, 0)
}

// expose makes a thread's memory readable that changed its user since its last
// exec, and lets it repeat the call that it stands before. Such a process is
// not "dumpable" (prctl(2)), and only it can change that: it calls prctl in
// place of what it was about to call, then returns to do so.
func expose(tid int) error {
	saved, err := registers(tid)
	if err != nil {
		return err
	}
	if err := saved.calling(tid, unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1); err != nil {
		return err
	}
	if err := ptrace(unix.PTRACE_SYSCALL, tid, 0); err != nil {
		return err
	}
	if _, status, err := wait(tid); err != nil || !status.Stopped() {
		return errors.Join(err, unix.ESRCH)
	}
	return saved.again(tid)
}
