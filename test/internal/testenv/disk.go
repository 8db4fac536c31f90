package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a file system of its own, in memory: a folder of it is mounted into a container, and it can be filled up.
type Disk struct {
	Path string // the folder

	ballast string
	tb      testing.TB
}

// NewDisk makes a disk of that many bytes, as long as the test lives. Its folder belongs to a user.
func NewDisk(tb testing.TB, size, uid int) *Disk {
	tb.Helper()
	root := tb.TempDir()
	if err := syscall.Mount("tmpfs", root, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := syscall.Unmount(root, syscall.MNT_DETACH); err != nil {
			tb.Error(err)
		}
	})
	d := &Disk{Path: filepath.Join(root, "data"), ballast: filepath.Join(root, "ballast"), tb: tb}
	if err := errors.Join(os.Mkdir(d.Path, 0o700), os.Chown(d.Path, uid, uid)); err != nil {
		tb.Fatal(err)
	}
	return d
}

// Fill leaves no room on the disk; Free gives it back.
func (d *Disk) Fill() {
	d.tb.Helper()
	file, err := os.Create(d.ballast)
	if err != nil {
		d.tb.Fatal(err)
	}
	defer file.Close()
	zeros := make([]byte, 1<<20)
	for err == nil {
		_, err = file.Write(zeros)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.tb.Fatal(err)
	}
}

// Free ends Fill.
func (d *Disk) Free() {
	d.tb.Helper()
	if err := os.Remove(d.ballast); err != nil {
		d.tb.Fatal(err)
	}
}
