package plan

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/compile"
)

// exec adds a step that runs a program. The daemon keys it by everything in its
// operation but proxies, addresses of hosts and the ids of most caches, by the
// key of its root, and by the content of what is mounted.
func (r *reader) exec(d digest.Digest, op *pb.Op, o *pb.ExecOp) error {
	parts, edges, err := r.mounts(op, o)
	if err != nil {
		return err
	}
	m := o.Meta
	parts = append(parts, r.command(d, m.GetArgs())...)
	for _, e := range m.GetEnv() {
		parts = append(parts, r.variable(e))
	}
	add := func(kind, value string) {
		if value != "" {
			parts = append(parts, Part{Kind: kind, Value: value})
		}
	}
	add("working directory", m.GetCwd())
	add("user", m.GetUser())
	add("platform", platform(op.Platform))
	if o.Network != pb.NetMode_UNSET {
		add("network", strings.ToLower(o.Network.String()))
	}
	if o.Security != pb.SecurityMode_SANDBOX {
		add("security", strings.ToLower(o.Security.String()))
	}
	add("host name", m.GetHostname())
	for _, h := range m.GetExtraHosts() {
		add("host", h.Host)
	}
	for _, s := range o.Secretenv {
		parts = append(parts, Part{Kind: "secret", Name: s.ID, Value: optional("$"+s.Name, s.Optional)})
	}
	whole, err := keyed(o)
	if err != nil {
		return err
	}
	add("operation", whole)
	kind := KindScript
	if len(r.build.Stages) > 0 && setsModes(m.GetArgs()) {
		kind = KindModes
	}
	r.step(d, kind, parts, edges)
	return nil
}

// keyed stands for all of an operation that the daemon makes its key from, by
// the rule that BuildKit's own code has (solver/llbsolver/ops/exec.go, CacheMap).
func keyed(o *pb.ExecOp) (string, error) {
	o = o.CloneVT()
	for _, h := range o.Meta.GetExtraHosts() {
		h.IP = ""
	}
	for _, m := range o.Mounts {
		m.Selector = "" // counts with what it selects
		if m.CacheOpt != nil && !namedLikeTarget(m) {
			m.CacheOpt.ID, m.CacheOpt.Sharing = "", 0
		}
	}
	if o.Meta != nil {
		o.Meta.ProxyEnv = nil
	}
	text, err := json.Marshal(o)
	return sum(string(text)), err
}

// namedLikeTarget tells of a shared cache mount whose id is its target, as a
// Dockerfile's is that names none: the daemon leaves the id in the key.
func namedLikeTarget(m *pb.Mount) bool {
	id := m.CacheOpt.GetID()
	_, rest, ok := strings.Cut(id, "/") // behind a namespace
	return m.CacheOpt.GetSharing() == pb.CacheSharingOpt_SHARED && (id == m.Dest || ok && rest == m.Dest)
}

// command is what a step runs, each of the arguments by itself where the vertex
// says what they are.
func (r *reader) command(d digest.Digest, args []string) []Part {
	v, _ := r.described(d)
	if v.Arguments == "" || len(args) == 0 {
		return []Part{{Kind: "command", Value: words(args)}}
	}
	parts := []Part{{Kind: "command", Value: args[0]}}
	for _, a := range args[1:] {
		name, _, _ := strings.Cut(a, "=")
		parts = append(parts, Part{Kind: v.Arguments, Name: name, Value: a})
	}
	return parts
}

// variable is one variable of a step's environment. It counts with the whole
// operation: the daemon does not tell arguments from other variables.
func (r *reader) variable(text string) Part {
	name, value, _ := strings.Cut(text, "=")
	switch {
	case name == compile.FreshSinceEnv:
		return Part{Kind: "period", Value: value}
	case name == compile.BaseEnv:
		return Part{Kind: "base digest", Value: value}
	case name == compile.DayEnv:
		return Part{Kind: "day", Value: value}
	case slices.Contains(r.build.Args, name):
		return Part{Kind: "arg", Name: name, Value: value, Silent: true}
	}
	return Part{Kind: "env", Name: name, Value: value, Silent: true}
}

