package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Run runs a program to its end, and records what it does. It returns its exit
// status as a shell has it, 128 and more for signals. Where tracing is refused,
// the program runs all the same, and the record says why it knows nothing.
//
// The calling program has to call [Stub] first: it is started anew as one.
func Run(argv []string) (*Record, int, error) {
	runtime.LockOSThread() // a tracer is a thread
	defer runtime.UnlockOSThread()
	t, err := newTracer()
	if err != nil {
		return nil, 0, err
	}
	ordersRead, orders, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer orders.Close()
	answers, answersWrite, err := os.Pipe()
	if err != nil {
		return nil, 0, err
	}
	defer answers.Close()
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: append([]string{stubName}, argv...),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		ExtraFiles: []*os.File{ordersRead, answersWrite},
	}
	err = cmd.Start()
	ordersRead.Close()
	answersWrite.Close()
	if err != nil {
		return nil, 0, err
	}
	var tid int32
	if err := binary.Read(answers, binary.NativeEndian, &tid); err != nil {
		return nil, 0, fmt.Errorf("starting the traced program: %w", err)
	}
	order := byte(traced)
	refused := seize(int(tid))
	if refused != nil {
		order = plain
	}
	if _, err := orders.Write([]byte{order}); err != nil {
		return nil, 0, err
	}
	var status unix.WaitStatus
	if refused == nil {
		status, err = t.follow(cmd.Process.Pid)
	} else {
		_, status, err = wait(cmd.Process.Pid)
	}
	if err != nil {
		return nil, 0, err
	}
	record := t.record()
	if refused != nil {
		record = ignorant("ptrace", refused)
	}
	// The pipe ends when the program begins, or with what kept it from it.
	text, err := io.ReadAll(answers)
	if err != nil {
		return nil, 0, err
	}
	if why, is := strings.CutPrefix(string(text), unfiltered); is {
		record = ignorant("seccomp", errors.New(why))
	} else if len(text) > 0 {
		return nil, 0, errors.New(string(text))
	}
	if status.Signaled() {
		return record, 128 + int(status.Signal()), nil
	}
	return record, status.ExitStatus(), nil
}

// ignorant is the record of a program that could not be traced.
func ignorant(refused string, why error) *Record {
	return &Record{Version: Version, Unknown: []string{fmt.Sprintf("everything: %s is refused here (%v)", refused, why)}}
}
