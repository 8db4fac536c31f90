// Package plan answers what a build will do again, and why, before it is done.
//
// A [Record] holds, for each node of a graph, exactly what counts for the
// daemon's cache: not more, or the answer would cry wolf, and not less, or a
// stale image would come as a surprise. [Compare] sets two of them against
// each other. Nothing here talks to a daemon; a test on a real one holds the
// answers against what was really run.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// Format is the version of the record's form and of what its keys are made
// from. A record of another version says nothing.
const Format = 2

// Record is the inputs of one build for one platform.
type Record struct {
	// Format is the version of this form.
	Format int `json:"format"`
	// File is the build file's name.
	File string `json:"file"`
	// Platform is the target in OCI notation.
	Platform string `json:"platform"`
	// Target is the state that was built.
	Target string `json:"target"`
	// Bases are the base images as they were resolved, by their names in the
	// build file.
	Bases map[string]Base `json:"bases,omitempty"`
	// Lacks are the capabilities that the daemon lacked: a build without it is
	// compiled as for that daemon.
	Lacks []string `json:"lacks,omitempty"`
	// Nodes are all steps that the target needs, each after those it needs.
	Nodes []Node `json:"nodes"`
	// Seen are the keys of earlier builds' nodes, oldest first: what was built
	// once is still in the daemon's cache when a change is taken back.
	Seen []string `json:"seen,omitempty"`
	// Took is how long each node took when it last ran, by its id.
	Took map[string]time.Duration `json:"took,omitempty"`
	// Layers are those of the image that was exported, lowest first.
	Layers []Layer `json:"layers,omitempty"`
}

// Base is a resolved base image.
type Base struct {
	// Digest is what the reference stood for; "" of what has none.
	Digest string `json:"digest,omitempty"`
	// Layers names the content of its layers.
	Layers string `json:"layers,omitempty"`
	// Config is its configuration, as the image has it: steps depend on it.
	Config json.RawMessage `json:"config,omitempty"`
}

// Layer is one layer of an exported image.
type Layer struct {
	Digest string `json:"digest"`
	// Size is in bytes, as it is stored and pushed.
	Size int64 `json:"size"`
	// By is what made it, as the image's history has it; "" where unknown.
	By string `json:"by,omitempty"`
}

// Kind says what a node does.
type Kind string

// The kinds of nodes.
const (
	KindBase      Kind = "base"
	KindSource    Kind = "source"
	KindUnpacking Kind = "unpacking"
	KindUser      Kind = "user"
	KindPackages  Kind = "packages"
	KindVersions  Kind = "versions"
	KindScript    Kind = "script"
	// KindModes is a command of a Dockerfile that sets owners and modes, and does
	// nothing else.
	KindModes   Kind = "modes"
	KindOutputs Kind = "outputs"
	KindPurge   Kind = "purge"
	KindSquash  Kind = "squash"
	KindLayer   Kind = "layer"
	KindLinker  Kind = "linker"
	KindFiles   Kind = "files"
	KindFolder  Kind = "folder"
	KindImage   Kind = "image"
	KindTest    Kind = "test"
	// KindDirectories looks which directories are on the ways to files, and
	// KindInternal is what else has to be done and nobody asked for.
	KindDirectories Kind = "directories"
	KindInternal    Kind = "internal"
)

// Housekeeping tells of a kind that is in no picture and in no list of steps.
func (k Kind) Housekeeping() bool { return k == KindDirectories || k == KindInternal }

// Node is one step.
type Node struct {
	// ID tells nodes apart, such as setup/02-install-postgresql.
	ID string `json:"id"`
	// State is the state that the node belongs to: base, toolchain, setup,
	// entrypoint, image or test.
	State string `json:"state"`
	Kind  Kind   `json:"kind"`
	// Title is what messages call it.
	Title string `json:"title"`
	// Vertex is the name of the daemon's vertex, without the state in front;
	// "" where no vertex stands for the node.
	Vertex string `json:"vertex,omitempty"`
	// Label is what stands in brackets in front of that name.
	Label string `json:"label,omitempty"`
	// Line is the line of the Dockerfile that asks for the node, 0 in a build
	// file's record.
	Line int `json:"line,omitempty"`
	// By is what the image's history says of the layer that the node makes,
	// where that is not its name.
	By string `json:"by,omitempty"`
	// Parts are what counts of the node's own.
	Parts []Part `json:"parts,omitempty"`
	// Edges are the nodes that it builds on.
	Edges []Edge `json:"edges,omitempty"`
	// Key names everything that the node was made from, down to the base.
	Key string `json:"key"`
	// Loose is Key, but says nothing about nodes whose content counts in place
	// of their key: two builds with one Loose may be the same step.
	Loose string `json:"loose"`
}

