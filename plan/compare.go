package plan

import (
	"fmt"
	"slices"

	"github.com/pgstrata/pgstrata/graph"
)

// Cache is what becomes of a node in the next build.
type Cache string

// The cache states.
const (
	// Unknown nodes are those of which no record tells.
	Unknown Cache = "unknown"
	// Hit nodes come from the cache.
	Hit Cache = "hit"
	// Miss nodes were never built before.
	Miss Cache = "miss"
	// Invalidated nodes are built again: something that counts has changed.
	Invalidated Cache = "invalidated"
	// Conditional nodes are built again if what runs before them makes other
	// files than it did: a build finds that out, and nothing else can.
	Conditional Cache = "conditional"
)

// Plan is what the next build of one platform does.
type Plan struct {
	// File is the build file's name.
	File     string `json:"file,omitempty"`
	Platform string `json:"platform"`
	Target   string `json:"target"`
	// Since says what is compared with.
	Since string `json:"since,omitempty"`
	// Steps are all nodes in the order of the build.
	Steps []Step `json:"steps"`
	// Removed are steps that are no longer there, by their titles.
	Removed []string `json:"removed,omitempty"`
	// Decisions are what becomes of a Dockerfile's instructions.
	Decisions []Decision `json:"decisions,omitempty"`
	// Notes say what the plan could not know.
	Notes []string `json:"notes,omitempty"`
}

