package graph

import (
	"slices"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/spec"
)

// rules applies the cache invalidation rules to the nodes that they name.
func (b *builder) rules() {
	all := slices.Concat(b.graph.Scripts, b.graph.Cleanup)
	for _, r := range b.file.CacheBoundary.Rules {
		switch name := r.Layer.Value; name {
		case ToolchainState:
			b.refresh(&b.graph.Toolchain.Refresh, r)
			b.refuseInputs(r)
		case SetupState:
			b.refresh(&b.graph.Toolchain.Refresh, r)
			for i, s := range all {
				b.refresh(&s.Refresh, r)
				if i == 0 || s.Isolated() || s.After == "" { // the others follow
					b.watch(s, r)
				}
			}
		default:
			i := slices.IndexFunc(all, func(s *Script) bool { return s.Name == strings.TrimPrefix(name, SetupState+"/") })
			if i < 0 {
				known := []string{SetupState, ToolchainState}
				for _, s := range all {
					known = append(known, s.Node())
				}
				b.Addf(r.Layer.At, "layer %q is neither setup, toolchain nor setup/<script>%s", name, spec.Meant(name, known))
				continue
			}
			b.refresh(&all[i].Refresh, r)
			b.watch(all[i], r)
		}
	}
}

// refresh adds what a rule makes count.
func (b *builder) refresh(to *Refresh, r spec.Rule) {
	if age := r.MaxAge.Duration; age > 0 {
		// The later of two rules' periods: each is kept.
		to.Period = max(to.Period, b.now.UTC().Truncate(age).Format(time.RFC3339))
	}
	for _, t := range r.WhenChanged {
		if t.Value == "base" {
			to.Base = true
		}
		if name, ok := strings.CutPrefix(t.Value, "package:"); ok {
			to.Packages = append(to.Packages, name)
			to.Day = b.now.UTC().Format(time.DateOnly)
		}
	}
	slices.Sort(to.Packages)
	to.Packages = slices.Compact(to.Packages)
}

// watch gives a script the args and files that a rule makes count: as a part
// of what it reads they are a part of its cache key.
func (b *builder) watch(s *Script, r spec.Rule) {
	for _, t := range r.WhenChanged {
		kind, name, _ := strings.Cut(t.Value, ":")
		switch kind {
		case "arg":
			if !slices.ContainsFunc(s.Env, func(v Var) bool { return v.Name == name }) {
				s.Env = append(s.Env, Var{name, b.readable[name]})
			}
		case "file":
			files, err := spec.Files(b.context, name)
			if err != nil {
				b.Addf(t.At, "%s: %v", name, err)
			}
			for _, f := range files {
				if !slices.ContainsFunc(s.Inputs, func(in Input) bool { return in.Path == f }) {
					s.Inputs = append(s.Inputs, b.input(f, "watched"))
				}
			}
		}
	}
	slices.SortFunc(s.Env, func(x, y Var) int { return strings.Compare(x.Name, y.Name) })
}

// refuseInputs reports what packages, which read no files and no args, cannot
// follow.
func (b *builder) refuseInputs(r spec.Rule) {
	for _, t := range r.WhenChanged {
		if kind, _, _ := strings.Cut(t.Value, ":"); kind == "arg" || kind == "file" {
			b.Addf(t.At, "the toolchain reads no args and files; name the layer setup, or a script")
		}
	}
}
