package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
)

// exec adds a RUN. The daemon keys it by everything in its operation but
// proxies, addresses of hosts and the ids of most caches, by the key of its
// root, and by the content of what is mounted.
func (b *definition) exec(d digest.Digest, op *pb.Op, o *pb.ExecOp) error {
	parts, edges, err := b.mounts(op, o)
	if err != nil {
		return err
	}
	m := o.Meta
	parts = append(parts, Part{Kind: "command", Value: words(m.GetArgs())})
	for _, e := range m.GetEnv() {
		name, value, _ := strings.Cut(e, "=")
		kind := "env"
		if slices.Contains(b.of.Args, name) {
			kind = "arg"
		}
		parts = append(parts, Part{Kind: kind, Name: name, Value: value})
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
		parts = append(parts, Part{Kind: "secret", Name: s.ID, Value: "in " + s.Name})
	}
	rest, err := json.Marshal([]any{m.GetUlimit(), m.GetCgroupParent(), m.GetRemoveMountStubsRecursive(), m.GetValidExitCodes(), o.CdiDevices})
	if err != nil {
		return err
	}
	if none := `[null,"",false,null,null]`; string(rest) != none {
		add("limits", string(rest))
	}
	b.step(d, KindScript, parts, edges)
	return nil
}

// mounts lists what a RUN sees: its root, by key, and what is mounted.
func (b *definition) mounts(op *pb.Op, o *pb.ExecOp) (parts []Part, edges []Edge, err error) {
	selected := map[int64][]selector{}
	byContent := map[int64]bool{}
	for _, m := range o.Mounts {
		what := Part{Name: m.Dest, Value: "mounted"}
		switch m.MountType {
		case pb.MountType_SECRET:
			what.Kind, what.Name = "secret", m.SecretOpt.GetID()
		case pb.MountType_SSH:
			what.Kind, what.Name = "ssh", m.SSHOpt.GetID()
		case pb.MountType_TMPFS:
			what.Kind, what.Value = "scratch", fmt.Sprint(m.TmpfsOpt.GetSize())
		case pb.MountType_CACHE:
			what.Kind = "cache"
			if id := m.CacheOpt.GetID(); m.CacheOpt.GetSharing() == pb.CacheSharingOpt_SHARED && (id == m.Dest || strings.HasSuffix(id, m.Dest) && strings.IndexByte(id, '/') == len(id)-len(m.Dest)-1) {
				what.Value = id // a Dockerfile's default: the daemon leaves it in the key
			}
		default:
			what.Kind = "mount"
			if m.Readonly {
				what.Value += " read-only"
			}
			if m.Input >= 0 && b.isContext(op, m.Input) { // as of a copy
				what = Part{Kind: "target", Name: strings.TrimPrefix(m.Selector, "/"), Unnamed: true, Value: m.Dest + " " + what.Value}
			}
		}
		if m.Dest != pb.RootMount {
			parts = append(parts, what)
		}
		skip := m.MountType == pb.MountType_SECRET || m.MountType == pb.MountType_SSH || m.MountType == pb.MountType_TMPFS
		if skip || m.Input < 0 {
			continue
		}
		from := path.Join("/", m.Selector)
		selected[m.Input] = append(selected[m.Input], selector{path: from, follow: true})
		// The last mount of an input decides for all of them.
		byContent[m.Input] = (m.Output == int64(pb.SkipOutput) || m.Readonly || from == pb.RootMount) && m.Dest != pb.RootMount
	}
	for i := range op.Inputs {
		if !byContent[int64(i)] {
			if id := b.input(op, int64(i)); id != "" {
				edges = append(edges, Edge{Node: id, How: On})
			}
			continue
		}
		p, e, err := b.content(op, int64(i), selected[int64(i)])
		if err != nil {
			return nil, nil, err
		}
		parts, edges = append(p, parts...), append(edges, e...)
	}
	return parts, edges, nil
}

// isContext tells whether a vertex's i-th input is the build context.
func (b *definition) isContext(op *pb.Op, i int64) bool {
	return b.ops[digest.Digest(op.Inputs[i].Digest)].GetSource().GetIdentifier() == b.of.Context && b.of.Context != ""
}

// content is what counts of an input by its content: files of the build
// context, what the compiler made, or files of another vertex.
func (b *definition) content(op *pb.Op, i int64, list []selector) ([]Part, []Edge, error) {
	d := digest.Digest(op.Inputs[i].Digest)
	list = dedupe(list)
	if in, ok := b.inline[d]; ok {
		return in.selected(list), nil, nil
	}
	if id := b.nodes[d]; id != "" {
		var paths []string
		for _, s := range list {
			paths = append(paths, s.path)
		}
		return nil, []Edge{{Node: id, How: Content, Path: words(paths)}}, nil
	}
	var parts []Part
	for _, s := range list {
		p, err := b.files.selected(s)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, p...)
	}
	return parts, nil, nil
}

