package plan

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/graph"
)

// toolchain are the nodes that scripts run on, as package llb has them.
type toolchain struct{ root, chain, isolated string }

func (b *builder) toolchain(base string) toolchain {
	tc := b.graph.Toolchain
	own := b.user(base, "user")
	t := toolchain{root: b.packages(base, own, "runtime", "runtime", b.graph.RuntimePackages())}
	t.chain = b.packages(base, t.root, "build", "build", tc.Build)
	image := base
	if tc.Base.Name != "" {
		image = b.base(tc.Base, "base/setup")
		own = b.user(image, "isolated-user")
	}
	t.isolated = b.packages(image, own, "runtime", "isolated-runtime", tc.Runtime)
	t.isolated = b.packages(image, t.isolated, "build", "isolated-build", tc.Build)
	return t
}

func (b *builder) user(base, id string) string {
	u := b.graph.User
	if u == nil {
		return base
	}
	return b.step(Node{
		ID: graph.ToolchainState + "/" + id, State: graph.ToolchainState, Kind: KindUser, Title: "user " + u.Name,
		Vertex: fmt.Sprintf("user %s (%d:%d)", u.Name, u.UID, u.GID),
		Parts:  b.own("create-user.sh", u.Name, strconv.Itoa(u.UID), strconv.Itoa(u.GID), u.Home),
		Edges:  []Edge{{Node: base, How: On}},
	})
}

// packages adds the installation of distribution packages, of a kind.
func (b *builder) packages(base, on, kind, id string, list []graph.Package) string {
	if len(list) == 0 {
		return on
	}
	parts := b.own("install-packages.sh")
	var specs []string
	for _, p := range list {
		name, _, _ := strings.Cut(p.Spec, "=")
		parts = append(parts, Part{Kind: "package", Name: name, Value: p.Spec})
		specs = append(specs, p.Spec)
	}
	parts = append(parts, Part{Kind: "record", Value: kind})
	parts = append(append(parts, b.caches(b.graph.Toolchain.Caches)...), b.locked()...)
	parts = append(parts, b.asked...)
	n := Node{
		ID: graph.ToolchainState + "/" + id, State: graph.ToolchainState, Kind: KindPackages, Title: kind + " packages",
		Vertex: b.graph.Toolchain.Refresh.Describe(kind + " packages: " + strings.Join(specs, " ")),
		Parts:  parts,
		Edges:  []Edge{{Node: on, How: On}},
	}
	b.refresh(&n, base, b.graph.Toolchain.Refresh)
	return b.step(n)
}

// caches lists cache mounts. Their ids and modes of sharing are no part of a
// step's key, only where they are mounted is. But a shared mount whose id is its
// target, as a Dockerfile's is that names none, keeps its id in the key.
func (b *builder) caches(list []graph.Cache) []Part {
	var parts []Part
	for _, c := range list {
		value, id := "mounted", b.opt.CacheNamespace+"/"+c.ID
		if _, rest, _ := strings.Cut(id, "/"); c.Sharing == graph.Shared && (id == c.Target || rest == c.Target) {
			value = id
		}
		parts = append(parts, Part{Kind: "cache", Name: c.Target, Value: value})
		if c.Name == "apt" && !slices.ContainsFunc(parts, func(p Part) bool { return p.Kind == "mask" }) {
			parts = append(parts, Part{Kind: "mask", Name: "docker-clean", Value: "mounted"})
		}
	}
	return parts
}

// locked lists the versions of packages that a lock file asks for.
func (b *builder) locked() []Part {
	var parts []Part
	for _, p := range b.graph.Pins {
		name, version, _ := strings.Cut(p.Spec, "=")
		parts = append(parts, Part{Kind: "locked", Name: name, Value: version})
	}
	return parts
}

// refresh adds what cache invalidation rules make count.
func (b *builder) refresh(n *Node, base string, r graph.Refresh) {
	if r.Period != "" {
		n.Parts = append(n.Parts, Part{Kind: "period", Value: r.Period})
	}
	if r.Base {
		n.Parts = append(n.Parts, Part{Kind: "base digest", Value: b.opt.Bases[b.graph.Base.Name].Digest})
	}
	if len(r.Packages) == 0 {
		return
	}
	versions := Node{
		ID: n.ID + "/versions", State: graph.ToolchainState, Kind: KindVersions, Title: "versions of " + strings.Join(r.Packages, ", "),
		Vertex: "versions in the archive on " + r.Day + ": " + strings.Join(r.Packages, " "),
		Parts:  append(b.own("package-versions.sh", r.Packages...), Part{Kind: "day", Value: r.Day}),
		Edges:  []Edge{{Node: base, How: On}},
	}
	versions.Parts = append(versions.Parts, b.locked()...)
	n.Edges = append(n.Edges, Edge{Node: b.step(versions), How: Content})
}

