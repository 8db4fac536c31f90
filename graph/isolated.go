package graph

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
)

// isolate resolves what only an isolated script has: outputs, build packages, and a
// base. It returns the caches of the base that the script runs on.
func (b *builder) isolate(s spec.Script, out *Script) cacheSet {
	for _, o := range s.Outputs {
		out.Outputs = append(out.Outputs, b.output(o))
	}
	out.Base = Ref{Name: s.Base.Value, At: s.Base.At}
	switch {
	case s.Build != nil:
		out.Build = packages(s.Build)
	case out.Isolated() && s.Base.Value == "":
		out.Build = b.graph.Toolchain.Build
	}
	if s.Base.Value == "" {
		return b.caches
	}
	return newCacheSet(b.file.Setup.CachePrefix.Value, b.graph.Platform, release(s.Base.Value))
}

// output resolves where an output comes from and goes to.
func (b *builder) output(o spec.Output) Output {
	if o.Auto {
		if b.file.Setup.DebugSymbols.Value == "apart" {
			b.Addf(o.At, "debug_symbols: apart takes symbols out of outputs that are listed; list them here, in the place of auto")
		}
		return Output{Auto: true, At: o.At}
	}
	out := Output{Path: o.From.Value, At: o.At}
	for _, dir := range b.file.Setup.BuildArtifacts {
		if paths.Within(o.From.Value, dir.Value) {
			b.Addf(o.From.At, "output %s lies in the scratch directory %s, which is in memory and gone when the script ends; install it elsewhere", o.From, dir)
		}
	}
	if o.Owner.Value != "" {
		uid, gid, _ := b.file.ParseOwner(o.Owner.Value) // spec has reported a bad one
		out.Owner = fmt.Sprintf("%d:%d", uid, gid)
	}
	if o.Mode != nil {
		out.Mode = fmt.Sprintf("%04o", o.Mode.Bits)
	}
	if o.To.Value+out.Owner+out.Mode == "" {
		return out
	}
	out.From = o.From.Value
	glob := strings.IndexAny(out.From, `*?[\`)
	switch {
	case glob >= 0:
		fixed := path.Dir(out.From[:glob] + "x")
		out.To = cmp.Or(o.To.Value, fixed)
		out.Path = path.Join(out.To, strings.TrimPrefix(out.From, strings.TrimSuffix(fixed, "/")))
	case o.Into:
		out.Path = path.Join(o.To.Value, path.Base(out.From))
	default:
		out.Path = cmp.Or(o.To.Value, out.From)
	}
	if glob < 0 {
		out.To = out.Path
	}
	return out
}
