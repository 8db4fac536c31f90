package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/plan"
)

// constant is a value in a vertex's operation.
type constant struct {
	// path is where it is, such as exec.meta.env.
	path string
	set  func()
}

// constants lists all values in a message, each with what changes it.
func constants(m protoreflect.Message, path string) []constant {
	var out []constant
	one := func(name string, v protoreflect.Value, set func(protoreflect.Value)) {
		switch x := v.Interface().(type) {
		case protoreflect.Message:
			out = append(out, constants(x, name)...)
		case string:
			out = append(out, constant{name, func() { set(protoreflect.ValueOfString(x + "x")) }})
		case []byte:
			out = append(out, constant{name, func() { set(protoreflect.ValueOfBytes(append(slices.Clone(x), 'x'))) }})
		case bool:
			out = append(out, constant{name, func() { set(protoreflect.ValueOfBool(!x)) }})
		case int32:
			out = append(out, constant{name, func() { set(protoreflect.ValueOfInt32(x + 1)) }})
		case int64:
			out = append(out, constant{name, func() { set(protoreflect.ValueOfInt64(x + 1)) }})
		case protoreflect.EnumNumber:
			out = append(out, constant{name, func() { set(protoreflect.ValueOfEnum(x + 1)) }})
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := strings.TrimPrefix(path+"."+string(f.Name()), ".")
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				one(name, v, func(v protoreflect.Value) { m.Mutable(f).Map().Set(k, v) })
				return true
			})
		case f.IsList():
			for i := range v.List().Len() {
				one(name, v.List().Get(i), func(v protoreflect.Value) { m.Mutable(f).List().Set(i, v) })
			}
		default:
			one(name, v, func(v protoreflect.Value) { m.Set(f, v) })
		}
		return true
	})
	return out
}

// structure tells of a value that says how vertices hang together.
func structure(path string) bool {
	return strings.HasPrefix(path, "inputs") || slices.Contains([]string{
		"diff.lower.input", "diff.upper.input", "merge.inputs.input", "exec.mounts.input", "exec.mounts.output", "file.actions.input", "file.actions.secondaryInput", "file.actions.output",
	}, path)
}

// unkeyed tells of a value that the daemon does not make a key from.
func unkeyed(op *pb.Op, path string) bool {
	if op.GetExec() == nil && op.GetSource() == nil && strings.HasPrefix(path, "platform.") {
		return true
	}
	return strings.HasPrefix(path, "exec.meta.proxy_env") || slices.Contains([]string{
		"exec.meta.extraHosts.IP", "exec.mounts.cacheOpt.ID", "exec.mounts.cacheOpt.sharing", "constraints.filter", "source.attrs",
	}, path)
}

// maybe tells of a value of an operation whose files count one by one: it may
// count or not, as it changes them.
func maybe(path string) bool {
	return path == "file.actions.mkfile.timestamp" || strings.HasPrefix(path, "file.actions.copy.") && path != "file.actions.copy.dest"
}

// with is a definition with one value changed, and the nodes whose vertices have
// other digests then.
func with(t *testing.T, def *pb.Definition, at, which int) (changed *pb.Definition, nodes map[string]bool) {
	t.Helper()
	changed, nodes = def.CloneVT(), map[string]bool{}
	now := map[string]string{}
	for i, data := range def.Def {
		op := &pb.Op{}
		require.NoError(t, op.UnmarshalVT(data))
		was, other := digest.FromBytes(data).String(), i == at
		if i == at {
			constants(op.ProtoReflect(), "")[which].set()
		}
		for _, in := range op.Inputs {
			if is := now[in.Digest]; is != "" {
				in.Digest, other = is, true
			}
		}
		if !other {
			continue
		}
		text, err := op.MarshalVT()
		require.NoError(t, err)
		is := digest.FromBytes(text).String()
		changed.Def[i] = text
		now[was] = is
		meta := def.Metadata[was]
		delete(changed.Metadata, was)
		changed.Metadata[is] = meta
		if v, ok := compile.Described(meta); ok {
			nodes[v.Node] = true
		}
	}
	return changed, nodes
}

// Whatever is changed in a vertex, be it a variable, the text of a program of
// pgstrata's own or a mount, changes the keys of exactly those nodes whose vertices
// have another digest then: or of none, where the daemon makes no key of it.
func TestEachConstantOfADefinition(t *testing.T) {
	in := newInput(t)
	in.edit("needs: [02", "caches: [pip], secrets: [token], needs: [02")
	in.file += "cache_boundary: {cache_invalidation_rules: [{layer: setup, max_age: 24h}, {layer: setup/01-locales, when_changed: [\"package:libc6\"]}]}\n"
	in.options["add-hosts"] = "a=1.2.3.4"
	in.arg("HTTP_PROXY", "http://proxy")
	b := in.build()
	before := in.record()
	told := map[string]bool{}
	count := 0
	for i, data := range b.Build.Definition.Def {
		op := &pb.Op{}
		require.NoError(t, op.UnmarshalVT(data))
		_, described := compile.Described(b.Build.Definition.Metadata[digest.FromBytes(data).String()])
		for j, c := range constants(op.ProtoReflect(), "") {
			if structure(c.path) {
				continue
			}
			count++
			other := b
			var want map[string]bool
			other.Build.Definition, want = with(t, b.Build.Definition, i, j)
			after, err := other.Record()
			require.NoError(t, err)
			got := map[string]bool{}
			for _, n := range after.Nodes {
				if was := before.Node(n.ID); was == nil || was.Key != n.Key {
					got[n.ID] = true
				}
			}
			what := fmt.Sprintf("%s of vertex %d, %s", c.path, i, b.Build.Definition.Metadata[digest.FromBytes(data).String()].GetDescription()["compile.customname"])
			switch {
			case unkeyed(op, c.path):
				assert.Empty(t, got, what)
			case maybe(c.path) && !described:
			default:
				for id := range want {
					assert.True(t, got[id], "%s: the key of %s is as it was", what, id)
				}
				for id := range got {
					n := after.Node(id)
					own := n.Kind == plan.KindBase || n.Kind == plan.KindInternal || n.Kind == plan.KindImage // not described
					assert.True(t, want[id] || own, "%s: %s has another key", what, id)
				}
			}
			told[c.path] = true
		}
	}
	t.Logf("%d values in %d vertices", count, len(b.Build.Definition.Def))
	for _, path := range []string{"exec.meta.env", "exec.meta.args", "exec.mounts.cacheOpt.ID", "exec.mounts.dest", "file.actions.mkfile.data", "exec.meta.extraHosts.IP"} {
		assert.True(t, told[path], path)
	}
}
