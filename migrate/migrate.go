// Package migrate turns a Dockerfile, and the scripts of its build context that
// it runs, into a build file. It changes no script: what stands in the Dockerfile
// itself becomes generated scripts, and what a driver script does, the build file
// says.
//
// It stands on the same reading of the Dockerfile as the build of one does
// (package dockerfile). What it cannot carry over it tells, line by line.
package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/distribution/reference"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// Options are what a migration depends on besides the Dockerfile's text.
type Options struct {
	// Dockerfile is how the Dockerfile is read: its context, and the stage that
	// becomes the image. Base may be [KnownBase].
	Dockerfile dockerfile.Options
	// Name is what the build file is called.
	Name string
	// Syntax is the frontend image that the build file's first line names.
	Syntax string
	// KeepAccounts leaves all accounts to the scripts that make them.
	KeepAccounts bool
	// Schema is where an editor finds the JSON Schema of the build file, ""
	// for nowhere.
	Schema string
}

// Result is what became of a Dockerfile.
type Result struct {
	// BuildFile is the build file's text.
	BuildFile []byte
	// Files are generated scripts, by their paths in the context.
	Files []*File
	// Context is the build context as it is with these.
	Context fs.FS
	// Missing are the args without default that a build has to be given.
	Missing []string
	// Report tells what became of each line.
	Report *Report
}

// Migrate makes a build file of a Dockerfile. Its error is of a Dockerfile that
// no build file can stand for, since it has no base image or no such target; or a
// [RefusedError].
func Migrate(f *dockerfile.File, opt Options) (*Result, error) {
	m := &migration{
		file: f, opt: opt,
		report:    newReport(f.Name, opt.Name),
		values:    maps.Clone(opt.Dockerfile.Predefined),
		programs:  map[string]*shell.Program{},
		generated: map[string]*File{},
		order:     map[*dockerfile.Step]int{},
		notes:     map[string][]string{},
		drivers:   map[string]bool{},
		baseEnv:   map[string]string{},
		flat:      map[*dockerfile.Step]bool{},
	}
	if m.values == nil {
		m.values = map[string]string{}
	}
	if err := m.read(); err != nil {
		return nil, err
	}
	m.steps()
	c := m.setup()
	c.configure()
	c.entrypointFiles()
	m.prune()
	m.explicit()
	c.boundary()
	m.silence()
	c.copyLines()
	m.unexplained()
	out := &Result{BuildFile: []byte(m.write()), Report: m.report}
	for _, path := range keys(m.generated) {
		out.Files = append(out.Files, m.generated[path])
		m.report.Scripts = append(m.report.Scripts, path)
	}
	if err := m.verify(out); err != nil {
		return nil, err
	}
	out.Context = m.overlay()
	return out, nil
}

// migration is one Dockerfile on its way.
type migration struct {
	file    *dockerfile.File
	opt     Options
	reading *dockerfile.Reading
	report  *Report
	out     build
	// lines are the Dockerfile's; directive tells which of them the parser reads
	// itself.
	lines     []string
	directive map[int]bool
	// chain are the instructions of the target and of the stages that it builds
	// on, order their places; end is what holds after them. flat are those of
	// stages of which it takes all files, and not the configuration.
	chain []*dockerfile.Step
	flat  map[*dockerfile.Step]bool
	// ground is the stage at the bottom.
	ground *dockerfile.StageReading
	order  map[*dockerfile.Step]int
	end    *dockerfile.Scope
	// values are those of the build file's args; baseEnv is the base image's
	// environment, as far as it is known.
	values, baseEnv map[string]string
	// base is the base image's configuration, nil if it is not known.
	base       *ocispecs.ImageConfig
	conditions *conditions
	accounts   accounts
	programs   map[string]*shell.Program
	generated  map[string]*File
	// drivers are the scripts that were taken apart, and what they sourced.
	drivers map[string]bool
	notes   map[string][]string
}

// where is a line of the Dockerfile in messages.
func (m *migration) where(line int) string { return fmt.Sprintf("%s:%d", m.file.Name, line) }

