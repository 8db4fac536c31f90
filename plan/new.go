package plan

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// Options are what a build depends on besides its graph and its context.
type Options struct {
	// Target is the state to build, "" for the image.
	Target string
	// Bases are the base images, by their names in the build file. One that is
	// not there is taken to be what its name says.
	Bases map[string]Base
	// Steps are digests of pgstrata's own steps, by their file names.
	Steps map[string]string
	// Settings are what the client asked of all steps, such as a network.
	Settings map[string]string
	// CacheNamespace goes in front of cache mounts' ids.
	CacheNamespace string
	// Labels are those of the command line.
	Labels map[string]string
	// Epoch is SOURCE_DATE_EPOCH, resolved.
	Epoch string
	// Copies tells that the daemon can neither merge nor diff.
	Copies bool
	// Changed tells of a file that it is to be taken as changed; may be nil.
	Changed func(name string) bool
	// Git compares modes as far as git knows them: executable or not.
	Git bool
}

// New returns the record of a graph that was resolved in the context.
func New(g *graph.Graph, context fs.FS, opt Options) (*Record, error) {
	if opt.Target == "" {
		opt.Target = graph.ImageState
	}
	b := &builder{
		graph: g,
		opt:   opt,
		files: newFiles(context, opt),
		record: &Record{
			Format:   Format,
			File:     g.File,
			Platform: g.Platform,
			Target:   opt.Target,
			Bases:    map[string]Base{},
			Copies:   opt.Copies,
		},
		byKey: map[string]string{},
	}
	var err error
	if b.asked, err = b.repositories(); err != nil {
		return nil, err
	}
	if err := b.build(); err != nil {
		return nil, err
	}
	return b.record, nil
}

// builder makes the nodes of one record, in the way in which package llb makes
// vertices.
type builder struct {
	graph  *graph.Graph
	opt    Options
	files  *files
	record *Record
	// asked are the package repositories.
	asked []Part
	// byKey are the ids of nodes: what comes out the same is the same vertex.
	byKey map[string]string
}

func (b *builder) build() error {
	base := b.base(b.graph.Base, graph.BaseState)
	tools := b.toolchain(base)
	s := &setup{builder: b, base: base, tools: tools, after: map[string]string{}, holds: map[string]map[string]bool{}, made: map[string]string{}}
	if script := b.graph.Script(strings.TrimPrefix(b.opt.Target, graph.SetupState+"/")); script != nil && script.Isolated() {
		if err := s.run(script); err != nil {
			return err
		}
		b.record.prune([]string{s.collect(script, nil, "")})
		return nil
	}
	root, err := s.build()
	if err != nil {
		return err
	}
	under := root
	if b.opt.Target == graph.EntrypointState {
		under = nil
	}
	classes, err := b.entrypoint(under)
	if err != nil {
		return err
	}
	image := b.image(root, classes)
	tests, err := b.tests(image)
	if err != nil {
		return err
	}
	var keep []string
	switch b.opt.Target {
	case graph.ImageState:
		keep = []string{image}
	case graph.SetupState:
		keep = root
	case graph.EntrypointState:
		keep = classes
	case graph.TestState:
		keep = tests
	default:
		return fmt.Errorf("target %q is none of %s", b.opt.Target, strings.Join(b.graph.Targets(), ", "))
	}
	b.record.prune(keep)
	return nil
}

// prune drops the nodes that the target does not need.
func (r *Record) prune(keep []string) {
	needed := map[string]bool{}
	for _, id := range keep {
		needed[id] = true
	}
	for i := len(r.Nodes) - 1; i >= 0; i-- { // a node comes after those that it needs
		if !needed[r.Nodes[i].ID] {
			continue
		}
		for _, e := range r.Nodes[i].Edges {
			needed[e.Node] = true
		}
	}
	r.Nodes = slices.DeleteFunc(r.Nodes, func(n Node) bool { return !needed[n.ID] })
}

// add computes a node's keys and returns its id: that of an earlier one which
// is the same in all that counts.
func (b *builder) add(n Node) string {
	b.record.keys(&n)
	if id, ok := b.byKey[n.Key]; ok {
		return id
	}
	b.byKey[n.Key] = n.ID
	b.record.Nodes = append(b.record.Nodes, n)
	return n.ID
}

// step adds a node that runs a program: the client's settings count for it.
func (b *builder) step(n Node) string {
	if len(b.opt.Settings) > 0 {
		n.Edges = append(n.Edges, Edge{Node: b.settings(), How: On})
	}
	return b.add(n)
}

func (b *builder) settings() string {
	n := Node{ID: "settings", State: graph.BaseState, Kind: KindSettings, Title: "settings"}
	for _, name := range slices.Sorted(maps.Keys(b.opt.Settings)) {
		n.Parts = append(n.Parts, Part{Kind: "setting", Name: name, Value: b.opt.Settings[name]})
	}
	return b.add(n)
}

// own is the part that one of pgstrata's own steps is.
func (b *builder) own(name string, args ...string) []Part {
	parts := []Part{{Kind: "step", Name: name, Value: b.opt.Steps[name]}}
	for _, a := range args {
		parts = append(parts, Part{Kind: "argument", Value: a})
	}
	return parts
}

func (b *builder) base(ref graph.Ref, id string) string {
	base := b.opt.Bases[ref.Name]
	n := Node{ID: id, State: graph.BaseState, Kind: KindBase, Title: "base " + ref.Name, Parts: []Part{
		{Kind: "platform", Value: b.graph.Platform},
		// Where the digest is known, it counts and the name does not. It counts
		// even where the layers are the same: the daemon does not trust what an
		// image says of its own layers.
		{Kind: "image", Value: ref.Name, Silent: base.Digest != ""},
	}}
	if base.Digest != "" {
		b.record.Bases[ref.Name] = base
		n.Parts = append(n.Parts,
			Part{Kind: "digest", Value: base.Digest},
			Part{Kind: "layers", Value: base.Layers, Silent: true})
	}
	return b.add(n)
}