// setup makes the nodes of the setup scripts.
type setup struct {
	*builder
	base  string
	tools toolchain
	after map[string]string
	holds map[string]map[string]bool
	// made are the nodes of isolated scripts.
	made map[string]string
}

// with lays the outputs of isolated scripts on a root: the image's, or the one
// that a script runs on.
func (s *setup) with(root []Edge, scripts []*graph.Script, runs string) []Edge {
	out := slices.Clone(root)
	for _, script := range scripts {
		out = append(out, Edge{Node: s.collect(script, root, runs), How: Needs})
	}
	return out
}

// collect adds the copy of an isolated script's outputs, for a root.
func (s *setup) collect(script *graph.Script, root []Edge, runs string) string {
	n := Node{
		ID: script.Node() + "/outputs", State: graph.SetupState, Kind: KindOutputs, Title: "outputs of " + script.Name,
		Vertex: "outputs of " + path.Base(script.Path),
		Edges:  append([]Edge{{Node: s.made[script.Name], How: Content}}, directories(root)...),
	}
	if other := s.graph.Script(runs); other != nil {
		n.ID += "/" + runs
		n.Vertex += " for " + path.Base(other.Path)
	}
	for _, o := range script.Outputs {
		n.Parts = append(n.Parts, Part{Kind: "output", Name: o.Path, Value: o.Path})
	}
	return s.add(n)
}

// directories are the edges of files that come to lie on a root.
func directories(root []Edge) []Edge {
	var out []Edge
	for _, e := range root {
		out = append(out, Edge{Node: e.Node, How: Directories})
	}
	return out
}

// build returns the nodes that the root without entrypoint files is made from.
func (s *setup) build() ([]string, error) {
	for _, script := range s.graph.Scripts {
		if err := s.run(script); err != nil {
			return nil, err
		}
	}
	chain, err := s.chain()
	if err != nil {
		return nil, err
	}
	var paths []string
	var others []*graph.Script
	held := s.holds[s.last()]
	for _, script := range s.graph.Scripts {
		if script.Isolated() && !held[script.Name] {
			others = append(others, script)
		}
		for _, o := range script.Outputs {
			paths = append(paths, o.Path)
		}
	}
	if len(paths) == 0 {
		return []string{chain}, nil
	}
	n := Node{
		ID: graph.SetupState + "/linker", State: graph.SetupState, Kind: KindLinker, Title: "linker's cache",
		Vertex: "refresh the linker's cache, find every library",
		Parts:  append(s.own("refresh-linker.sh"), Part{Kind: "outputs", Value: words(paths)}),
		// What is mounted as a whole counts by its content.
		Edges: append(s.with([]Edge{{Node: chain, How: Content}}, others, ""), Edge{Node: s.tools.root, How: On}),
	}
	return []string{s.step(n)}, nil
}

