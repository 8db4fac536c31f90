package compile

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/graph"
)

// setup runs the scripts and returns the root file system without any
// entrypoint file. It fills in the outputs of each isolated script, and the
// records of all that are traced.
func (c *compiler) setup(base State, tools toolchain, out *States) State {
	s := &setup{
		compiler: c,
		base:     base,
		tools:    tools,
		after:    map[string]State{},
		holds:    map[string]map[string]bool{},
		made:     map[string]made{},
		outputs:  out.Outputs,
		roots:    out.Made,
		records:  out.Records,
		own:      map[string]State{},
		rerun:    map[string]bool{},
	}
	for _, script := range c.graph.Scripts {
		s.run(script)
	}
	out.Toolchains = append(out.Toolchains, s.toolchains...)
	out.lists = tools.chain.lists
	if end, ok := s.after[s.lastOfChain()]; ok {
		out.lists = end.lists
	}
	held, others := s.divide()
	out.Symbols = c.merge(emptyState(), s.symbols...)
	chain := s.chain(held)
	return c.sweep(c.filesystem(s.linker(s.with(chain, others, nil), s.claims(chain, others)...)))
}

// setup is the compilation of the setup scripts.
type setup struct {
	*compiler
	base  State
	tools toolchain
	// after holds the chain's state after each of its scripts, by name.
	after map[string]State
	// holds tells, by the name of a script of the chain, which isolated
	// scripts' outputs the chain has after it.
	holds map[string]map[string]bool
	// made holds what each isolated script ran on, and made of it, by name.
	made map[string]made
	// outputs holds what each isolated script contributes, by name.
	outputs map[string]State
	// roots holds what each isolated script ran on, and left, by name.
	roots map[string]Made
	// records holds what was recorded of each script, by name.
	records map[string]llb.State
	// own holds what isolated scripts run on, by their packages, and toolchains
	// those among them that are roots of their own.
	own        map[string]State
	toolchains []Toolchain
	// symbols are those of isolated scripts.
	symbols []State
	// rerun holds the scripts that run again because they are asked to.
	rerun map[string]bool
}

// run compiles a script and everything that it needs.
func (s *setup) run(script *graph.Script) {
	if _, ok := s.made[script.Name]; ok {
		return
	}
	if _, ok := s.after[script.Name]; ok {
		return
	}
	for _, name := range append(slices.Clone(script.Needs), script.After) {
		if other := s.graph.Script(name); other != nil {
			s.run(other)
		}
	}
	holds := maps.Clone(s.holds[script.After])
	if holds == nil {
		holds = map[string]bool{}
	}
	var needs []*graph.Script
	for _, name := range script.Needs {
		if !holds[name] {
			holds[name] = true
			needs = append(needs, s.graph.Script(name))
		}
	}
	on := s.with(s.parent(script), needs, script)
	done := s.script(on, script)
	if script.Isolated() {
		s.made[script.Name] = made{before: on.State, after: s.contributed(script, on.State, done.State)}
		s.roots[script.Name] = Made{on.State, done.State}
		s.outputs[script.Name] = s.collect(script, llb.Scratch(), nil)
		return
	}
	s.after[script.Name] = done
	s.holds[script.Name] = holds
}

// script runs a script on a state.
func (s *setup) script(on State, script *graph.Script) State {
	opts := s.options(script)
	if s.opt.Tracer != nil {
		opts = append(opts, s.opt.Tracer.options(script)...)
	}
	var (
		next State
		done llb.ExecState
	)
	if script.Installs {
		next, done = s.exec(on, layerOf(script), opts...)
	} else {
		done = on.Run(opts...)
		next = on.layer(done.Root(), layerOf(script))
	}
	if s.opt.Tracer != nil {
		s.records[script.Name] = done.GetMount(recordMount)
	}
	return next
}

// layerOf is what the image's history says of a script's layer.
func layerOf(script *graph.Script) string { return "setup: " + path.Base(script.Path) }

// parent is the state that a script runs on, before its needs.
func (s *setup) parent(script *graph.Script) State {
	switch {
	case script.Isolated():
		return s.ownPackages(script)
	case script.After != "":
		return s.after[script.After]
	}
	return s.tools.chain
}

// ownPackages is what an isolated script runs on: the packages that all have, or the
// chain up to a script, and those that it has for itself. Scripts that have the same
// ones share them.
func (s *setup) ownPackages(script *graph.Script) State {
	if script.Base.Name != "" {
		return s.ownBase(script)
	}
	on, runtime, all := s.tools.isolated, script.Packages, setOf(s.graph.Toolchain.Build)
	build := setOf(script.Build)
	switch {
	case script.After != "": // the image's packages are there
		on, runtime = s.after[script.After], nil
	case build != all:
		on = s.tools.runtime
	}
	if build != all {
		on = s.once(script.After+" build "+build, s.tools.base, func() State {
			return s.packages(s.tools.base, on, "build", "build-"+script.Name, script.Name, script.Build)
		})
	}
	if len(runtime) == 0 {
		return on
	}
	return s.once("build "+build+" runtime "+setOf(runtime), s.tools.base, func() State {
		return s.packages(s.tools.base, on, "runtime", "packages-"+script.Name, script.Name, runtime)
	})
}

// ownBase is the image that a script runs on, with its build packages.
func (s *setup) ownBase(script *graph.Script) State {
	base := s.compiler.base(script.Base.Name, s.opt.ScriptBases[script.Base.Name])
	base.own = script.Base.Name
	if len(script.Build) == 0 {
		return base
	}
	return s.once("base "+script.Base.Name+" build "+setOf(script.Build), base, func() State {
		return s.packages(base, base, "build", "build-"+script.Name, script.Name, script.Build)
	})
}