// file adds a COPY, an ADD or a WORKDIR. The daemon keys it by its operations,
// by the key of what it adds to, and by the content of what it copies; of the
// name of what is copied, the last part counts.
func (b *definition) file(d digest.Digest, op *pb.Op, o *pb.FileOp) error {
	if ok, err := b.comesAlong(d, op, o); ok || err != nil {
		return err
	}
	var parts []Part
	var edges []Edge
	on, selected := map[int64]bool{}, map[int64][]selector{}
	count := int64(len(op.Inputs))
	kind := KindFolder // what WORKDIR makes
	for _, action := range o.Actions {
		if action.Input >= 0 && action.Input < count {
			on[action.Input] = true
		}
		c := action.GetCopy()
		if c == nil {
			text, err := json.Marshal(action.Action)
			if err != nil {
				return err
			}
			parts = append(parts, Part{Kind: "operation", Value: string(text)})
			continue
		}
		kind = KindFiles
		if i := action.SecondaryInput; i >= 0 && i < count {
			selected[i] = append(selected[i], selector{
				path: c.Src, follow: c.FollowSymlink, wildcard: c.AllowWildcard && hasWildcard(c.Src), include: c.IncludePatterns, exclude: c.ExcludePatterns,
			})
		}
		if c.Src == "/" && c.Dest == "/" && action.Input < 0 && splitName(b.description(d)).text == "flatten" {
			kind = KindSquash
		}
		target, err := copied(c)
		if err != nil {
			return err
		}
		parts = append(parts, target...)
	}
	for i := range count {
		if on[i] {
			if id := b.input(op, i); id != "" {
				edges = append(edges, Edge{Node: id, How: On})
			}
			continue
		}
		p, e, err := b.content(op, i, selected[i])
		if err != nil {
			return err
		}
		parts, edges = append(p, parts...), append(edges, e...)
	}
	b.step(d, kind, parts, edges)
	return nil
}

// copied is what counts of a copy besides the files.
func copied(c *pb.FileActionCopy) ([]Part, error) {
	name := strings.TrimPrefix(c.Src, "/")
	mode := c.ModeStr
	if mode == "" && c.Mode >= 0 {
		mode = fmt.Sprintf("%04o", c.Mode)
	}
	owner, err := json.Marshal(c.Owner)
	if err != nil {
		return nil, err
	}
	rest := c.CloneVT()
	rest.Src, rest.Dest, rest.Owner, rest.Mode, rest.ModeStr = "", "", nil, 0, ""
	options, err := json.Marshal(rest)
	if err != nil {
		return nil, err
	}
	parts := []Part{
		{Kind: "target", Name: name, Unnamed: true, Value: strings.TrimSpace(c.Dest + " " + mode)},
		{Kind: "source", Name: name, Unnamed: true, Value: path.Base(c.Src)},
		{Kind: "copy options", Value: string(options)},
	}
	if c.Owner != nil {
		parts = append(parts, Part{Kind: "owner", Value: string(owner)})
	}
	return parts, nil
}

// imageParts are what an image's configuration holds.
func imageParts(c dockerspec.DockerOCIImageConfig) []Part {
	var parts []Part
	add := func(kind, name, value string) {
		if value != "" {
			parts = append(parts, Part{Kind: kind, Name: name, Value: value})
		}
	}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		add("env", name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		add("label", name, c.Labels[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.ExposedPorts)) {
		add("port", name, name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Volumes)) {
		add("volume", name, name)
	}
	add("stop signal", "", c.StopSignal)
	add("working directory", "", c.WorkingDir)
	add("user", "", c.User)
	add("entry point", "", words(c.Entrypoint))
	add("arguments", "", words(c.Cmd))
	add("shell", "", words(c.Shell))
	if h := c.Healthcheck; h != nil {
		add("health check", "", fmt.Sprintf("%s %v %v %v %v %d", words(h.Test), h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, h.Retries))
	}
	for i, trigger := range c.OnBuild {
		add("trigger", fmt.Sprint(i), trigger)
	}
	return parts
}

// hash stands for parts that are nobody's business one by one.
func hash(parts []Part) string {
	k := newKey()
	for _, p := range parts {
		k.add(p.Kind, p.Name, p.Value)
	}
	return k.sum()
}
