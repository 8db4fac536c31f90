package worktree

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// store reads git's objects through one process: one for each object would
// take longer than all else.
type store struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	blobs map[string][]byte
	kept  int // how many bytes they are
}

func openStore(ctx context.Context, dir string) (*store, error) {
	s := &store{cmd: exec.CommandContext(ctx, "git", "-C", dir, "cat-file", "--batch"), blobs: map[string][]byte{}}
	apart(s.cmd)
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	return s, s.cmd.Start()
}

func (s *store) close() error {
	return errors.Join(s.in.Close(), s.cmd.Wait())
}

// get returns an object, named as git names revisions and files in them. Its
// error is [fs.ErrNotExist] where there is none.
func (s *store) get(name string) (kind, id string, data []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.ContainsRune(name, '\n') { // it would be two questions
		return "", "", nil, fs.ErrNotExist
	}
	if _, err := io.WriteString(s.in, name+"\n"); err != nil {
		return "", "", nil, fmt.Errorf("git cat-file: %w", err)
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		return "", "", nil, fmt.Errorf("git cat-file: %w", err)
	}
	head := strings.TrimSuffix(line, "\n")
	fields := strings.Fields(head)
	if strings.HasSuffix(head, " missing") || strings.HasSuffix(head, " ambiguous") || len(fields) != 3 {
		return "", "", nil, fmt.Errorf("git has no %s: %w", name, fs.ErrNotExist)
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil {
		return "", "", nil, fmt.Errorf("git cat-file: cannot read %q: %w", head, err)
	}
	data = make([]byte, size+1) // and a line end
	if _, err := io.ReadFull(s.out, data); err != nil {
		return "", "", nil, fmt.Errorf("git cat-file: %w", err)
	}
	return fields[1], fields[0], data[:size], nil
}

// blob returns a file's content. What is read once is kept: a history asks for the
// same files again and again.
func (s *store) blob(id string) ([]byte, error) {
	s.mu.Lock()
	data, ok := s.blobs[id]
	s.mu.Unlock()
	if ok {
		return data, nil
	}
	_, _, data, err := s.get(id)
	if err != nil {
		return nil, err
	}
	const most = 512 << 20
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept+len(data) <= most {
		s.kept += len(data)
		s.blobs[id] = data
	}
	return data, nil
}
