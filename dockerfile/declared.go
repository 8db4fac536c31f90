package dockerfile

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// What holds an ARG up above steps that do without it moves with it: a LABEL, which
// no step sees, and an ENV of which something speaks by name. It does so whether or
// not there is a driver, so that one that comes or goes runs nothing above it again.

// labels reports whether an item is a LABEL that is made of an ARG above it.
func (r *stageReader) labels(i int) bool {
	it := r.items[i]
	_, ok := it.In.Command.(*instructions.LabelCommand)
	return ok && r.ofArgs(i)
}

// ofArgs reports whether an instruction speaks of an ARG above it.
func (r *stageReader) ofArgs(i int) bool {
	it := r.items[i]
	return slices.ContainsFunc(r.items[:i], func(other *Item) bool { return other.arg != "" && it.scope.Mentions(it.In.Text, other.arg) })
}

// labelPasses reports whether a LABEL may come after another instruction: one that
// changes neither what it is made of nor what it sets.
func labelPasses(it, other *Item) bool {
	switch cmd := other.In.Command.(type) {
	case *instructions.EnvCommand:
		return !slices.ContainsFunc(cmd.Env, func(kv instructions.KeyValuePair) bool { return it.scope.Mentions(it.In.Text, kv.Key) })
	case *instructions.LabelCommand, *instructions.OnbuildCommand:
		return false
	}
	return other.arg == "" || !it.scope.Mentions(it.In.Text, other.arg)
}

// sets reports whether an item is an ENV made of an ARG, of which something below
// speaks by name; see [stageReader.named].
func (r *stageReader) sets(i int) bool {
	it := r.items[i]
	env, ok := it.In.Command.(*instructions.EnvCommand)
	if !ok || !r.ofArgs(i) {
		return false
	}
	for _, kv := range env.Env {
		if !slices.ContainsFunc(r.items[i+1:], func(other *Item) bool {
			return other.facts != nil && (other.facts.Mentions(kv.Key) || other.varies[kv.Key]) || it.scope.Mentions(other.In.Text, kv.Key)
		}) {
			return false
		}
	}
	return true
}

// envPasses reports whether an ENV may come after another instruction: one that
// reads none of its variables. The image has its variables in their order, so
// none passes another ENV.
func (r *stageReader) envPasses(it, other *Item) bool {
	env, ok := it.In.Command.(*instructions.EnvCommand)
	if !ok {
		return false
	}
	switch other.In.Command.(type) {
	case *instructions.EnvCommand, *instructions.OnbuildCommand:
		return false
	}
	if other.arg != "" && it.scope.Mentions(it.In.Text, other.arg) {
		return false
	}
	for _, kv := range env.Env {
		one := *it
		one.arg = kv.Key
		if kv.Key == other.arg || !r.argPasses(&one, other) {
			return false
		}
	}
	return true
}
