package check

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// tree is what the rules read: the input, and the programs of both sides of
// the cache boundary.
type tree struct {
	in *Input
	// setup are the setup scripts and final cleanup, in order.
	setup []*unit
	// entrypoint are the entrypoint files that start by themselves, each with
	// what it sources, as far as they run in a container.
	entrypoint []*unit
	// roles tell of the files of the image what they are there for, by their paths
	// in it.
	roles map[string]role
	// distributions are what the bases are, by their references.
	distributions map[string]distribution
	// broken are entrypoint scripts that cannot be read.
	broken []brokenScript
	// targets are the entrypoint files by their places in the image, dirs the
	// directories that they are in.
	targets map[string]graph.File
	dirs    map[string]bool
	texts   map[string][]byte
	// read is how many bytes texts has.
	read int
}

// maxTexts bounds what is read of a context, in bytes. What is beyond it, or
// larger than any script, is copied into the image without a look at it.
const maxTexts = 32 << 20

// unit is one program: a script with its helpers.
type unit struct {
	program *shell.Program
	// scripts is the program's closure.
	scripts []*shell.Script
	// node is the setup script; nil on the entrypoint's side.
	node *graph.Script
}

type brokenScript struct {
	file graph.File
	err  error
}

func newTree(in *Input) *tree {
	t := &tree{in: in, targets: map[string]graph.File{}, dirs: map[string]bool{}, texts: map[string][]byte{}}
	for _, s := range slices.Concat(in.Graph.Scripts, in.Graph.Cleanup) {
		if program := in.Graph.Programs[s.Path]; program != nil {
			t.setup = append(t.setup, &unit{program: program, scripts: program.Closure(), node: s})
		}
	}
	for f := range in.entrypointFiles() {
		t.targets[f.Target] = f
		for dir := path.Dir(f.Target); !t.dirs[dir]; dir = path.Dir(dir) {
			t.dirs[dir] = true
		}
	}
	t.distributions = t.newDistributions()
	t.loadEntrypoint()
	return t
}

// entrypointFiles are the entrypoint files of all classes.
func (in *Input) entrypointFiles() func(func(graph.File) bool) {
	return func(yield func(graph.File) bool) {
		for _, c := range in.Graph.Entrypoint {
			for _, f := range c.Files {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// loadEntrypoint reads the entrypoint scripts as they run in the image. Those
// with a first line such as #!/bin/sh start by themselves; others count by
// themselves only where nothing sources them.
func (t *tree) loadEntrypoint() {
	loader := shell.NewLoader(t.readText, func(pattern string) ([]string, error) { return fs.Glob(t.in.Context, pattern) })
	opt := shell.Options{Mounts: t.mounts(), Dir: t.in.Graph.Image.WorkingDir, Vars: map[string]string{}, MaxSize: graph.MaxScriptSize, Follow: true}
	if opt.Dir == "" {
		opt.Dir = "/"
	}
	for _, v := range t.in.Graph.Image.Env {
		if !strings.Contains(v.Value, "$") {
			opt.Vars[v.Name] = v.Value
		}
	}
	sourced := map[string]bool{}
	loaded := map[string]*unit{}
	load := func(f graph.File) {
		program, err := loader.Load(f.Source, opt)
		if err != nil {
			t.broken = append(t.broken, brokenScript{f, err})
			return
		}
		if loaded[f.Source] != nil {
			return // it is there by two names
		}
		u := &unit{program: program, scripts: program.Closure()}
		for _, s := range u.scripts {
			sourced[s.Path] = true
		}
		t.entrypoint, loaded[f.Source] = append(t.entrypoint, u), u
	}
	var rest []graph.File
	for f := range t.in.entrypointFiles() {
		switch {
		case bytes.HasPrefix(t.text(f.Source), []byte("#!")):
			load(f)
		case path.Ext(f.Source) == ".sh" || path.Ext(f.Source) == ".bash":
			rest = append(rest, f)
		}
	}
	for _, f := range rest {
		if !sourced[f.Source] {
			load(f)
		}
	}
	t.roles = t.newRoles(loaded)
	runs := map[string]bool{}
	for target, f := range t.targets {
		runs[f.Source] = runs[f.Source] || t.roles[target] != carried
	}
	t.entrypoint = slices.DeleteFunc(t.entrypoint, func(u *unit) bool { return !runs[u.program.Main.Path] })
	t.broken = slices.DeleteFunc(t.broken, func(b brokenScript) bool { return !runs[b.file.Source] })
}

// startsWith tells whether a program runs when a container starts, rather than
// when somebody calls it.
func (t *tree) startsWith(u *unit) bool {
	for target, f := range t.targets {
		if f.Source == u.program.Main.Path && t.roles[target] == started {
			return true
		}
	}
	return false
}

// mounts tell where context files are in the image.
func (t *tree) mounts() []shell.Mount {
	var out []shell.Mount
	for f := range t.in.entrypointFiles() {
		m := shell.Mount{Source: f.Source, Target: f.Target}
		if top, _, ok := strings.Cut(f.Source, "/"); ok && f.Target == path.Join(spec.InstallRoot, f.Source) {
			m = shell.Mount{Source: top, Target: path.Join(spec.InstallRoot, top)} // patterns match in directories
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// text returns a context file's content, nil where it is not read.
func (t *tree) text(name string) []byte {
	data, _ := t.readText(name) // an unreadable file has been reported by spec or graph
	return data
}

func (t *tree) readText(name string) ([]byte, error) {
	if data, ok := t.texts[name]; ok {
		return data, nil
	}
	if t.read > maxTexts {
		return nil, errors.New("the context's texts are more than what is read of it")
	}
	data, err := shell.ReadFile(t.in.Context, name)
	if err == nil {
		t.read += len(data)
		t.texts[name] = data
	}
	return data, err
}

// exists tells whether the context has a file or directory.
func (t *tree) exists(name string) bool {
	_, err := fs.Stat(t.in.Context, name)
	return err == nil
}

// inImage tells whether a path is an entrypoint file, or a directory above one.
func (t *tree) inImage(target string) bool {
	_, is := t.targets[target]
	return is || t.dirs[target]
}
