// Package trace runs a program and records what it does with files: which
// paths it reads, looks for, lists, makes, changes, removes and executes, and
// what it connects to.
//
// The program and all that it starts run under ptrace(2), with a seccomp(2)
// filter, so that only calls that name files stop them. At such a stop the
// tracer looks for itself whether the path is there, and the call goes on: one
// stop for a call. What is recorded is thereby what was asked for, not what
// came of it: a file that may not be read counts as read.
package trace

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Command is the command of pgstrata's programs that is [Main].
const Command = "trace"

// Version is the version of [Record]'s format.
const Version = 1

// Record is what a program did.
type Record struct {
	Version int `json:"version"`
	// Paths are sorted by name.
	Paths []Path `json:"paths,omitempty"`
	// Peers are the addresses that it connected to, sorted.
	Peers []string `json:"peers,omitempty"`
	// Unknown says what could not be followed; where it is empty, the record
	// is complete.
	Unknown []string `json:"unknown,omitempty"`
}

// Path is one absolute path without links in it, and what was done to it.
type Path struct {
	Name string `json:"name"`
	Did  Access `json:"did"`
	// Was is what was there when the program first named it.
	Was Kind `json:"was"`
	// Left is what is there at the end, where the program changed something;
	// else it is what was there.
	Left Kind `json:"left"`
}

// Access is a set of things that can be done to a path. Those of reading speak
// of what others left there: nothing is read that the program wrote itself.
type Access uint16

// What can be done to a path.
const (
	// Read: content of a file or the target of a link.
	Read Access = 1 << iota
	// Looked: asked what is there, and nothing more.
	Looked
	// Absent: looked for and not there.
	Absent
	// Listed: the entries of a directory.
	Listed
	// Executed as a program, or as the interpreter of one.
	Executed
	// Connected to, a socket.
	Connected
	// Created where there was nothing.
	Created
	// Written: the content of what was there.
	Written
	// Deleted, or moved away.
	Deleted
	// Renamed: moved away, or moved here.
	Renamed
	// Attributes changed: owner, mode or extended attributes. Times do not
	// count, and neither does what is set to what it was.
	Attributes
	// Ensured: a directory that the program would have made if it had not been
	// there.
	Ensured
)

// Reads are the accesses that depend on what others left, Changes those that
// change something.
const (
	Reads   = Read | Looked | Absent | Listed | Executed | Connected
	Changes = Created | Written | Deleted | Renamed | Attributes
)

func accessNames() []string {
	return []string{
		"read", "looked", "absent", "listed", "executed", "connected",
		"created", "written", "deleted", "renamed", "attributes", "ensured",
	}
}

// String returns the names of a, separated by commas.
func (a Access) String() string {
	var names []string
	for i, name := range accessNames() {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// MarshalText is [Access.String].
func (a Access) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Access) UnmarshalText(text []byte) error {
	*a = 0
	for name := range strings.SplitSeq(string(text), ",") {
		i := slices.Index(accessNames(), name)
		if i < 0 {
			return fmt.Errorf("unknown access %q", name)
		}
		*a |= 1 << i
	}
	return nil
}

// Kind is what a path is.
type Kind string

// Kinds of files. Other is a device, pipe or socket.
const (
	Nothing   Kind = "nothing"
	File      Kind = "file"
	Directory Kind = "directory"
	Link      Kind = "link"
	Other     Kind = "other"
)

// Write writes r as JSON, a line for each path.
func (r *Record) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(Record{Version: r.Version, Peers: r.Peers, Unknown: r.Unknown}); err != nil {
		return err
	}
	for _, p := range r.Paths {
		if err := enc.Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// ReadRecord reads what [Record.Write] wrote.
func ReadRecord(r io.Reader) (*Record, error) {
	dec := json.NewDecoder(r)
	var out Record
	if err := dec.Decode(&out); err != nil {
		return nil, fmt.Errorf("record of a trace: %w", err)
	}
	if out.Version != Version {
		return nil, fmt.Errorf("record of a trace: version %d, expected %d", out.Version, Version)
	}
	for dec.More() {
		var p Path
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("record of a trace: %w", err)
		}
		out.Paths = append(out.Paths, p)
	}
	return &out, nil
}
