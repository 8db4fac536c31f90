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
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// Tree is what the rules read: the input, and the programs of both sides of
// the cache boundary.
type Tree struct {
	Input *Input
	rules []Rule
	// Setup are the setup scripts and final cleanup, in order.
	Setup []*Unit
	// Entrypoint are the entrypoint files that start by themselves, each with
	// what it sources, as far as they run in a container.
	Entrypoint []*Unit
	// roles tell of the files of the image what they are there for, by their paths
	// in it.
	roles map[string]role
	// distributions are what the bases are, by their references.
	distributions map[string]Distribution
	// Broken are entrypoint scripts that cannot be read.
	Broken []brokenScript
	// Targets are the entrypoint files by their places in the image, Dirs the
	// directories that they are in.
	Targets map[string]graph.File
	Dirs    map[string]bool
	// places are the targets of each file of the context, entries those that lie
	// in each directory of the image.
	places, entries map[string][]string
	texts           map[string][]byte
	// read is how many bytes texts has.
	read int
}

// maxTexts bounds what is read of a context, in bytes. What is beyond it, or
// larger than any script, is copied into the image without a look at it.
const maxTexts = 32 << 20

// Unit is one program: a script with its helpers.
type Unit struct {
	Program *shell.Program
	// Scripts is the program's closure.
	Scripts []*shell.Script
	// Node is the setup script; nil on the entrypoint's side.
	Node *graph.Script
}

type brokenScript struct {
	File graph.File
	Err  error
}

func newTree(in *Input, rules []Rule) *Tree {
	t := &Tree{
		Input: in, rules: rules, Targets: map[string]graph.File{}, Dirs: map[string]bool{},
		places: map[string][]string{}, entries: map[string][]string{}, texts: map[string][]byte{},
	}
	for _, s := range slices.Concat(in.Graph.Scripts, in.Graph.Cleanup) {
		if program := in.Graph.Programs[s.Path]; program != nil {
			t.Setup = append(t.Setup, &Unit{Program: program, Scripts: program.Closure(), Node: s})
		}
	}
	for f := range in.EntrypointFiles() {
		t.Targets[f.Target] = f
		for dir := path.Dir(f.Target); !t.Dirs[dir]; dir = path.Dir(dir) {
			t.Dirs[dir] = true
		}
	}
	for target, f := range t.Targets {
		t.places[f.Source] = append(t.places[f.Source], target)
		t.entries[path.Dir(target)] = append(t.entries[path.Dir(target)], target)
	}
	t.distributions = t.newDistributions()
	t.loadEntrypoint()
	return t
}

// EntrypointFiles are the entrypoint files of all classes.
func (in *Input) EntrypointFiles() func(func(graph.File) bool) {
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
func (t *Tree) loadEntrypoint() {
	loader := interp.NewLoader(t.readText, func(pattern string) ([]string, error) { return fs.Glob(t.Input.Context, pattern) })
	opt := interp.Options{Mounts: t.mounts(), Dir: t.Input.Graph.Image.WorkingDir, Vars: map[string]string{}, MaxSize: graph.MaxScriptSize, Follow: true}
	if opt.Dir == "" {
		opt.Dir = "/"
	}
	for _, v := range t.Input.Graph.Image.Env {
		if !strings.Contains(v.Value, "$") {
			opt.Vars[v.Name] = v.Value
		}
	}
	sourced := map[string]bool{}
	loaded := map[string]*Unit{}
	load := func(f graph.File) {
		program, err := loader.Load(f.Source, opt)
		if err != nil {
			t.Broken = append(t.Broken, brokenScript{f, err})
			return
		}
		if loaded[f.Source] != nil {
			return // it is there by two names
		}
		u := &Unit{Program: program, Scripts: program.Closure()}
		for _, s := range u.Scripts {
			sourced[s.Path] = true
		}
		t.Entrypoint, loaded[f.Source] = append(t.Entrypoint, u), u
	}
	var rest []graph.File
	for f := range t.Input.EntrypointFiles() {
		switch {
		case bytes.HasPrefix(t.Text(f.Source), []byte("#!")):
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
	for target, f := range t.Targets {
		runs[f.Source] = runs[f.Source] || t.roles[target] != carried
	}
	t.Entrypoint = slices.DeleteFunc(t.Entrypoint, func(u *Unit) bool { return !runs[u.Program.Main.Path] })
	t.Broken = slices.DeleteFunc(t.Broken, func(b brokenScript) bool { return !runs[b.File.Source] })
}

// StartsWith tells whether a program runs when a container starts, rather than
// when somebody calls it.
func (t *Tree) StartsWith(u *Unit) bool {
	return slices.ContainsFunc(t.places[u.Program.Main.Path], func(target string) bool { return t.roles[target] == started })
}

// mounts tell where context files are in the image.
func (t *Tree) mounts() []interp.Mount {
	var out []interp.Mount
	for f := range t.Input.EntrypointFiles() {
		m := interp.Mount{Source: f.Source, Target: f.Target}
		if top, _, ok := strings.Cut(f.Source, "/"); ok && f.Target == path.Join(spec.InstallRoot, f.Source) {
			m = interp.Mount{Source: top, Target: path.Join(spec.InstallRoot, top)} // patterns match in directories
		}
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// Text returns a context file's content, nil where it is not read.
func (t *Tree) Text(name string) []byte {
	data, _ := t.readText(name) // an unreadable file has been reported by spec or graph
	return data
}

func (t *Tree) readText(name string) ([]byte, error) {
	if data, ok := t.texts[name]; ok {
		return data, nil
	}
	if t.read > maxTexts {
		return nil, errors.New("the context's texts are more than what is read of it")
	}
	data, err := interp.ReadFile(t.Input.Context, name)
	if err == nil {
		t.read += len(data)
		t.texts[name] = data
	}
	return data, err
}

// Exists tells whether the context has a file or directory.
func (t *Tree) Exists(name string) bool {
	_, err := fs.Stat(t.Input.Context, name)
	return err == nil
}

// InImage tells whether a path is an entrypoint file, or a directory above one.
func (t *Tree) InImage(target string) bool {
	_, is := t.Targets[target]
	return is || t.Dirs[target]
}
