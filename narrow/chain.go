package narrow

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/paths"
)

// chain is what a file system was made of, as far as the build context counts.
type chain struct {
	// copies are what it has of the context, in order.
	copies []*copied
	// own are the steps that changed it, steps these and those that what is copied
	// from other stages was made by.
	own, steps []digest.Digest
	// flows are what comes from the file systems of other stages.
	flows []flow
	// named are the paths that file operations name.
	named []string
	// why tells why nobody knows what it has of the context, "" where that is
	// known.
	why string
}

// flow is what is taken of another file system.
type flow struct {
	from ref
	path string
}

// and adds what was made of another.
func (c chain) and(o chain) chain {
	return chain{
		copies: slices.Concat(c.copies, o.copies), own: join(c.own, o.own), steps: join(c.steps, o.steps), flows: join(c.flows, o.flows),
		named: join(c.named, o.named), why: first(c.why, o.why),
	}
}

func join[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, one := range b {
		if !slices.Contains(out, one) {
			out = append(out, one)
		}
	}
	return out
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// build is a definition with its build context.
type build struct {
	*definition
	tree *tree
	// source is the context's in the definition.
	source  string
	chains  map[ref]chain
	depends map[digest.Digest]bool
	keys    map[digest.Digest]keyed
}

func newBuild(def *pb.Definition, context fs.FS, source string) (*build, error) {
	d, err := newDefinition(def)
	if err != nil {
		return nil, err
	}
	b := &build{
		definition: d, tree: newTree(context), source: source,
		chains: map[ref]chain{}, depends: map[digest.Digest]bool{}, keys: map[digest.Digest]keyed{},
	}
	for _, v := range d.order {
		op := d.ops[v]
		b.depends[v] = b.isContext(v)
		for i := range op.Inputs {
			b.depends[v] = b.depends[v] || b.depends[input(op, int64(i)).vertex]
		}
	}
	return b, nil
}

func (b *build) isContext(v digest.Digest) bool {
	return b.source != "" && b.ops[v].GetSource().GetIdentifier() == b.source
}

// chain tells what a file system was made of.
func (b *build) chain(r ref) (chain, error) {
	if !b.depends[r.vertex] {
		return chain{}, nil
	}
	if c, ok := b.chains[r]; ok {
		return c, nil
	}
	c, err := b.made(r)
	b.chains[r] = c
	return c, err
}

func (b *build) made(r ref) (chain, error) {
	op := b.ops[r.vertex]
	if of, is := b.squashed(r); is {
		return b.chain(of)
	}
	switch o := op.GetOp().(type) {
	case *pb.Op_File:
		return b.file(r, op, o.File)
	case *pb.Op_Exec:
		if m := root(o.Exec); m != nil && m.Output == r.index {
			c, err := b.chain(input(op, m.Input))
			c.own, c.steps = join(c.own, []digest.Digest{r.vertex}), join(c.steps, []digest.Digest{r.vertex})
			return c, err
		}
	case *pb.Op_Merge:
		var out chain
		for i := range op.Inputs {
			c, err := b.chain(input(op, int64(i)))
			if err != nil {
				return out, err
			}
			out = out.and(c)
		}
		return out, nil
	}
	return chain{why: "it runs on a layer that is made of others", steps: b.before(r.vertex)}, nil
}

// squashed returns the file system that a squash has the files of, in layers of its
// own: what runs on the squash sees the same as on that.
func (b *build) squashed(r ref) (of ref, is bool) {
	op := b.ops[r.vertex]
	if actions := op.GetFile().GetActions(); len(actions) > 0 && strings.HasSuffix(b.name(r.vertex), "] "+compile.Squashed) {
		made := b.ops[input(op, actions[0].SecondaryInput).vertex]
		last := b.ops[input(made, int64(len(made.GetInputs())-1)).vertex]
		if made.GetMerge() != nil && last.GetDiff() != nil {
			return input(last, last.GetDiff().GetUpper().GetInput()), true
		}
	}
	return ref{}, false
}

// internal reports whether a vertex is none of the Dockerfile's.
func (b *build) internal(v digest.Digest) bool { return strings.HasPrefix(b.name(v), "[internal]") }

// before are all steps that a vertex was made by.
func (b *build) before(v digest.Digest) []digest.Digest {
	var out []digest.Digest
	if b.ops[v].GetExec() != nil && b.depends[v] {
		out = append(out, v)
	}
	for i := range b.ops[v].GetInputs() {
		out = join(out, b.before(input(b.ops[v], int64(i)).vertex))
	}
	return out
}

// file adds what a file operation does, action after action.
func (b *build) file(r ref, op *pb.Op, o *pb.FileOp) (chain, error) {
	if !linear(op, o) || r.index != 0 {
		return chain{why: "what it runs on is copied in a way that is not known", steps: b.before(r.vertex)}, nil
	}
	out, err := b.chain(input(op, o.Actions[0].Input))
	if err != nil {
		return out, err
	}
	for i, a := range o.Actions {
		switch act := a.Action.(type) {
		case *pb.FileAction_Mkdir:
			out.named = append(out.named, path.Clean("/"+act.Mkdir.Path))
		case *pb.FileAction_Mkfile:
			out.named = append(out.named, path.Clean("/"+act.Mkfile.Path))
		case *pb.FileAction_Symlink:
			out.named = append(out.named, path.Clean("/"+act.Symlink.Newpath))
		case *pb.FileAction_Copy:
			out.named = append(out.named, path.Clean("/"+act.Copy.Dest))
			from := input(op, a.SecondaryInput)
			if b.isContext(from.vertex) {
				list, why, err := b.copied(r.vertex, i, act.Copy)
				if err != nil {
					return out, err
				}
				out.copies, out.why = append(slices.Clip(out.copies), list...), first(out.why, why)
				continue
			}
			c, err := b.chain(from)
			if err != nil {
				return out, err
			}
			if b.depends[from.vertex] {
				out.steps, out.why = join(out.steps, c.steps), first(out.why, c.why)
				out.flows = join(out.flows, append(slices.Clip(c.flows), flow{from, fixed(act.Copy.Src)}))
			}
		default:
			out.why = first(out.why, "what it runs on is changed in a way that is not known")
		}
	}
	return out, nil
}

// linear reports whether the actions of a file operation follow one another.
func linear(op *pb.Op, o *pb.FileOp) bool {
	count := int64(len(op.Inputs))
	for i, a := range o.Actions {
		last := i == len(o.Actions)-1
		if i > 0 && a.Input != count+int64(i)-1 || i == 0 && a.Input >= count || a.SecondaryInput >= count ||
			last && a.Output != 0 || !last && a.Output != int64(pb.SkipOutput) {
			return false
		}
	}
	return len(o.Actions) > 0
}

// fixed is the path ahead of the wildcards of a pattern.
func fixed(pattern string) string {
	pattern = path.Clean("/" + pattern)
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		return path.Dir(pattern[:i] + "x")
	}
	return pattern
}