// run adds a script after everything that it needs.
func (s *setup) run(script *graph.Script) error {
	if s.after[script.Name] != "" || s.made[script.Name] != "" {
		return nil
	}
	for _, name := range append(slices.Clone(script.Needs), script.After) {
		if other := s.graph.Script(name); other != nil {
			if err := s.run(other); err != nil {
				return err
			}
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
	on := s.with([]Edge{{Node: s.parent(script), How: On}}, needs, script.Name)
	id, err := s.script(script, on)
	if err != nil {
		return err
	}
	if !script.Isolated() {
		s.after[script.Name], s.holds[script.Name] = id, holds
		return nil
	}
	s.made[script.Name] = id
	return nil
}

func (s *setup) parent(script *graph.Script) string {
	switch {
	case script.After != "":
		return s.after[script.After]
	case script.Isolated():
		return s.packages(s.base, s.tools.isolated, "runtime", "packages-"+script.Name, script.Packages)
	}
	return s.tools.chain
}

// script adds the vertex of one script.
func (s *setup) script(script *graph.Script, on []Edge) (string, error) {
	parts, err := s.files.mount(script.Inputs)
	if err != nil {
		return "", err
	}
	sources, err := s.sources(script)
	if err != nil {
		return "", err
	}
	parts = append(append(parts, sources...), s.asked...)
	parts = append(parts, Part{Kind: "command", Value: words(script.Command)})
	for _, v := range script.Env {
		parts = append(parts, Part{Kind: "arg", Name: v.Name, Value: v.Value})
	}
	parts = append(parts, s.caches(script.Caches)...)
	if script.Installs {
		parts = append(parts, Part{Kind: "lists", Value: "mounted"})
	}
	if cache.CallsApt(s.graph.Programs[script.Path]) {
		parts = append(parts, s.locked()...)
	}
	if slices.ContainsFunc(script.Caches, func(c graph.Cache) bool { return c.Name == "ccache" }) {
		parts = append(parts, Part{Kind: "compiler cache", Value: "in PATH"})
	}
	for _, dir := range slices.Sorted(slices.Values(s.graph.BuildArtifacts)) {
		parts = append(parts, Part{Kind: "build artifact", Name: dir, Value: "mounted"})
	}
	for _, secret := range script.Secrets {
		parts = append(parts, Part{Kind: "secret", Name: secret.ID, Value: placeOf(secret)})
	}
	if script.SSH {
		parts = append(parts, Part{Kind: "ssh", Value: "default"})
	}
	if script.Network != "" {
		parts = append(parts, Part{Kind: "network", Value: script.Network})
	}
	n := Node{
		ID: script.Node(), State: graph.SetupState, Kind: KindScript, Title: path.Base(script.Path),
		Vertex: script.Title(),
		Parts:  parts,
		Edges:  on,
	}
	s.refresh(&n, s.base, script.Refresh)
	return s.step(n), nil
}

// placeOf is what counts of a secret: how the script sees it, not what it is.
func placeOf(s graph.Secret) string {
	var out []string
	if s.Target != "" {
		out = append(out, s.Target+" ("+octal(fs.FileMode(s.Mode))+")")
	}
	if s.Env != "" {
		out = append(out, "$"+s.Env)
	}
	if s.Optional {
		out = append(out, "optional")
	}
	return strings.Join(out, ", ")
}

// last is the name of the last script of the chain but for cleanup.
func (s *setup) last() string {
	last := ""
	for _, script := range s.graph.Scripts {
		if !script.Isolated() {
			last = script.Name
		}
	}
	return last
}

// chain ends the chain of scripts as package llb does.
func (s *setup) chain() (string, error) {
	last, build := s.last(), len(s.graph.Toolchain.Build) > 0
	end, ok := s.after[last]
	switch {
	case last == "" && len(s.graph.Cleanup) == 0:
		return s.tools.root, nil
	case !ok: // cleanup scripts alone
		end = s.tools.chain
	case !build && len(s.graph.Cleanup) == 0:
		return end, nil
	}
	if build {
		end = s.step(Node{
			ID: graph.SetupState + "/purge", State: graph.SetupState, Kind: KindPurge, Title: "purge of build packages",
			Vertex: "purge build packages", Parts: s.own("purge-packages.sh"), Edges: []Edge{{Node: end, How: On}},
		})
	}
	lower := s.tools.root
	if len(s.graph.Cleanup) > 0 {
		lower = s.base
	}
	for _, script := range s.graph.Cleanup {
		var err error
		if end, err = s.script(script, []Edge{{Node: end, How: On}}); err != nil {
			return "", err
		}
	}
	flat := s.add(Node{
		ID: graph.SetupState + "/squash", State: graph.SetupState, Kind: KindSquash, Title: "squash",
		Vertex: "flatten", Edges: []Edge{{Node: end, How: Content}},
	})
	if s.opt.Copies {
		return flat, nil
	}
	// The difference to what is below costs nothing; it is there for its key.
	var held []*graph.Script
	for _, script := range s.graph.Scripts {
		if script.Isolated() && s.holds[last][script.Name] {
			held = append(held, script)
		}
	}
	return s.add(Node{
		ID: graph.SetupState + "/layer", State: graph.SetupState, Kind: KindLayer, Title: "setup's layer",
		Edges: append([]Edge{{Node: flat, How: On}}, s.with([]Edge{{Node: lower, How: On}}, held, "")...),
	}), nil
}