// read reads the Dockerfile, and what every build file needs of it.
func (m *migration) read() error {
	for i, line := range bytes.Split(m.file.Data, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return fmt.Errorf("%s: this line is not text in UTF-8, and a build file has to be", m.where(i+1))
		}
	}
	m.readLines()
	m.conditions = &conditions{args: func(name string) (string, bool) {
		_, ok := m.opt.Dockerfile.Predefined[name]
		if ok || m.isArg(name) {
			return "${" + name + "}", true
		}
		return "", false
	}}
	var err error
	if m.reading, err = dockerfile.Read(m.file, m.opt.Dockerfile, m.conditions.keep); err != nil {
		return err
	}
	target := m.reading.Target()
	m.end = target.End
	root := m.flatten(target)
	for i, step := range m.chain {
		m.order[step] = i
	}
	if root.Image == "scratch" {
		return errors.New("it builds on scratch: a build file's scripts need a base with a shell")
	}
	m.declare()
	base, _ := m.text(root.Base, m.reading.Global, m.globalNames())
	unset := func(a *arg) bool { return a.unset && strings.Contains(base, "${"+a.name+"}") }
	if v, known := value(base, m.values); known && !slices.ContainsFunc(m.out.args, unset) {
		if _, err := reference.ParseNormalizedNamed(v); err != nil {
			return fmt.Errorf("its base %q is no image: %w", v, err)
		}
	}
	m.out.base = base
	m.report.went(root.From.Start, Carried, "base")
	m.notes["base"] = m.comments(root.From)
	if root.Platform != "" {
		m.report.note(m.where(root.From.Start), "--platform=%s is the client's to say: --platform of the build", root.Platform)
	}
	m.accounts.uids, m.accounts.gids = knownAccounts(root.Image)
	if m.opt.Dockerfile.Base != nil {
		m.base = m.opt.Dockerfile.Base(root.Image)
	}
	if m.base != nil {
		for _, e := range m.base.Env {
			name, v, _ := strings.Cut(e, "=")
			m.baseEnv[name] = v
		}
	}
	m.report.differ("the base image's name and digest are labels", nil, []string{"Labels"})
	return nil
}

// isArg reports whether an ARG of the Dockerfile declares a name.
func (m *migration) isArg(name string) bool {
	declares := func(in *dockerfile.Instruction) bool {
		return slices.ContainsFunc(argsOf(in), func(key string) bool { return key == name })
	}
	if slices.ContainsFunc(m.file.Args, declares) {
		return true
	}
	return slices.ContainsFunc(m.file.Stages, func(s *dockerfile.Stage) bool { return slices.ContainsFunc(s.Instructions, declares) })
}

// setup makes the scripts of setup. Types say what a pass stands on: files, their
// classes, all commands in their places, entries, names. Passes over one of them
// keep the order that they have here.
func (m *migration) setup() *classified {
	ops := m.collect(m.chain)
	m.learn(ops)
	m.account(ops)
	m.adopt(ops)
	files := m.gather(ops)
	p := &packaging{migration: m, key: "setup.dependencies.runtime"}
	p.packages(ops)
	m.out.runtime, m.out.toolchain = p.list, p.purged
	files.atRuntime()
	files.modes(ops)
	m.scratch(ops)
	c := files.classify()
	c.removals()
	c.placing()
	c.neededDirectories()
	c.madeDirectories()
	c.variables(c.ops)
	n := c.count()
	entries := n.entries(n.ops)
	isolated := n.isolated(entries)
	all := slices.Concat(isolated, entries)
	names := c.name(all)
	for _, e := range all {
		c.finish(e)
	}
	c.divide(isolated, entries, names)
	m.propose()
	return c
}

// cached tells of the folders that lie in cache mounts, and so in no layer.
func (m *migration) cached(g *graph.Graph) {
	var paths []string
	for _, c := range g.Caches() {
		paths = append(paths, c.Target+"/")
		for dir := path.Dir(c.Target); dir != "/"; dir = path.Dir(dir) {
			if strings.HasPrefix(path.Base(dir), ".") || path.Base(path.Dir(dir)) == ".cache" {
				paths = append(paths, dir) // which is there only if something else is in it
			}
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(g.Toolchain.Build)+len(g.RuntimePackages()) > 0 || slices.ContainsFunc(slices.Collect(maps.Values(g.Programs)), cache.CallsApt) {
		paths = append(paths, cache.ListsDir+"/")
	}
	if len(paths) > 0 {
		m.report.differ("no layer has what programs keep for the next build", paths, nil)
	}
}

// loader reads scripts of the context, and generated ones.
func (m *migration) loader() *interp.Loader { return interp.NewFSLoader(m.overlay()) }