// Part is one thing that counts.
type Part struct {
	// Kind says what it is: arg, file, mode, package, command and so on.
	Kind string `json:"kind"`
	// Name tells parts of a kind apart.
	Name string `json:"name,omitempty"`
	// Value is what is compared.
	Value string `json:"value,omitempty"`
	// Unnamed tells that the daemon does not look at the name, but at As.
	Unnamed bool   `json:"unnamed,omitempty"`
	As      string `json:"as,omitempty"`
	// Silent tells that the daemon does not look at it at all: it is there to
	// be told.
	Silent bool `json:"silent,omitempty"`
}

// Edge is a dependency.
type Edge struct {
	// Node is the id of what is depended on.
	Node string `json:"node"`
	// How says how it counts.
	How How `json:"how"`
	// Path is what of its files counts, "" for all of them.
	Path string `json:"path,omitempty"`
}

// How says how a dependency counts.
type How string

const (
	// On is the file system that a step runs on: it counts by its key.
	On How = "on"
	// Needs are outputs beside it: they count by their key, too.
	Needs How = "needs"
	// Content counts by the files that it holds: a step that ran again and
	// made the same files changes nothing after it.
	Content How = "content"
	// Directories count by owner, mode and kind: those of a root that files come
	// to lie on.
	Directories How = "directories"
)

// loose tells that the node before may change, and nothing after it.
func (h How) loose() bool { return h == Content || h == Directories }

// Node returns the node of that id, or nil.
func (r *Record) Node(id string) *Node {
	for i := range r.Nodes {
		if r.Nodes[i].ID == id {
			return &r.Nodes[i]
		}
	}
	return nil
}

// Named returns the nodes that a vertex of the daemon's stands for, by its name:
// `[label] text`.
func (r *Record) Named(vertex string) []*Node {
	name := splitName(vertex)
	var out []*Node
	for i := range r.Nodes {
		if n := &r.Nodes[i]; n.Vertex != "" && n.Vertex == name.text && n.Label == name.label {
			out = append(out, n)
		}
	}
	return out
}

// maxSeen bounds how many keys of earlier builds a record carries.
const maxSeen = 8192

// Carry takes over from the record of the build before what stays true: the
// keys that the daemon's cache knows, how long steps took that did not run this
// time, and the layers of the last image where this build exported none.
func (r *Record) Carry(before *Record) {
	if before == nil || before.Format != r.Format || before.Platform != r.Platform {
		return
	}
	known := map[string]bool{}
	var seen []string
	add := func(key string) {
		if !known[key] {
			known[key] = true
			seen = append(seen, key)
		}
	}
	for i := len(before.Nodes) - 1; i >= 0; i-- { // newest first, until the limit
		add(before.Nodes[i].Key)
		add(before.Nodes[i].Loose)
	}
	for i := len(before.Seen) - 1; i >= 0; i-- {
		add(before.Seen[i])
	}
	seen = seen[:min(len(seen), maxSeen)]
	r.Seen = make([]string, len(seen))
	for i, key := range seen {
		r.Seen[len(seen)-1-i] = key
	}
	if r.Layers == nil {
		r.Layers = before.Layers
	}
	for id, took := range before.Took {
		if _, ok := r.Took[id]; !ok {
			if r.Took == nil {
				r.Took = map[string]time.Duration{}
			}
			r.Took[id] = took
		}
	}
}

// keys computes a node's keys from its own parts and the nodes before it.
func (r *Record) keys(n *Node) {
	exact, loose := newKey("key"), newKey("loose")
	for _, p := range n.Parts {
		if p.Silent {
			continue
		}
		name := p.Name
		if p.Unnamed {
			name = p.As
		}
		exact.add("part", p.Kind, name, p.Value)
		loose.add("part", p.Kind, name, p.Value)
	}
	for _, e := range n.Edges {
		on := r.Node(e.Node)
		exact.add("edge", string(e.How), on.Key)
		if e.Path != "" {
			exact.add(e.Path)
		}
		if e.How.loose() {
			loose.add("edge", string(e.How))
		} else {
			loose.add("edge", string(e.How), on.Loose)
		}
	}
	n.Key, n.Loose = exact.sum(), loose.sum()
}

// key hashes lists of words without two lists ever coming out the same.
type key struct{ text []byte }

func newKey(words ...string) *key {
	k := &key{}
	k.add(words...)
	return k
}

func (k *key) add(words ...string) {
	k.text = strconv.AppendInt(k.text, int64(len(words)), 10)
	for _, w := range words {
		k.text = strconv.AppendQuote(append(k.text, ' '), w)
	}
	k.text = append(k.text, '\n')
}

// sum is short: it tells a build's nodes apart, and guards nothing.
func (k *key) sum() string {
	sum := sha256.Sum256(k.text)
	return hex.EncodeToString(sum[:16])
}
