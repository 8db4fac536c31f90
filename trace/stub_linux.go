package trace

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// stubName is the name under which the tracer starts itself, to become the
// traced program: between fork and exec nothing but the program itself can
// install a filter.
const stubName = "pgstrata-traced"

// The descriptors of a stub's pipes.
const (
	stubOrders  = 3 + iota // a byte: traced or plain
	stubAnswers            // the thread that will call exec, then what went wrong, as text
)

const (
	traced = 't'
	plain  = 'p'
)

// Stub becomes the traced program, if this process was started for that; else
// it does nothing. A program that calls [Run] calls it first.
func Stub() {
	if len(os.Args) < 2 || os.Args[0] != stubName {
		return
	}
	runtime.LockOSThread() // the filter is a thread's, and so is the tracer
	answers := os.NewFile(stubAnswers, "answers")
	err := binary.Write(answers, binary.NativeEndian, int32(unix.Gettid()))
	if err == nil {
		err = become(os.Args[1:], answers)
	}
	fmt.Fprintf(answers, "%v", err)
	answers.Close()
	os.Exit(126)
}

// unfiltered begins the answer of a stub that may not install the filter, and
// goes on without.
const unfiltered = "unfiltered: "

func become(argv []string, answers io.Writer) error {
	unix.CloseOnExec(stubAnswers)
	order := make([]byte, 1)
	if _, err := unix.Read(stubOrders, order); err != nil {
		return err
	}
	unix.Close(stubOrders)
	if order[0] == traced {
		p, err := policy()
		if err != nil {
			return err
		}
		filter := seccomp.Filter{Policy: p, NoNewPrivs: !privileged()}
		if err := seccomp.LoadFilter(filter); err != nil {
			fmt.Fprintf(answers, "%s%v", unfiltered, err)
		}
	}
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", program, syscall.Exec(program, argv, os.Environ()))
}

// privileged tells whether this process may install a filter, and trace
// programs that gain privileges. Where it may not, they gain none while they
// are traced.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return false
	}
	has := func(capability int) bool { return data[0].Effective&(1<<capability) != 0 }
	return has(unix.CAP_SYS_ADMIN) && has(unix.CAP_SYS_PTRACE)
}
