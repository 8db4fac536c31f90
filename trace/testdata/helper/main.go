// Command helper does what a shell cannot: it is linked statically, uses
// threads, sockets and descriptors of directories, and calls exec in a thread.
package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	if err := do(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(1)
	}
}

func do(what string, args []string) error {
	switch what {
	case "threads": // reads each file in a thread of its own
		var wg sync.WaitGroup
		for _, name := range args {
			wg.Go(func() {
				runtime.LockOSThread() // the thread ends with the function
				_, _ = os.ReadFile(name)
			})
		}
		wg.Wait()
		return nil
	case "socket": // listens on a path and connects to it
		l, err := net.Listen("unix", args[0])
		if err != nil {
			return err
		}
		defer l.Close()
		c, err := net.Dial("unix", args[0])
		if err != nil {
			return err
		}
		return c.Close()
	case "dial": // to an address where nobody need listen
		c, err := net.Dial("udp", args[0])
		if err != nil {
			return err
		}
		return c.Close()
	case "at": // writes a file by the descriptor of its directory, after moving it
		dir, err := os.OpenRoot(args[0])
		if err != nil {
			return err
		}
		if err := os.Rename(args[0], args[1]); err != nil {
			return err
		}
		return dir.WriteFile("file", []byte("at"), 0o644)
	case "exec": // becomes another program, in a thread that is not the first
		failed := make(chan error)
		go func() {
			runtime.LockOSThread()
			failed <- syscall.Exec(args[0], args, os.Environ())
		}()
		return <-failed
	case "nameless": // makes a file without a name, then gives it one
		fd, err := unix.Open(filepath.Dir(args[0]), unix.O_TMPFILE|unix.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, args[0], unix.AT_SYMLINK_FOLLOW)
	case "xattr":
		return unix.Setxattr(args[0], "user.test", []byte("x"), 0)
	}
	return fmt.Errorf("%q is unknown", what)
}