// once makes a root that scripts share, on a base.
func (s *setup) once(key string, base State, root func() State) State {
	if _, ok := s.own[key]; !ok {
		s.own[key] = root()
		s.toolchains = append(s.toolchains, Toolchain{base, s.own[key], base.own})
	}
	return s.own[key]
}

// setOf is a list of packages without its order.
func setOf(list []graph.Package) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(specs(list)))), " ")
}

// options returns what a script runs with: its own inputs, args, caches and
// nothing else.
func (s *setup) options(script *graph.Script) []llb.RunOption {
	opts := append(s.step(),
		llb.Args(script.Command),
		llb.AddMount(graph.ContextMount, s.inputs(script), llb.Readonly),
		s.vertex(Vertex{Node: script.Node(), Kind: "script", Title: path.Base(script.Path)}, s.progress(script), script.Title()),
		s.at(script.At),
		s.again(script),
	)
	if s.compilerCache(script) {
		// The cache's links come first in PATH, so that gcc is ccache's.
		opts = append(opts, llb.AddEnv("PATH", graph.CompilerCacheDir+":"+pathOf(s.environ(script))))
	}
	for _, v := range script.Env {
		opts = append(opts, llb.AddEnv(v.Name, v.Value))
	}
	opts = append(opts, s.cacheMounts(s.graph.CachesOn(script, s.environ(script)))...)
	if cache.CallsApt(s.graph.Programs[script.Path]) {
		opts = append(opts, s.pins(script.Base.Name)...)
	}
	if script.Base.Name == "" {
		opts = append(opts, s.repositoryMounts()...)
	}
	opts = append(opts, s.sourceMounts(script)...)
	opts = append(opts, s.artifacts()...)
	opts = append(opts, s.refresh(s.base, script.Refresh)...)
	for _, secret := range script.Secrets {
		opts = append(opts, secretOption(secret))
	}
	if script.SSH {
		opts = append(opts, llb.AddSSHSocket(llb.SSHID("default")))
	}
	return append(opts, network(script.Network)...)
}

// environ is the environment of the base that a script runs on.
func (s *setup) environ(script *graph.Script) []string {
	switch pinned := s.opt.ToolchainBase; {
	case script.Base.Name != "":
		return s.opt.ScriptBases[script.Base.Name].Image.Config.Env
	case pinned != nil && script.Isolated():
		return pinned.Image.Config.Env
	}
	return s.opt.Base.Image.Config.Env
}

// again makes a script run again where it is asked to: by its own name or that
// of a state below, or because a script before it in its chain runs again.
// Without that, the step after one that ran again would be found in the cache.
// Scripts are asked for in the order in which they run.
func (s *setup) again(script *graph.Script) llb.ConstraintsOpt {
	if s.rerun[script.After] || s.ignored(graph.ToolchainState, graph.SetupState, script.Node(), script.Name) {
		s.rerun[script.Name] = true
		return llb.IgnoreCache
	}
	return unchanged()
}

// secretOption mounts a secret, or sets the variable that holds it. Its content
// is in no definition and no cache key.
func secretOption(s graph.Secret) llb.RunOption {
	opts := []llb.SecretOption{llb.SecretID(s.ID)}
	if s.Optional {
		opts = append(opts, llb.SecretOptional)
	}
	if s.Env != "" {
		opts = append(opts, llb.SecretAsEnvName(s.Env))
	}
	if s.Target == "" {
		return llb.AddSecretWithDest(s.ID, nil, opts...)
	}
	return llb.AddSecretWithDest(s.ID, &s.Target, append(opts, llb.SecretFileOpt(0, 0, int(s.Mode)))...)
}

// progress is the label of a script's vertex, such as `setup 2/5`.
func (s *setup) progress(script *graph.Script) string {
	all := slices.Concat(s.graph.Scripts, s.graph.Cleanup)
	return fmt.Sprintf("%s %d/%d", graph.SetupState, slices.Index(all, script)+1, len(all))
}

// inputs is a tree of just the files that a script may see. It is mounted
// read-only, so it counts by its content: the file's mode or time is no reason
// to run a script again.
func (c *compiler) inputs(script *graph.Script) llb.State {
	// The script itself comes last: a directory that holds it brings it too,
	// with a mode that does not count.
	inputs := slices.Clone(script.Inputs)
	slices.Reverse(inputs)
	var action *llb.FileAction
	for _, in := range inputs {
		info := &llb.CopyInfo{CreateDestPath: true, FollowSymlinks: true, CopyDirContentsOnly: in.Dir}
		if in.Why == "script" {
			info.Mode = &llb.ChmodOpt{Mode: 0o755}
		}
		action = copyAction(action, c.opt.Context, "/"+in.Path, "/"+in.Path, info)
	}
	action = sourceDirs(action, script)
	return llb.Scratch().File(action, c.name("internal", "inputs of "+path.Base(script.Path)), c.at(script.At))
}

// copyAction adds a copy to a chain of file actions, which may be nil.
func copyAction(on *llb.FileAction, from llb.State, src, dest string, info *llb.CopyInfo) *llb.FileAction {
	if on == nil {
		return llb.Copy(from, src, dest, info)
	}
	return on.Copy(from, src, dest, info)
}

// compilerCache tells whether a script's compilers go through ccache.
func (s *setup) compilerCache(script *graph.Script) bool {
	return slices.ContainsFunc(script.Caches, func(m graph.Cache) bool { return m.Name == "ccache" })
}