// entrypoint adds a node for each class of entrypoint files: alone, or in the
// directories of a root.
func (b *builder) entrypoint(root []string) ([]string, error) {
	var out []string
	var on []Edge
	for _, id := range root {
		how := Directories
		if !b.graph.Runs() { // no program lists them
			how = On
		}
		on = append(on, Edge{Node: id, How: how})
	}
	for _, class := range b.graph.Entrypoint {
		parts, err := b.class(class)
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("%s (%d files)", class.Name, len(class.Files))
		if len(class.Files) == 1 {
			what = fmt.Sprintf("%s: %s", class.Name, class.Files[0].Target)
		}
		out = append(out, b.add(Node{
			ID: class.Node(), State: graph.EntrypointState, Kind: KindFiles, Title: class.Name, Vertex: what, Parts: parts, Edges: on,
		}))
		if b.opt.Copies && len(on) > 0 && on[0].How == On { // each on the one before
			on = []Edge{{Node: out[len(out)-1], How: On}}
		}
	}
	return out, nil
}

// class lists the copies of one class. The daemon keys them by the files'
// contents and modes in the order of their sources, and by their last names
// and where they go.
func (b *builder) class(class graph.Class) ([]Part, error) {
	var copies []Part
	sources := map[string]entry{}
	for _, f := range class.Files {
		e, err := b.files.file(f.Source)
		if err != nil {
			return nil, err
		}
		sources[f.Source] = e
		copies = append(copies, Part{
			Kind: "target", Name: f.Source, Unnamed: true,
			Value: fmt.Sprintf("%s %04o %d:%d", f.Target, f.Mode, f.UID, f.GID),
		})
		if base := path.Base(f.Source); base != path.Base(f.Target) {
			copies = append(copies, Part{Kind: "source", Name: f.Target, Value: base})
		}
	}
	var parts []Part
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		parts = append(parts,
			Part{Kind: "file", Name: name, Value: sources[name].value, Unnamed: true},
			Part{Kind: "mode", Name: name, Value: octal(sources[name].mode), Unnamed: true})
	}
	if b.opt.Epoch != "" {
		copies = append(copies, Part{Kind: "time", Value: b.opt.Epoch})
	}
	return append(parts, copies...), nil
}

// image adds the node of the finished image: its configuration, and all layers.
func (b *builder) image(root, classes []string) string {
	img := b.graph.Image
	n := Node{ID: graph.ImageState, State: graph.ImageState, Kind: KindImage, Title: "image"}
	add := func(kind, value string) {
		if value != "" {
			n.Parts = append(n.Parts, Part{Kind: kind, Value: value})
		}
	}
	known := map[string]string{}
	for _, a := range b.graph.Args {
		known[a.Name] = a.Value
	}
	for _, v := range img.Env {
		n.Parts = append(n.Parts, Part{Kind: "env", Name: v.Name, Value: expand(v.Value, known)})
	}
	labels := map[string]string{}
	for _, l := range img.Labels {
		labels[l.Name] = l.Value
	}
	maps.Copy(labels, b.opt.Labels)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		n.Parts = append(n.Parts, Part{Kind: "label", Name: name, Value: labels[name]})
	}
	for _, list := range []struct {
		kind   string
		values []string
	}{{"port", img.Expose}, {"volume", img.Volumes}} {
		for _, v := range slices.Sorted(slices.Values(list.values)) {
			n.Parts = append(n.Parts, Part{Kind: list.kind, Name: v, Value: v})
		}
	}
	add("stop signal", img.StopSignal)
	add("working directory", img.WorkingDir)
	add("user", img.User)
	add("entry point", words(img.Entrypoint))
	add("arguments", words(img.Cmd))
	if h := img.Healthcheck; h != nil {
		add("health check", fmt.Sprintf("%s %v %v %v %d", words(h.Command), h.Interval, h.Timeout, h.StartPeriod, h.Retries))
	}
	add("base digest", b.opt.Bases[b.graph.Base.Name].Digest) // it is in a label
	add("time", b.opt.Epoch)
	for _, id := range slices.Concat(root, classes) {
		n.Edges = append(n.Edges, Edge{Node: id, How: On})
	}
	return b.add(n)
}

// expand replaces build arguments, and leaves the base's variables as they are.
func expand(s string, args map[string]string) string {
	known := maps.Clone(args)
	for range 100 { // each round learns one name
		value, missing, err := spec.Expand(s, known)
		if err != nil {
			return s
		}
		if missing == "" {
			return value
		}
		known[missing] = "${" + missing + "}"
	}
	return s
}

func (b *builder) tests(image string) ([]string, error) {
	var out []string
	for _, t := range b.graph.Tests {
		parts, err := b.files.mount([]graph.Input{{Path: t.Path, Why: "script"}})
		if err != nil {
			return nil, err
		}
		parts = append(parts, Part{Kind: "command", Value: words(t.Command)}, Part{Kind: "timeout", Value: t.Timeout.String()})
		out = append(out, b.step(Node{
			ID: graph.TestState + "/" + t.Name, State: graph.TestState, Kind: KindTest, Title: "test " + strconv.Quote(t.Name), Vertex: t.Name,
			Parts: parts, Edges: []Edge{{Node: image, How: On}},
		}))
	}
	return out, nil
}

// words writes a list of arguments so that none can be taken for two.
func words(list []string) string {
	var out []string
	for _, w := range list {
		if w == "" || strings.ContainsAny(w, " \t\n\"'\\") {
			w = strconv.Quote(w)
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}
