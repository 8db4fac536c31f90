package narrow

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"

	"github.com/pgstrata/pgstrata/paths"
)

// keyed is what a vertex depends on but the copied files.
type keyed struct {
	key string
	// why tells why it may change all the same, "" where it cannot.
	why string
}

// key stands for a vertex and all that it depends on, but for what is in the build
// context.
func (b *build) key(v digest.Digest) keyed {
	if k, ok := b.keys[v]; ok {
		return k
	}
	op := b.ops[v].CloneVT()
	var out keyed
	words := []string{}
	for i := range op.Inputs {
		in := input(op, int64(i))
		k := b.key(in.vertex)
		out.why = first(out.why, k.why)
		words = append(words, k.key, fmt.Sprint(in.index))
	}
	op.Inputs = nil
	switch o := op.Op.(type) {
	case *pb.Op_Source:
		if b.isContext(v) {
			op = &pb.Op{}
			break
		}
		out.why = first(out.why, pinned(o.Source))
		o.Source.Attrs = maps.Clone(o.Source.Attrs)
		maps.DeleteFunc(o.Source.Attrs, func(name, _ string) bool { return strings.HasPrefix(name, "local.") })
	case *pb.Op_Exec:
		o.Exec.Meta.ProxyEnv = nil
		for _, h := range o.Exec.Meta.ExtraHosts {
			h.IP = ""
		}
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(op)
	if err != nil {
		panic(err) // it was read
	}
	out.key = sum(append(words, string(data))...)
	b.keys[v] = out
	return out
}

// pinned tells why what a source stands for may change, "" where it cannot.
func pinned(s *pb.SourceOp) string {
	scheme, name, _ := strings.Cut(s.Identifier, "://")
	switch scheme {
	case "docker-image", "oci-layout":
		if strings.Contains(name, "@sha256:") {
			return ""
		}
		return name + ", on which it runs, is not pinned by a digest"
	case "http", "https":
		if s.Attrs[pb.AttrHTTPChecksum] != "" {
			return ""
		}
	}
	return "what " + s.Identifier + " is may change"
}

// step is a step that runs a program on what is copied.
type step struct {
	vertex digest.Digest
	op     *pb.Op
	exec   *pb.ExecOp
	// title and line tell of it.
	title string
	line  int
	// chain is what it runs on; after has all steps that what it sees was made by.
	chain chain
	after []digest.Digest
	// key stands for all that it depends on but what is copied.
	key string
	// why tells why it always sees all, "" where it need not.
	why string
	// untimed tells that nobody knows where in its file system the copied files
	// are.
	untimed bool
}

// steps are those of the Dockerfile that run on files of the context, or after such,
// in order.
func (b *build) steps() ([]*step, error) {
	var out []*step
	for _, v := range b.order {
		op := b.ops[v]
		exec := op.GetExec()
		if exec == nil || !b.depends[v] || b.internal(v) {
			continue
		}
		s, err := b.step(v, op, exec)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func (b *build) step(v digest.Digest, op *pb.Op, exec *pb.ExecOp) (*step, error) {
	s := &step{vertex: v, op: op, exec: exec, title: title(b.name(v)), line: b.line(v)}
	m := root(exec)
	if m == nil || m.Output < 0 || m.Selector != "" && m.Selector != "/" {
		s.why = "it has no file system of its own"
		return s, nil
	}
	k := b.key(v)
	words := []string{k.key}
	var err error
	if s.chain, err = b.chain(input(op, m.Input)); err != nil {
		return nil, err
	}
	s.why, s.after, s.untimed = first(k.why, s.chain.why), s.chain.steps, s.chain.why != ""
	if b.pb.Metadata[v.String()].GetIgnoreCache() {
		s.why = first(s.why, "it is to be built without cache")
	}
	flows := s.chain.flows
	for _, m := range exec.Mounts {
		why, more, err := b.mount(s, m)
		if err != nil {
			return nil, err
		}
		s.why, flows = first(s.why, why), append(slices.Clip(flows), more...)
	}
	if s.why != "" {
		return s, nil
	}
	var sources []string // what is a file, and may become a directory; a pattern that matches nothing makes none
	for _, c := range s.chain.copies {
		sources = append(sources, fmt.Sprint(c.copy.Src, " ", c.dir))
	}
	slices.Sort(sources)
	words = append(words, slices.Compact(sources)...)
	for _, f := range flows {
		seen, err := b.flowing(f)
		if err != nil {
			return nil, err
		}
		if seen.Value == large {
			s.why = "what it gets of the context by way of another stage, or of a mount, is too large to be compared"
			return s, nil
		}
		words = append(words, seen.Path, seen.Value)
	}
	if s.why, err = b.throughLinks(s.chain); err != nil {
		return nil, err
	}
	s.key = sum(words...)
	return s, nil
}

// mount tells why a mount makes a step see all, or what flows through it.
func (b *build) mount(s *step, m *pb.Mount) (why string, flows []flow, err error) {
	if m.Dest == pb.RootMount {
		return "", nil, nil
	}
	from := input(s.op, m.Input)
	switch {
	case m.MountType == pb.MountType_CACHE && !downloads(m.Dest):
		return "its cache mount " + m.Dest + " may hold what was made of the files", nil, nil
	case m.MountType != pb.MountType_BIND && m.MountType != pb.MountType_CACHE:
		return "", nil, nil
	case b.isContext(from.vertex) && path.Clean("/"+m.Selector) == "/":
		return "it mounts the build context", nil, nil
	case b.isContext(from.vertex):
		why, err := b.tree.unlinked(paths.Inside(m.Selector))
		return why, []flow{{from, path.Clean("/" + m.Selector)}}, err
	case b.depends[from.vertex]:
		c, err := b.chain(from)
		s.after = join(s.after, c.steps)
		return c.why, append(slices.Clip(c.flows), flow{from, path.Clean("/" + m.Selector)}), err
	}
	return "", nil, nil
}

// downloads reports whether a cache mount holds nothing but what was downloaded, so
// that a step reads the same files of the context, whatever is in it.
func downloads(dir string) bool {
	for _, known := range []string{
		"/var/cache/apt", "/var/lib/apt", "/etc/apk/cache", "/var/cache/apk", "/var/cache/dnf", "/var/cache/yum", "/var/cache/zypp",
		"/root/.npm", "/root/.cache/pip", "/root/.cache/pypoetry/cache", "/usr/local/share/.cache/yarn", "/root/.cache/yarn",
		"/root/.cargo/registry", "/usr/local/cargo/registry", "/root/.cargo/git", "/usr/local/cargo/git", "/root/go/pkg/mod", "/go/pkg/mod",
		"/root/.cache/composer", "/root/.cache/gem", "/root/.bundle/cache", "/root/.local/share/pnpm/store",
	} {
		if paths.Within(dir, known) {
			return true
		}
	}
	return false
}

// flowing stands for what is taken of the context through another file system.
func (b *build) flowing(f flow) (Seen, error) {
	list, err := b.flowed(f)
	if err != nil {
		return Seen{}, err
	}
	return b.tree.seen(list, All, f.path)
}

// flowed is what that file system has of the context.
func (b *build) flowed(f flow) ([]*copied, error) {
	if b.isContext(f.from.vertex) {
		return []*copied{whole()}, nil
	}
	c, err := b.chain(f.from)
	return c.copies, err
}

// throughLinks tells of a link of the context on the way to what is copied or
// made: nobody knows where that lies then.
func (b *build) throughLinks(c chain) (string, error) {
	for _, name := range c.named {
		for at := name; at != "/"; at = path.Dir(at) {
			for _, one := range c.copies {
				f, err := b.tree.at(one, at)
				if err != nil {
					return "", err
				}
				if f != nil && f.kind == link {
					return "a copy above it goes to " + name + " through a link", nil
				}
			}
		}
	}
	return "", nil
}

// title is what messages call a step.
func title(name string) string {
	_, rest, ok := strings.Cut(name, "] ")
	if !ok {
		rest = name
	}
	const most = 60
	text := []rune(strings.Join(strings.Fields(rest), " "))
	if len(text) > most {
		text = append(text[:most-1], '…')
	}
	return string(text)
}
