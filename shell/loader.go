package shell

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"sync"
)

// Loader reads programs and keeps what it has parsed, so that a helper that
// forty scripts source is parsed once. It may be used by several goroutines.
type Loader struct {
	read func(path string) ([]byte, error)
	list func(pattern string) ([]string, error)

	mu    sync.Mutex
	trees map[treeKey]*parsed
}

type treeKey struct {
	path, force, interpreter string
	max                      int
}

// parsed is a file that is read once, by whoever comes first.
type parsed struct {
	once sync.Once
	tree *tree
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
		func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) },
		func(pattern string) ([]string, error) { return fs.Glob(fsys, pattern) },
	)
}

// Load reads a script together with the files that it sources.
func Load(read func(path string) ([]byte, error), path string, opts Options) (*Program, error) {
	return NewLoader(read, nil).Load(path, opts)
}

// Load reads a script together with the files that it sources. The error is
// that of the script itself; a helper that cannot be read is among the
// program's Unresolved.
func (l *Loader) Load(path string, opts Options) (*Program, error) {
	path = cleanContext(path)
	in := newInterp(&opts, l)
	t, err := l.tree(path, &opts, "")
	if err != nil {
		return nil, err
	}
	p := in.run(path, t, nil)
	if opts.Follow {
		l.follow(in, p, opts)
	}
	return p, nil
}

// LoadText is Load for text that is not a file of its own: the shell of a RUN
// line, say. The path is used for messages and for the script's own place.
func (l *Loader) LoadText(path string, src []byte, opts Options) (*Program, error) {
	in := newInterp(&opts, l)
	p, err := in.program(path, src)
	if err != nil {
		return nil, err
	}
	if opts.Follow {
		l.follow(in, p, opts)
	}
	return p, nil
}

// tree reads and parses a file, or returns what it did before.
func (l *Loader) tree(path string, opts *Options, force string) (*tree, error) {
	key := treeKey{path: path, force: force, interpreter: opts.Interpreter, max: opts.maxSize()}
	l.mu.Lock()
	p := l.trees[key]
	if p == nil {
		p = &parsed{}
		l.trees[key] = p
	}
	l.mu.Unlock()
	p.once.Do(func() {
		src, err := l.read(path)
		if err != nil {
			p.err = fmt.Errorf("%s: %w", path, err)
			return
		}
		p.tree, p.err = parseTree(path, src, opts, force)
	})
	return p.tree, p.err
}

// helper reads a file that is sourced, so is shell whatever its name says.
func (l *Loader) helper(path string, opts *Options) (*tree, error) {
	return l.tree(path, opts, "bash")
}

// glob lists the files that match a pattern; nil when that cannot be told.
func (l *Loader) glob(pattern string) []string {
	if l.list == nil {
		return nil
	}
	names, err := l.list(pattern)
	if err != nil {
		return nil
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}

// follow reads the scripts that a program runs, theirs included, each once.
func (l *Loader) follow(in *interp, p *Program, opts Options) {
	seen := map[string]bool{p.Main.Path: true}
	queue := []*interp{in}
	for len(queue) > 0 {
		cur := queue[0]
		queue = queue[1:]
		for i := range cur.prog.Children {
			ch := &cur.prog.Children[i]
			for _, name := range l.childPaths(ch) {
				if seen[name] {
					continue
				}
				seen[name] = true
				sub := opts
				sub.Dir, sub.Args = ch.Dir, nil
				t, err := l.tree(name, &sub, forced(ch))
				if err != nil {
					var serr *SyntaxError
					if errors.As(err, &serr) {
						p.Broken = append(p.Broken, serr)
					}
					continue
				}
				child := newInterp(&sub, l)
				p.Programs = append(p.Programs, child.run(name, t, maps.Clone(cur.childEnv[i])))
				queue = append(queue, child)
			}
		}
	}
}

// forced is the interpreter that runs a child whatever its shebang says.
func forced(ch *Child) string {
	if isShell(ch.Interpreter) {
		return ch.Interpreter
	}
	return ""
}

// childPaths are the context files that a child may be.
func (l *Loader) childPaths(ch *Child) []string {
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