// copied are what a copy takes of the context. Why tells why that cannot be told
// path by path.
func (b *build) copied(v digest.Digest, action int, c *pb.FileActionCopy) (out []*copied, why string, err error) {
	switch {
	case len(c.IncludePatterns) > 0:
		return nil, "a COPY above it has --parents", nil
	case c.ModeStr != "":
		return nil, "a COPY above it has --chmod with letters", nil
	case slices.ContainsFunc(c.ExcludePatterns, func(p string) bool { return strings.HasPrefix(p, "!") }):
		return nil, "a COPY above it has --exclude with an exception", nil
	}
	exclude, err := patternmatcher.New(c.ExcludePatterns)
	if err != nil {
		return nil, "", err
	}
	if len(c.ExcludePatterns) == 0 {
		exclude = nil
	}
	sources, why, err := b.tree.matches(c)
	if err != nil || why != "" {
		return nil, why, err
	}
	dest := path.Clean("/" + c.Dest)
	for _, name := range sources {
		f, err := b.tree.look(name)
		if err != nil {
			return nil, "", err
		}
		one := copied{vertex: v, action: action, copy: c, source: name, target: dest, area: dest, exclude: exclude}
		into := strings.HasSuffix(c.Dest, "/") || paths.Everywhere(dest)
		switch {
		case f == nil: // the build says so
		case f.kind == directory && !c.DirCopyContents:
			return nil, "a copy above it keeps the name of a directory", nil
		case f.kind == directory:
			one.dir = true
			out = append(out, &one)
		case f.kind != file:
			return nil, "a copy above it takes " + name + ", which is no file", nil
		case c.AttemptUnpackDockerCompatibility && !text.MatchString(name):
			return nil, "ADD may unpack " + name, nil
		default:
			in := one
			in.target = path.Join(dest, path.Base(name))
			if in.unsure = !into; in.unsure { // it depends on whether there is such a directory
				one.unsure = true
				out = append(out, &one)
			} else if !pattern(c) {
				in.area = in.target // that it is a file, the key tells
			}
			out = append(out, &in)
		}
	}
	return out, "", nil
}

// pattern reports whether a copy's source is one.
func pattern(c *pb.FileActionCopy) bool { return c.AllowWildcard && strings.ContainsAny(c.Src, `*?[\`) }

// text matches the names of files that are no archives.
var text = regexp.MustCompile(`\.(sh|sql|conf|ya?ml|json|txt|md|py|js|ts|toml|lock|ini|cfg|env|service|key|asc|list|xml|html|css)$`)

// matches are the paths of the context that a copy names.
func (t *tree) matches(c *pb.FileActionCopy) (names []string, why string, err error) {
	src := paths.Inside(c.Src)
	list := []string{src}
	if src == "" {
		list = []string{"."}
	}
	if pattern(c) {
		if list, err = fs.Glob(t.FS, src); err != nil {
			return nil, "", fmt.Errorf("%s: %w", c.Src, err)
		}
		slices.Sort(list)
	}
	for _, name := range list {
		if why, err := t.unlinked(name); why != "" || err != nil {
			return nil, why, err
		}
	}
	return list, "", nil
}

// unlinked tells of a link on the way to a path of the context, "" for none.
func (t *tree) unlinked(name string) (why string, err error) {
	for at := name; at != "." && at != ""; at = path.Dir(at) {
		f, err := t.look(at)
		if err != nil {
			return "", err
		}
		if f != nil && f.kind == link {
			return at + ", which it is given, is a link", nil
		}
	}
	return "", nil
}

// whole is all of the context.
func whole() *copied {
	return &copied{source: ".", target: "/", dir: true, area: "/", copy: &pb.FileActionCopy{Mode: -1}}
}
