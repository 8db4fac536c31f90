package graph

import (
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// MaxScriptSize is the largest script that is read, in bytes.
const MaxScriptSize = interp.DefaultMaxSize

// maxInputs is how many inputs a script can have: each is an operation of the
// definition, which is sent in one message.
const maxInputs = 10_000

// Options are what a graph depends on besides the build file and its context.
type Options struct {
	// Platform is the target in OCI notation, such as linux/amd64.
	Platform string
	// Predefined are the values that scripts may read without their being
	// declared: TARGETPLATFORM and the like.
	Predefined map[string]string
	// Now is the time that max_age counts by.
	Now time.Time
	// Pins are a lock file's package versions, by name.
	Pins map[string]string
	// BasePins are those on images that scripts have for a base of their own, by
	// these and the packages' names.
	BasePins map[string]map[string]string
	// Sources are a lock file's pins of sources, by name.
	Sources map[string]LockedSource
}

// New resolves a build file, completed by its Discover, with the context that
// it was discovered in. Its error is [spec.Errors].
func New(f *spec.File, context fs.FS, opt Options) (*Graph, error) {
	b := &builder{
		Problems: &spec.Problems{File: f.Name},
		file:     f,
		context:  context,
		now:      opt.Now,
		caches:   newCacheSet(f.Setup.CachePrefix.Value, opt.Platform, release(f.Base.Value)),
		graph: &Graph{
			File:     f.Name,
			Platform: opt.Platform,
			Base:     Ref{Name: f.Base.Value, At: f.Base.At},
			Programs: map[string]*shell.Program{},
		},
		loader:   interp.NewFSLoader(context),
		readable: map[string]string{},
	}
	for _, name := range slices.Sorted(maps.Keys(opt.Predefined)) {
		b.graph.Predefined = append(b.graph.Predefined, Var{name, opt.Predefined[name]})
		b.readable[name] = opt.Predefined[name]
	}
	b.graph.Pins = pinned(opt.Pins)
	for base, pins := range opt.BasePins {
		if b.graph.BasePins == nil {
			b.graph.BasePins = map[string][]Package{}
		}
		b.graph.BasePins[base] = pinned(pins)
	}
	for _, a := range f.Args {
		b.graph.Args = append(b.graph.Args, Var{a.Name.Value, a.Value.Value})
		b.readable[a.Name.Value] = a.Value.Value
	}
	if f.User != nil {
		u := user(*f.User)
		b.graph.User = &u
	}
	for _, u := range f.Accounts {
		b.graph.Accounts = append(b.graph.Accounts, user(u))
	}
	b.toolchain()
	b.sources(opt.Sources)
	b.scripts()
	b.filesystem()
	b.rules()
	b.boundary()
	b.entrypoint()
	b.image()
	b.tests()
	if err := b.Err(); err != nil {
		return nil, err
	}
	return b.graph, nil
}

// builder resolves one build file.
type builder struct {
	*spec.Problems
	file    *spec.File
	context fs.FS
	now     time.Time
	caches  cacheSet
	graph   *Graph
	loader  *interp.Loader
	// readable are the values that a script may read, by name.
	readable map[string]string
}

// pinned are packages with their versions, sorted.
func pinned(pins map[string]string) []Package {
	var out []Package
	for _, name := range slices.Sorted(maps.Keys(pins)) {
		out = append(out, Package{Spec: name + "=" + pins[name]})
	}
	return out
}

func user(u spec.User) User {
	return User{Name: u.Name.Value, UID: u.UID, GID: u.GID, Home: u.Home.Value, Shell: u.Shell.Value, Groups: values(u.Groups), At: u.At}
}

func (b *builder) toolchain() {
	s := b.file.Setup
	deps := s.Dependencies
	b.graph.Toolchain = Toolchain{
		Base:         Ref{Name: s.Base.Value, At: s.Base.At},
		Rebuild:      s.OnMissingLibrary.Value == "rebuild",
		Repositories: repositories(s.Repositories),
		Runtime:      packages(deps.Runtime),
		Build:        packages(deps.Build),
		Image:        packages(deps.Image),
		Caches:       b.caches.apt(),
	}
}

func packages(list []spec.Package) []Package {
	var out []Package
	for _, p := range list {
		out = append(out, Package{Spec: p.Name.Value, At: p.At})
	}
	return out
}

func (b *builder) scripts() {
	for _, t := range b.file.Setup.BuildArtifacts {
		b.graph.BuildArtifacts = append(b.graph.BuildArtifacts, t.Value)
	}
	for _, s := range b.file.Setup.Scripts {
		b.graph.Scripts = append(b.graph.Scripts, b.script(s))
	}
	for _, s := range b.file.Setup.FinalCleanup {
		b.graph.Cleanup = append(b.graph.Cleanup, b.script(s))
	}
	b.graph.Symbols = b.file.Setup.DebugSymbols.Value == "apart" && slices.ContainsFunc(b.graph.Scripts, (*Script).Isolated)
	b.uniqueNames()
	b.resolveNeeds()
	b.disjointOutputs()
}

// script resolves everything about a script but its place among the others.
func (b *builder) script(s spec.Script) *Script {
	out := &Script{
		Name:     s.Name(),
		Path:     s.Path.Value,
		Inputs:   []Input{{Path: s.Path.Value, Why: "script"}},
		SSH:      s.SSH,
		Packages: packages(s.Packages),
		Network:  b.network(s),
		Sources:  values(s.Sources),
		At:       s.At,
	}
	for _, w := range s.With {
		out.With = append(out.With, Var{w.Key.Value, w.Value.Value})
	}
	caches := b.isolate(s, out)
	for _, t := range s.Secrets {
		out.Secrets = append(out.Secrets, secret(t))
	}
	program := b.load(s.Path, s.At)
	if program == nil {
		return out
	}
	b.graph.Programs[out.Path] = program
	out.Command = command(program.Main, ContextMount+"/"+s.Path.Value)
	out.Inputs = append(out.Inputs, b.helpers(program)...)
	out.Inputs = append(out.Inputs, b.declaredInputs(s.Inputs)...)
	for i, name := range out.Sources {
		if slices.ContainsFunc(out.Inputs, func(in Input) bool {
			return in.Path == "sources" || strings.HasPrefix(in.Path+"/", "sources/"+name+"/")
		}) {
			b.Addf(s.Sources[i].At, "source %s is mounted where %s finds sources/%s of the build context; rename one of them", name, s.Path, name)
		}
	}
	out.Env = b.env(s, out.With, program)
	use := cache.Use{Program: program, Vars: startVars(out.Env)}
	out.Caches, out.Installs = caches.of(b.Problems, s, use), use.Installs()
	if s.Caches == nil || !s.Caches.None {
		out.Withheld = caches.mounts(use.Withheld())
	}
	if out.Isolated() {
		out.Caches = beside(out.Caches)
	}
	return out
}

func secret(t spec.Secret) Secret {
	out := Secret{
		ID:       t.ID.Value,
		Target:   t.Target.Value,
		Env:      t.Env.Value,
		Optional: t.Required != nil && !*t.Required,
	}
	if t.Mode != nil {
		out.Mode = t.Mode.Bits
	} else if out.Target != "" {
		out.Mode = 0o400
	}
	return out
}

// Sees reports whether a script's environment holds an arg, where the build file
// does not say. One that nobody declared is there only for a script that is known
// to read it. SOURCE_DATE_EPOCH is another in each build, so a script has to
// mention it.
func Sees(p *shell.Program, name string, declared bool) bool {
	switch {
	case name == "SOURCE_DATE_EPOCH":
		_, _, mentioned := p.Mentions(name)
		_, _, all := p.ReadsAll()
		return mentioned || declared && all
	case declared:
		return p.MayRead(name)
	}
	return p.Reads(name)
}

// env returns the args that a script's environment holds: those that the build
// file names, else those that the script may read. An arg that a script does not
// read can then never invalidate it.
func (b *builder) env(s spec.Script, with []Var, program *shell.Program) []Var {
	var names []string
	if s.Args != nil {
		for _, t := range s.Args {
			names = append(names, t.Value)
		}
	} else {
		for _, v := range b.graph.Predefined {
			if Sees(program, v.Name, false) {
				names = append(names, v.Name)
			}
		}
		for _, v := range slices.Concat(b.graph.Args, with) {
			if Sees(program, v.Name, true) {
				names = append(names, v.Name)
			}
		}
	}
	slices.Sort(names)
	var out []Var
	for _, name := range slices.Compact(names) {
		value := b.readable[name]
		if i := slices.IndexFunc(with, func(v Var) bool { return v.Name == name }); i >= 0 {
			value = with[i].Value
		}
		out = append(out, Var{name, value})
	}
	return out
}

func (b *builder) uniqueNames() {
	seen := map[string]*Script{}
	for _, s := range slices.Concat(b.graph.Scripts, b.graph.Cleanup) {
		if other, ok := seen[s.Name]; ok && other.Path == s.Path {
			b.Addf(s.At, "%s is listed twice", s.Path)
			continue
		} else if ok {
			b.Addf(s.At, "%s and %s have the same name %q; scripts are told apart by their file name without its ending", other.Path, s.Path, s.Name)
			continue
		}
		seen[s.Name] = s
	}
}

func (b *builder) image() {
	f := b.file
	img := Image{
		StopSignal: f.Image.StopSignal.Value,
		WorkingDir: f.Image.WorkingDir.Value,
		Expose:     values(f.Image.Expose),
		Volumes:    values(f.Image.Volumes),
		Cmd:        values(f.Image.Cmd),
		User:       f.StartsAs(b.Problems, b.readable),
		UserAt:     f.Image.User.At,
	}
	for _, p := range f.Image.Env {
		img.Env = append(img.Env, EnvVar{Var{p.Key.Value, p.Value.Value}, p.Value.At})
	}
	for _, p := range f.Image.Labels {
		img.Labels = append(img.Labels, EnvVar{Var{p.Key.Value, p.Value.Value}, p.Value.At})
	}
	if f.Entrypoint.Script != nil {
		img.Entrypoint = []string{entrypointTarget}
	}
	if f.Image.Entrypoint != nil {
		img.Entrypoint = append([]string{}, values(f.Image.Entrypoint)...) // an empty one says that there is none
	}
	if u := b.graph.User; u != nil && img.User == "" {
		// Numeric, so that an orchestrator can tell that it is not root.
		img.User = strconv.Itoa(u.UID)
	}
	if h := f.Image.Healthcheck; h != nil {
		img.Healthcheck = &Healthcheck{
			Command:     values(h.Command),
			Interval:    h.Interval.Duration,
			Timeout:     h.Timeout.Duration,
			StartPeriod: h.StartPeriod.Duration,
			Retries:     h.Retries,
		}
	}
	b.graph.Image = img
}

func (b *builder) tests() {
	seen := map[string]bool{}
	for _, t := range b.file.Tests {
		if seen[t.Name.Value] {
			b.Addf(t.Name.At, "two tests are called %q", t.Name.Value)
		}
		seen[t.Name.Value] = true
		program := b.load(t.Run, t.At)
		if program == nil {
			continue
		}
		b.graph.Tests = append(b.graph.Tests, Test{
			Name:    t.Name.Value,
			Path:    t.Run.Value,
			Command: command(program.Main, ContextMount+"/"+t.Run.Value),
			Timeout: t.Timeout.Duration,
			At:      t.At,
		})
	}
}

func values(list []spec.Text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Value)
	}
	return out
}
