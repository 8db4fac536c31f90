// Package compile compiles a graph to LLB, BuildKit's build language: the states
// base, toolchain, setup, entrypoint and image, each in a file of its own.
//
// Everything that makes a definition comes from its arguments, in a fixed
// order: the same graph and options give the same bytes.
package compile

import (
	"slices"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// Options are what a definition depends on besides the graph.
type Options struct {
	// Config is what the client asked for: network, hosts, limits, labels.
	Config dockerui.Config
	// Caps are the daemon's capabilities.
	Caps *apicaps.CapSet
	// Platform is the target platform.
	Platform ocispecs.Platform
	// Context is the build context.
	Context llb.State
	// Base is the resolved base image.
	Base Base
	// ToolchainBase is what isolated scripts run on; nil for Base.
	ToolchainBase *Base
	// ScriptBases are the images of scripts that have a base of their own, by their
	// references.
	ScriptBases map[string]Base
	// Sources are the states of sources that are an image or a named context, by
	// name; Signatures verify downloads, KnownHosts git servers that are reached by
	// ssh.
	Sources    map[string]llb.State
	Signatures map[string]Signature
	KnownHosts map[string]string
	// Source is the build file, for vertices to point at; nil for none.
	Source *llb.SourceMap
	// IgnoreCache tells whether a state or script, by its node name, is to
	// run again even if it is cached.
	IgnoreCache func(node string) bool
	// Epoch is SOURCE_DATE_EPOCH; nil keeps the files' own times.
	Epoch *time.Time
	// Tracer runs each script, and records what it does; nil for none.
	Tracer *Tracer
}

// Base is a resolved base image.
type Base struct {
	// State is the image's file system, with its environment.
	State llb.State
	// Image is its configuration.
	Image dockerspec.DockerOCIImage
	// Digest is the digest that its reference stands for, "" where it has
	// none (a local directory as a named context).
	Digest digest.Digest
	// Assumed tells that nobody has asked what the reference stands for: the
	// configuration is none of its own.
	Assumed bool
}

// States are the compiled states of one platform.
type States struct {
	// Base is the resolved image alone.
	Base State
	// Toolchain is what setup scripts run on: base, user, runtime packages
	// and build packages.
	Toolchain State
	// Toolchains are what scripts run on, each root once: the chain's first.
	Toolchains []Toolchain
	// Setup is the root file system without any entrypoint file.
	Setup State
	// Outputs are those of each isolated script, by its name.
	Outputs map[string]State
	// Made is what each isolated script ran on, and left, by its name.
	Made map[string]Made
	// Symbols are the debug symbols that were taken out of outputs.
	Symbols State
	// Entrypoint are the entrypoint files alone.
	Entrypoint State
	// Image is the whole root file system.
	Image State
	// Config is the configuration of the finished image.
	Config *dockerspec.DockerOCIImage
	// Tests holds an empty layer that exists when all tests have passed.
	Tests State
	// lists are apt's, as the last script of the chain has left them.
	lists llb.State
	// Records hold, by a script's name, what it did, in a file [RecordFile];
	// there are none without a tracer.
	Records map[string]llb.State
}

// State is a file system and, for each of its layers, what made it.
type State struct {
	llb.State
	// Layers has an entry for each layer, lowest first.
	Layers []ocispecs.History
	// lists are apt's lists of packages as they are now, beside the files and in
	// no layer. See lists.go.
	lists llb.State
	// own is the image that it grew from, where a script has that for itself.
	own string
	// changes made it, besides the layers that were merged in.
	changes []Change
}

// Graph returns the states of a graph. Its error is [spec.Errors].
func Graph(g *graph.Graph, opt Options) (*States, error) {
	c := &compiler{
		graph:     g,
		opt:       opt,
		mergeDiff: canMergeDiff(opt.Caps),
	}
	out := &States{Base: c.base(g.Base.Name, opt.Base), Outputs: map[string]State{}, Made: map[string]Made{}, Records: map[string]llb.State{}}
	base := c.repositories(out.Base)
	tools := c.toolchain(base)
	c.tools = tools.root.State
	out.Toolchain, out.Toolchains = tools.chain, []Toolchain{{Base: out.Base, Root: tools.chain}}
	if opt.ToolchainBase != nil {
		out.Toolchains = append(out.Toolchains, Toolchain{Base: tools.base, Root: tools.isolated})
	}
	out.Setup = c.setup(base, tools, out)
	out.Entrypoint = c.entrypoint()
	out.Image = c.entrypointOn(out.Setup)
	img, err := imageConfig(g, opt, out.Image)
	if err != nil {
		return nil, err
	}
	out.Config = img
	out.Tests = c.tests(out.Image, img.Config)
	return out, nil
}

// compiler compiles one graph.
type compiler struct {
	graph *graph.Graph
	opt   Options
	// mergeDiff tells that the daemon can merge and diff; where it cannot,
	// copies do the same work with less sharing of layers.
	mergeDiff bool
	// tools is the root that pgstrata's own steps run in where they look at
	// another one, which may have lost its programs to a cleanup script.
	tools llb.State
	// described counts the vertices that were described.
	described int
}

func canMergeDiff(caps *apicaps.CapSet) bool {
	return supports(caps, pb.CapMergeOp) && supports(caps, pb.CapDiffOp)
}

func supports(caps *apicaps.CapSet, id apicaps.CapID) bool {
	return caps != nil && caps.Supports(id) == nil
}

// name labels a vertex.
func (c *compiler) name(state, text string) llb.ConstraintsOpt {
	return llb.WithCustomName(c.label(state, text))
}

// label is a vertex's name as the Dockerfile frontend has it: [state] text, with
// the platform in front where there are several.
func (c *compiler) label(state, text string) string {
	if c.opt.Config.MultiPlatformRequested {
		state = platforms.Format(c.opt.Platform) + " " + state
	}
	return "[" + state + "] " + text
}

// at makes a vertex point at the part of the build file that asks for it.
func (c *compiler) at(r spec.Range) llb.ConstraintsOpt {
	if c.opt.Source == nil || r == (spec.Range{}) {
		return unchanged()
	}
	return c.opt.Source.Location([]*pb.Range{Range(r)})
}

// Range converts a place in the build file to BuildKit's form, whose columns
// count from 0.
func Range(r spec.Range) *pb.Range {
	return &pb.Range{
		Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(max(0, r.Start.Column-1))},
		End:   &pb.Position{Line: int32(r.End.Line), Character: int32(max(0, r.End.Column-1))},
	}
}