// mounts lists what a step sees: its root, by key, and what is mounted.
func (r *reader) mounts(op *pb.Op, o *pb.ExecOp) (parts []Part, edges []Edge, err error) {
	selected := map[int64][]selector{}
	byContent := map[int64]bool{}
	for _, m := range o.Mounts {
		if m.Dest != pb.RootMount {
			parts = append(parts, r.mount(op, m))
		}
		skip := m.MountType == pb.MountType_SECRET || m.MountType == pb.MountType_SSH || m.MountType == pb.MountType_TMPFS
		if skip || m.Input < 0 {
			continue
		}
		from := path.Join("/", m.Selector)
		selected[m.Input] = append(selected[m.Input], selector{path: from, follow: true})
		// The last mount of an input decides for all of them.
		safe := m.Output == int64(pb.SkipOutput) || m.Readonly || from == pb.RootMount
		byContent[m.Input] = safe && m.ContentCache != pb.MountContentCache_OFF && (m.Dest != pb.RootMount || m.ContentCache == pb.MountContentCache_ON)
	}
	for i := range int64(len(op.Inputs)) {
		if !byContent[i] && r.trees[input(op, i)] == nil {
			for _, e := range r.input(op, i) {
				e.Path = selection(selected[i])
				edges = append(edges, e)
			}
			continue
		}
		p, e, err := r.content(op, i, selected[i])
		if err != nil {
			return nil, nil, err
		}
		parts, edges = append(p, parts...), append(edges, e...)
	}
	return parts, edges, nil
}

// mount is a mount without what is in it. It counts with the whole operation.
func (r *reader) mount(op *pb.Op, m *pb.Mount) Part {
	p := Part{Name: m.Dest, Value: "mounted", Silent: true}
	switch m.MountType {
	case pb.MountType_SECRET:
		s := m.SecretOpt
		p.Kind, p.Name, p.Value = "secret", s.GetID(), optional(fmt.Sprintf("%s (%04o)", m.Dest, s.GetMode()), s.GetOptional())
	case pb.MountType_SSH:
		p.Kind, p.Name = "ssh", m.SSHOpt.GetID()
	case pb.MountType_TMPFS:
		p.Kind = "scratch"
		if size := m.TmpfsOpt.GetSize(); size > 0 {
			p.Value += fmt.Sprintf(" (%d bytes)", size)
		}
	case pb.MountType_CACHE:
		p.Kind = "cache"
		if namedLikeTarget(m) {
			p.Value = m.CacheOpt.ID
		}
	default:
		p.Kind = "mount"
		if m.Readonly {
			p.Value += " read-only"
		}
		if r.isContext(op, m.Input) { // as of a copy
			p = Part{Kind: "target", Name: strings.TrimPrefix(m.Selector, "/"), Unnamed: true, Value: m.Dest + " " + p.Value, Silent: true}
		}
	}
	return p
}

func optional(text string, is bool) string {
	if is {
		text += ", optional"
	}
	return text
}

// isContext tells whether a vertex's i-th input is the build context.
func (r *reader) isContext(op *pb.Op, i int64) bool {
	return r.build.Context != "" && r.ops[input(op, i)].GetSource().GetIdentifier() == r.build.Context
}

// content is what counts of an input by its content: files of the build context
// and what was made of them, or files of another vertex.
func (r *reader) content(op *pb.Op, i int64, list []selector) ([]Part, []Edge, error) {
	list = dedupe(list)
	if t := r.trees[input(op, i)]; t != nil {
		return t.selected(list), t.edges, nil
	}
	if !r.isContext(op, i) {
		var edges []Edge
		for _, e := range r.input(op, i) {
			how := Content
			if r.record.Node(e.Node).Kind == KindDirectories {
				how = Directories
			}
			edges = append(edges, Edge{Node: e.Node, How: how, Path: selection(list)})
		}
		return nil, edges, nil
	}
	var parts []Part
	for _, s := range list {
		found, err := r.files.selected(s)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, partsOf(found, s.path)...)
	}
	return parts, nil, nil
}

// selection writes what is selected, "" for everything.
func selection(list []selector) string {
	var out []string
	for _, s := range list {
		out = append(out, s.path)
	}
	if len(out) == 1 && out[0] == "/" {
		return ""
	}
	return words(out)
}

