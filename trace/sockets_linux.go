package trace

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket takes note of a connection, or of a socket made.
func (t *tracer) socket(tid int, c call, s stop) error {
	var raw unix.RawSockaddrUnix
	buf := unsafe.Slice((*byte)(unsafe.Pointer(&raw)), unsafe.Sizeof(raw))
	size := min(int(s.args[2]), len(buf))
	if size < 2 {
		return nil
	}
	if _, err := t.memory.read(tid, s.args[1], buf[:size]); err != nil {
		return err
	}
	switch raw.Family {
	case unix.AF_UNIX:
		name, _, _ := strings.Cut(string(buf[2:size]), "\x00")
		if name == "" {
			return nil // no file
		}
		if err := t.stand(tid); err != nil {
			return err
		}
		cwd, err := readlink(tid, "cwd")
		if err != nil {
			return err
		}
		full, kind := t.files.resolve(cwd, name, c.op == connect)
		if c.op == bind {
			t.files.did(full, kind, ifThere(kind != Nothing, Looked, Absent|Created))
		} else {
			t.files.did(full, kind, ifThere(kind != Nothing, Connected, Absent))
		}
	case unix.AF_INET, unix.AF_INET6:
		if c.op == connect {
			t.peers[peer(raw.Family, buf[:size])] = true
		}
	}
	return nil
}

// peer returns an address as host:port.
func peer(family uint16, raw []byte) string {
	port := binary.BigEndian.Uint16(append(raw, 0, 0)[2:])
	from, size := 4, 4
	if family == unix.AF_INET6 {
		from, size = 8, 16
	}
	if len(raw) < from+size {
		return "?"
	}
	addr, _ := netip.AddrFromSlice(raw[from : from+size])
	return netip.AddrPortFrom(addr.Unmap(), port).String()
}