// unchanged is an option that changes nothing.
func unchanged() llb.ConstraintsOpt { return llb.Require() }

// fresh makes a vertex run again where the user asked for it, by the state's
// name or the node's.
func (c *compiler) fresh(nodes ...string) llb.ConstraintsOpt {
	if c.ignored(nodes...) {
		return llb.IgnoreCache
	}
	return unchanged()
}

// ignored tells whether the cache of one of the nodes is not to be used.
func (c *compiler) ignored(nodes ...string) bool {
	return c.opt.IgnoreCache != nil && slices.ContainsFunc(nodes, c.opt.IgnoreCache)
}

// historyComment marks the history entries that are pgstrata's own.
const historyComment = "pgstrata"

// emptyState has no files and no layers.
func emptyState() State { return State{State: llb.Scratch()} }

// layer returns a state that has one layer more than its parent.
func (s State) layer(st llb.State, createdBy string) State {
	return State{
		State: st, Layers: append(slices.Clone(s.Layers), history(createdBy)), lists: s.lists, own: s.own,
		changes: append(slices.Clone(s.changes), Change{s.State, st}),
	}
}

// history describes one layer, as `docker history` shows it.
func history(createdBy string) ocispecs.History {
	return ocispecs.History{CreatedBy: createdBy, Comment: historyComment}
}

// merge lays states over one another, each with layers of its own; a daemon
// that cannot merge copies them.
func (c *compiler) merge(lower State, uppers ...State) State {
	if len(uppers) == 0 {
		return lower
	}
	if lower.Output() == nil && len(uppers) == 1 {
		return uppers[0]
	}
	if !c.mergeDiff {
		for _, u := range uppers {
			what := u.Layers[len(u.Layers)-1].CreatedBy
			st := lower.File(llb.Copy(u.State, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}), c.name("internal", "copy "+what))
			lower = lower.layer(st, what)
		}
		return lower
	}
	states := []llb.State{lower.State}
	layers := slices.Clone(lower.Layers)
	for _, u := range uppers {
		states = append(states, u.State)
		layers = append(layers, u.Layers...)
	}
	return State{State: llb.Merge(states, c.name("internal", "merge layers")), Layers: layers, lists: lower.lists, changes: lower.changes}
}

// squash returns upper, which came of lower by changes and by layers that were merged
// in, as lower and layers of exactly what was removed and made.
func (c *compiler) squash(lower, upper State, createdBy string) State {
	out := Squash(lower, upper.State, upper.changes[len(lower.changes):], createdBy, c.opt.Caps, SquashOptions{
		Tools:   c.tools,
		Shell:   []string{"/bin/sh"},
		Compare: c.vertex(Vertex{Node: graph.SetupState + "/comparison", Kind: "internal", Title: Comparison}, "internal", Comparison),
		Remove:  c.vertex(Vertex{Node: graph.SetupState + "/removal", Kind: "internal", Title: Removal}, "internal", Removal),
		Copy:    c.vertex(Vertex{Node: graph.SetupState + "/squash", Kind: "squash", Title: "setup's layer"}, graph.SetupState, "squash"),
	})
	out.State, out.lists = upper.WithOutput(out.Output()), lower.lists
	return out
}
