package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Dir is the folder of everything that the environment's daemon, registry and clients keep.
func (e *Env) Dir() string { return e.dir }

// NewDaemon starts another daemon on the environment's registry, with an empty cache, that lives as long as the test. With
// a size, in bytes, all that it keeps is on a file system of that size, in memory.
func (e *Env) NewDaemon(tb testing.TB, size int64) *Daemon {
	tb.Helper()
	dir, err := os.MkdirTemp("", "pgstrata-") //nolint:usetesting // a socket's path must be short
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := removeAll(dir); err != nil {
			tb.Error(err)
		}
	})
	home := filepath.Join(dir, "buildkit")
	if size > 0 {
		if err := errors.Join(os.Mkdir(home, 0o700), resize(home, 0, size)); err != nil {
			tb.Fatal(err)
		}
	}
	d, err := StartDaemon(home, e.Registry)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// Resize changes the size, in bytes, of a file system that NewDaemon made.
func (d *Daemon) Resize(tb testing.TB, size int64) {
	tb.Helper()
	if err := resize(d.process.cmd.Dir, syscall.MS_REMOUNT, size); err != nil {
		tb.Fatal(err)
	}
}

func resize(dir string, flags uintptr, size int64) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, fmt.Sprintf("size=%d", size))
}

// PID is the daemon's process.
func (d *Daemon) PID() int { return d.process.cmd.Process.Pid }

// Kill ends the daemon as the kernel does when memory is short: it alone, at once, in the middle of whatever it does.
func (d *Daemon) Kill(tb testing.TB) {
	tb.Helper()
	if err := d.process.cmd.Process.Kill(); err != nil {
		tb.Fatal(err)
	}
	<-d.process.done
}

// Restart starts a daemon that was killed again, on what it left.
func (d *Daemon) Restart(tb testing.TB) {
	tb.Helper()
	process, err := startProcess(d.process.cmd.Dir, d.process.cmd.Args...)
	if err != nil {
		tb.Fatal(err)
	}
	d.process = process
	if err := process.await(func(ctx context.Context) error {
		_, err := d.Client.Info(ctx)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
}