// file adds a copy, or another change of files. The daemon keys it by its
// operations, by the key of what it adds to, and by the content of what it
// copies; of the name of what is copied, the last part counts.
func (r *reader) file(d digest.Digest, op *pb.Op, o *pb.FileOp) error {
	if ok, err := r.comesAlong(d, op, o); ok || err != nil {
		return err
	}
	var parts []Part
	var edges []Edge
	on, selected := map[int64]bool{}, map[int64][]selector{}
	count := int64(len(op.Inputs))
	kind := KindFolder // what WORKDIR makes
	var actions []any
	for _, action := range o.Actions {
		on[action.Input] = true
		key := action.CloneVT()
		if c := action.GetCopy(); c != nil {
			if kind != KindSquash {
				kind = KindFiles
			}
			if i := action.SecondaryInput; i >= 0 && i < count {
				selected[i] = append(selected[i], copySelector(c))
				key.GetCopy().Src = path.Base(c.Src)
			}
			if c.Src == "/" && c.Dest == "/" && r.isMade(input(op, action.SecondaryInput)) {
				kind = KindSquash
			}
			parts = append(parts, copied(c)...)
		}
		actions = append(actions, key)
	}
	text, err := json.Marshal(actions)
	if err != nil {
		return err
	}
	parts = append(parts, Part{Kind: "operation", Value: sum(string(text))})
	for i := range count {
		if on[i] {
			edges = append(edges, r.input(op, i)...)
			continue
		}
		p, e, err := r.content(op, i, selected[i])
		if err != nil {
			return err
		}
		parts, edges = append(p, parts...), append(edges, e...)
	}
	if kind == KindSquash {
		edges = r.squashed(edges)
	}
	r.step(d, kind, parts, edges)
	return nil
}

// isMade reports whether a vertex is what steps have made: their differences, on one
// another.
func (r *reader) isMade(d digest.Digest) bool {
	op := r.ops[d]
	return op.GetMerge() != nil && r.ops[input(op, int64(len(op.Inputs)-1))].GetDiff() != nil
}

// squashed are the edges of a squash: first of all it is what the last step left. The
// steps that this one ran on are left out: where one of them changes, so does the last.
func (r *reader) squashed(edges []Edge) []Edge {
	under := map[string]bool{}
	var descend func(id string)
	descend = func(id string) {
		for _, e := range r.record.Node(id).Edges {
			if e.How == On && !under[e.Node] {
				under[e.Node] = true
				descend(e.Node)
			}
		}
	}
	made := func(e Edge) bool { return e.How == Content && r.record.Node(e.Node).Kind != KindInternal }
	for _, e := range edges {
		if made(e) {
			descend(e.Node)
		}
	}
	var last, others []Edge
	for _, e := range edges {
		switch {
		case !made(e):
			others = append(others, e)
		case !under[e.Node]:
			last = append(last, e)
		}
	}
	return append(last, others...)
}

// copySelector is what a copy takes.
func copySelector(c *pb.FileActionCopy) selector {
	return selector{
		path: c.Src, follow: c.FollowSymlink, wildcard: c.AllowWildcard && hasWildcard(c.Src), include: c.IncludePatterns, exclude: c.ExcludePatterns,
	}
}

// copied is what is told of a copy besides the files.
func copied(c *pb.FileActionCopy) []Part {
	name := strings.TrimPrefix(c.Src, "/")
	words := []string{c.Dest}
	switch {
	case c.ModeStr != "":
		words = append(words, c.ModeStr)
	case c.Mode >= 0:
		words = append(words, fmt.Sprintf("%04o", c.Mode))
	}
	if c.Owner != nil {
		words = append(words, owned(c.Owner))
	}
	parts := []Part{
		{Kind: "target", Name: name, Unnamed: true, Value: strings.Join(words, " ")},
		{Kind: "source", Name: name, Unnamed: true, Value: path.Base(c.Src)},
	}
	if c.Timestamp >= 0 {
		parts = append(parts, Part{Kind: "time", Name: name, Unnamed: true, Value: time.Unix(0, c.Timestamp).UTC().Format(time.RFC3339)})
	}
	return parts
}

// owned is an owner as a person reads it.
func owned(o *pb.ChownOpt) string {
	user := func(o *pb.UserOpt) string {
		if name := o.GetByName(); name != nil {
			return name.Name
		}
		return fmt.Sprint(o.GetByID())
	}
	return user(o.User) + ":" + user(o.Group)
}

// hash stands for parts that are nobody's business one by one.
func hash(parts []Part) string {
	k := newKey()
	for _, p := range parts {
		k.add(p.Kind, p.Name, p.Value)
	}
	return k.sum()
}

// sum stands for a text.
func sum(text string) string { return newKey(text).sum() }

// words writes a list of arguments so that none can be taken for two.
func words(list []string) string {
	var out []string
	for _, w := range list {
		if w == "" || strings.ContainsAny(w, " \t\n\"'\\") {
			w = fmt.Sprintf("%q", w)
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}
