package interp

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Loader reads programs and keeps what it has parsed, so that a helper that
// forty scripts source is parsed once. It may be used by several goroutines.
type Loader struct {
	read func(path string) ([]byte, error)
	list func(pattern string) ([]string, error)

	mu    sync.Mutex
	trees map[treeKey]*parsed
	// bytes and nodes are how much was read so far.
	bytes, nodes int
}

// What one loader reads is bounded, so that the memory of who reads scripts of
// anybody's is. It is ten times what the scripts of a large image have.
const (
	maxBytes = 2 << 20
	maxNodes = 250_000 // statements and words
)

type treeKey struct {
	path, force, interpreter string
	max                      int
}

// parsed is a file that is read once, by whoever comes first.
type parsed struct {
	once sync.Once
	tree *parsedFile
	err  error
}

// NewLoader returns a loader that gets its files from read; paths are relative
// to the context root. list, which may be nil, lists the files that match a
// pattern as path.Match reads it, for "source lib/*.sh" and the like.
func NewLoader(read func(path string) ([]byte, error), list func(pattern string) ([]string, error)) *Loader {
	return &Loader{read: read, list: list, trees: map[treeKey]*parsed{}}
}

// NewFSLoader returns a loader that gets its files from a file system.
func NewFSLoader(fsys fs.FS) *Loader {
	return NewLoader(
		func(name string) ([]byte, error) { return ReadFile(fsys, name) },
		func(pattern string) ([]string, error) { return fs.Glob(fsys, pattern) },
	)
}

// ReadFile reads a regular file, unless it is larger than any script: then its
// error is a *TooLargeError, and nothing was read.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would be read for ever
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	if info.Size() > DefaultMaxSize {
		return nil, &shell.TooLargeError{Path: name, Size: int(info.Size()), Max: DefaultMaxSize}
	}
	return fs.ReadFile(fsys, name)
}

// Load reads a script together with the files that it sources. The error is
// that of the script itself; with a *SyntaxError there is a program all the
// same, of which only the text is known. A helper that cannot be read is among
// the program's Unresolved.
func (l *Loader) Load(path string, opts Options) (*shell.Program, error) {
	path = paths.Inside(path)
	in := newInterp(&opts, l)
	t, err := l.tree(path, &opts, "")
	if t == nil {
		return nil, err
	}
	p := in.run(path, t, nil)
	if opts.Follow {
		l.follow(in, p, opts)
	}
	return p, err
}

// LoadText is Load for text that is not a file of its own: the shell of a RUN
// line, say. The path is used for messages and for the script's own place.
func (l *Loader) LoadText(path string, src []byte, opts Options) (*shell.Program, error) {
	in := newInterp(&opts, l)
	p, err := in.program(path, src)
	if p == nil {
		return nil, err
	}
	if opts.Follow {
		l.follow(in, p, opts)
	}
	return p, err
}

// tree reads and parses a file, or returns what it did before.
func (l *Loader) tree(path string, opts *Options, force string) (*parsedFile, error) {
	key := treeKey{path: path, force: force, interpreter: opts.Interpreter, max: opts.maxSize()}
	l.mu.Lock()
	p := l.trees[key]
	if p == nil {
		p = &parsed{}
		l.trees[key] = p
	}
	l.mu.Unlock()
	p.once.Do(func() { p.tree, p.err = l.parse(path, opts, force) })
	return p.tree, p.err
}

func (l *Loader) parse(path string, opts *Options, force string) (*parsedFile, error) {
	if err := l.spend(path, 0, 0); err != nil {
		return nil, err
	}
	src, err := l.read(path)
	if large := (*shell.TooLargeError)(nil); errors.As(err, &large) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := l.spend(path, len(src), 0); err != nil {
		return nil, err
	}
	t, err := parseTree(path, src, opts, force)
	if t == nil {
		return nil, err
	}
	if err := l.spend(path, 0, t.nodes); err != nil {
		return nil, err
	}
	return t, err
}

