package trace

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Main is the program that a step runs in place of its script: its arguments
// are the file for the record, and the script with its arguments. It returns
// the script's exit status.
func Main(args []string) int {
	if len(args) < 2 {
		fmt.Fprintln(os.Stderr, "pgstrata: trace: RECORD PROGRAM [ARGUMENT...]")
		return 2
	}
	quiet()
	record, status, err := Run(args[1:])
	if err == nil {
		for _, what := range record.Unknown {
			fmt.Fprintln(os.Stderr, "pgstrata: not observed:", what)
		}
		err = record.save(args[0])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgstrata:", err)
		return max(status, 1)
	}
	return status
}

// quiet keeps the runtime from what costs time at each stop: it would look for
// other work meanwhile, and is sent SIGCHLD, which says nothing that wait does
// not. A failure costs that time, and nothing else.
func quiet() {
	runtime.GOMAXPROCS(1)
	var byDefault struct {
		handler, flags, restorer uintptr
		mask                     uint64
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(&byDefault)), 0, unsafe.Sizeof(byDefault.mask), 0, 0)
}

// save writes the record to a file.
func (r *Record) save(name string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(r.Write(file), file.Close())
}