// Decision tells what becomes of an instruction of a Dockerfile: in how many steps its
// scripts run, say, or why they run in one.
type Decision struct {
	Line int    `json:"line"`
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Told are the decisions as they are printed, with file and line.
func (p *Plan) Told() []string {
	var out []string
	for _, d := range p.Decisions {
		out = append(out, fmt.Sprintf("%s:%d: %s", p.File, d.Line, d.Text))
	}
	return out
}

// Step is one node with its state.
type Step struct {
	Node  string `json:"node"`
	State string `json:"state"`
	Kind  Kind   `json:"kind"`
	Title string `json:"title"`
	// Vertex is the daemon's name for it.
	Vertex string `json:"vertex,omitempty"`
	// Line is the line of the Dockerfile that asks for it, 0 in a build file's
	// plan.
	Line  int   `json:"line,omitempty"`
	Cache Cache `json:"cache"`
	// Causes say why, most direct first; none for a hit.
	Causes []Cause `json:"causes,omitempty"`
	// Seconds is how long it took when it last ran, 0 where nobody measured.
	Seconds float64 `json:"seconds,omitempty"`
}

// Slight tells that the step is built again only if what runs before it makes
// directories that files lie in anew: of another owner, mode or kind.
func (s *Step) Slight() bool {
	return s.Cache == Conditional && !slices.ContainsFunc(s.Causes, func(c Cause) bool { return c.Kind != string(Directories) })
}

// Cause is one reason for a step to be built again.
type Cause struct {
	// Kind is the kind of the part that changed, or needs, on, content or
	// directories where the reason is another node.
	Kind string `json:"kind"`
	// Name tells what changed, Before and After are its values where these
	// can be read.
	Name   string `json:"name,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Node is the other node.
	Node string `json:"node,omitempty"`
	// Text says it in words.
	Text string `json:"text"`
}

// Compare predicts what a build of after does on a daemon that has built
// before. Without before (nil, or one of another form or platform) nothing is
// known.
func Compare(before, after *Record) *Plan {
	p := &Plan{File: after.File, Platform: after.Platform, Target: after.Target}
	if why := after.unlike(before); why != "" {
		for i := range after.Nodes {
			s := after.Nodes[i].step(Unknown)
			s.Causes = []Cause{{Kind: string(Unknown), Text: why}}
			p.Steps = append(p.Steps, s)
		}
		return p
	}
	c := &comparison{before: before, after: after, seen: before.seen(), alike: map[string]bool{}, states: map[string]Cache{}, slight: map[string]bool{}}
	for i := range after.Nodes {
		p.Steps = append(p.Steps, c.step(&after.Nodes[i]))
	}
	for i := range before.Nodes {
		n := &before.Nodes[i]
		if told := n.Kind != KindLayer && !n.Kind.Housekeeping(); told && after.Node(n.ID) == nil && before.Target == after.Target {
			p.Removed = append(p.Removed, n.Title)
		}
	}
	return p
}

// unlike says why a record of before says nothing; "" of one that does.
func (r *Record) unlike(before *Record) string {
	switch {
	case before == nil || before.Platform != r.Platform:
		return "no earlier build is recorded"
	case before.Format < r.Format:
		return "the record was made by an older pgstrata"
	case before.Format > r.Format:
		return "the record was made by a newer pgstrata"
	}
	return ""
}

// seen are all keys of a record and the builds before it.
func (r *Record) seen() map[string]bool {
	seen := map[string]bool{}
	for i := range r.Nodes {
		seen[r.Nodes[i].Key], seen[r.Nodes[i].Loose] = true, true
	}
	for _, key := range r.Seen {
		seen[key] = true
	}
	return seen
}

// comparison is one run of Compare.
type comparison struct {
	before, after *Record
	seen          map[string]bool
	// alike are the loose keys of nodes that are built: another node with one of
	// them may be the same step.
	alike  map[string]bool
	states map[string]Cache
	// slight are the nodes whose steps are.
	slight map[string]bool
}

func (c *comparison) step(n *Node) Step {
	was := c.before.Node(n.ID)
	s := n.step(Invalidated)
	s.Seconds = c.before.Took[n.ID].Seconds()
	switch {
	case c.seen[n.Key]:
		s.Cache = Hit
	case c.seen[n.Loose] || c.alike[n.Loose]:
		s.Cache = Conditional
	case was == nil:
		s.Cache = Miss
	}
	c.states[n.ID] = s.Cache
	if s.Cache != Hit {
		c.alike[n.Loose] = true
		s.Causes = c.causes(was, n, s.Cache)
		c.slight[n.ID] = s.Slight()
	}
	return s
}

// step is a node in a state.
func (n *Node) step(state Cache) Step {
	return Step{Node: n.ID, State: n.State, Kind: n.Kind, Title: n.Title, Vertex: n.Vertex, Line: n.Line, Cache: state}
}

// neverBuilt is the cause of what has no other.
const neverBuilt = "never built before"

// causes explains a node: what of its own has changed, then the nodes before
// it that are built again.
func (c *comparison) causes(was, n *Node, state Cache) []Cause {
	var out, slight []Cause
	if was != nil {
		out = partCauses(was.Parts, n.Parts)
		out = append(out, c.moved(was, n)...)
	}
	for _, e := range n.Edges {
		other := c.after.Node(e.Node)
		if s := c.states[e.Node]; s == Hit || e.How.loose() && state != Conditional && (len(out) > 0 || was == nil) {
			continue
		} else if s == Miss && was == nil {
			continue // everything is new: one word says so
		}
		if slices.ContainsFunc(out, func(c Cause) bool { return c.Node == e.Node }) {
			continue // it runs on another one now: that is why
		}
		cause := Cause{Kind: string(e.How), Node: e.Node, Text: edgeText(e, other, state)}
		if other.Kind == KindOutputs {
			cause.Kind = string(Needs)
		}
		if c.slight[e.Node] || other.Kind == KindInternal {
			slight = append(slight, cause)
			continue
		}
		out = append(out, cause)
	}
	if len(out) == 0 {
		out = slight
	}
	if was == nil && len(out) == 0 {
		out = append(out, Cause{Kind: "new", Text: neverBuilt})
	}
	return out
}

// moved finds dependencies that came, went, or changed their places.
func (c *comparison) moved(was, n *Node) []Cause {
	var out []Cause
	ids := func(edges []Edge) []string {
		var list []string
		for _, e := range edges {
			list = append(list, e.Node)
		}
		return list
	}
	keyed := func(edges []Edge) []Edge { // whose content counts may be another one: that is no cause by itself
		return slices.DeleteFunc(slices.Clone(edges), func(e Edge) bool { return e.How.loose() })
	}
	before, after := ids(was.Edges), ids(n.Edges)
	title := func(id string) string {
		for _, r := range []*Record{c.after, c.before} {
			if n := r.Node(id); n != nil {
				return n.Title
			}
		}
		return id
	}
	if n.Kind == KindImage {
		return nil // its layers speak for themselves
	}
	for _, e := range keyed(n.Edges) {
		if !slices.Contains(before, e.Node) {
			text := "now runs on " + title(e.Node)
			if e.How == Needs {
				text = "now needs " + title(e.Node)
			}
			out = append(out, Cause{Kind: string(e.How), Node: e.Node, Text: text})
		}
	}
	for _, e := range keyed(was.Edges) {
		if !slices.Contains(after, e.Node) {
			text := "no longer runs on " + title(e.Node)
			if e.How == Needs {
				text = "no longer needs " + title(e.Node)
			}
			out = append(out, Cause{Kind: string(e.How), Node: e.Node, Text: text})
		}
	}
	return out
}

// Runs returns the steps of the given states that have a vertex of their own:
// without any, those that are not hits.
func (p *Plan) Runs(states ...Cache) []Step {
	var out []Step
	for _, s := range p.Steps {
		if s.Vertex != "" && (slices.Contains(states, s.Cache) || len(states) == 0 && s.Cache != Hit) {
			out = append(out, s)
		}
	}
	return out
}

// Step returns the step of a node, or nil.
func (p *Plan) Step(node string) *Step {
	for i := range p.Steps {
		if p.Steps[i].Node == node {
			return &p.Steps[i]
		}
	}
	return nil
}

// isSetup tells whether a state belongs to the slow part of an image.
func isSetup(state string) bool {
	return state == graph.ToolchainState || state == graph.SetupState
}