// spend counts what is read, and refuses what is too much.
func (l *Loader) spend(path string, bytes, nodes int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes += bytes
	l.nodes += nodes
	switch {
	case l.bytes > maxBytes:
		return fmt.Errorf("%s: it and the scripts before it have more than the %d bytes that are read; give large files to a script as inputs", path, maxBytes)
	case l.nodes > maxNodes:
		return fmt.Errorf("%s: it and the scripts before it have more than the %d commands and words that are read; give generated scripts to another as inputs", path, maxNodes)
	}
	return nil
}

// helper reads a file that is sourced, so is shell whatever its name says.
func (l *Loader) helper(path string, opts *Options) (*parsedFile, error) {
	return l.tree(path, opts, "bash")
}

// glob lists the files that match a pattern; nil when that cannot be told.
func (l *Loader) glob(pattern string) []string {
	if l.list == nil {
		return nil
	}
	var names []string
	// path.Match negates a class as regular expressions do.
	pattern = strings.ReplaceAll(pattern, "[!", "[^")
	for _, p := range levels(pattern) {
		list, err := l.list(p)
		if err != nil {
			return nil
		}
		names = append(names, list...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// levels writes /**/ out for the few levels of folders that a context has.
func levels(pattern string) []string {
	const deep = "/**/"
	if !strings.Contains(pattern, deep) {
		return []string{pattern}
	}
	out := make([]string, 0, 4)
	for _, dirs := range []string{"/", "/*/", "/*/*/", "/*/*/*/"} {
		out = append(out, strings.Replace(pattern, deep, dirs, 1))
	}
	return out
}

// follow reads the scripts that a program runs, theirs included, each once.
func (l *Loader) follow(in *interp, p *shell.Program, opts Options) {
	seen := map[string]bool{p.Main.Path: true}
	queue := []*interp{in}
	for len(queue) > 0 {
		cur := queue[0]
		queue = queue[1:]
		children, envs := cur.mayRun()
		for i := range children {
			ch := &children[i]
			for _, name := range l.childPaths(ch) {
				if seen[name] {
					continue
				}
				seen[name] = true
				sub := opts
				sub.Dir, sub.Args = ch.Dir, nil
				if ch.Interpreter != "" && !isShell(ch.Interpreter) {
					sub.Interpreter = ch.Interpreter // python3 gen.py: no shell's, with or without a #! line
				}
				t, err := l.tree(name, &sub, forced(ch))
				var serr *shell.SyntaxError
				if errors.As(err, &serr) {
					p.Broken = append(p.Broken, serr)
				}
				if t == nil {
					continue
				}
				child := newInterp(&sub, l)
				p.Programs = append(p.Programs, child.run(name, t, maps.Clone(envs[i])))
				queue = append(queue, child)
			}
		}
	}
}

// mayRun lists the children that a program may run, with what it has exported
// to each: those that it was seen to run, and where any function may be called
// those in functions too.
func (in *interp) mayRun() ([]shell.Child, []map[string]*variable) {
	children, envs := in.prog.Children, in.childEnv
	if !in.dynamic {
		return children, envs
	}
	children, envs = slices.Clone(children), slices.Clone(envs)
	for _, rec := range in.order {
		for i := range rec.script.Children {
			children, envs = append(children, rec.script.Children[i]), append(envs, nil)
		}
	}
	return children, envs
}

// forced is the interpreter that runs a child whatever its shebang says.
func forced(ch *shell.Child) string {
	if isShell(ch.Interpreter) {
		return ch.Interpreter
	}
	return ""
}

// childPaths are the context files that a child may be.
func (l *Loader) childPaths(ch *shell.Child) []string {
	switch {
	case !ch.InContext:
		return nil
	case !ch.Glob:
		return []string{ch.Path}
	}
	var out []string
	for _, name := range l.glob(ch.Path) {
		out = append(out, path.Clean(name))
	}
	return out
}
