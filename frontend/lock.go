package frontend

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/spec"
)

// LockRequest is the id of the subrequest that answers with a lock file:
// `docker buildx build --call pgstrata.lock`.
const LockRequest = "frontend.pgstrata.lock"

// LockedArg is the build argument that refuses every drift from the lock file.
const LockedArg = "PGSTRATA_LOCKED"

// lockFile is a build file's lock file, as a build reads it.
type lockFile struct {
	name string
	// file is nil where there is none.
	file *lock.File
	// strict tells that drift is an error.
	strict bool
	// anew tells that the file is not to be read, since it is to be written.
	anew bool
}

// besides are the files that are sent with the build file.
func besides(opts map[string]string) llb.LocalOption {
	name := cmp.Or(opts["filename"], dockerui.DefaultDockerfileName)
	lower := path.Join(path.Dir(name), strings.ToLower(path.Base(name)))
	return llb.FollowPaths([]string{name, lower, name + ".dockerignore", name + lock.Suffix, name + narrow.Suffix})
}

// readLock reads the lock file beside the build file.
func (r *request) readLock(ctx context.Context) error {
	if r.lock.anew {
		return nil
	}
	r.lock.name = r.source.Filename + lock.Suffix
	if v := r.client.BuildArgs[LockedArg]; v != "" {
		strict, err := strconv.ParseBool(v)
		if err != nil {
			return errors.Errorf("build argument %s is 1 or 0, not %q", LockedArg, v)
		}
		r.lock.strict = strict
	}
	data, ok, err := r.readBeside(ctx, r.lock.name, lock.MaxSize)
	if err != nil {
		return err
	}
	if !ok {
		if r.lock.strict {
			return errors.Errorf("%s is set, and there is no %s; run `pgstrata lock`, and commit what it writes", LockedArg, r.lock.name)
		}
		return nil // there is none, as usual
	}
	r.lock.file, err = lock.Parse(data)
	return errors.Wrap(err, r.lock.name)
}

// readBeside reads a file beside the build file; ok is false where there is none.
func (r *request) readBeside(ctx context.Context, name string, most int64) (data []byte, ok bool, err error) {
	res, err := r.gateway.Solve(ctx, client.SolveRequest{Definition: r.source.Definition.ToPB()})
	if err != nil {
		return nil, false, err
	}
	ref, err := res.SingleRef()
	if err != nil {
		return nil, false, err
	}
	stat, err := ref.StatFile(ctx, client.StatRequest{Path: name})
	if err != nil || stat == nil {
		return nil, false, nil //nolint:nilerr // the daemon has no other way to say so
	}
	if stat.Size > most {
		return nil, false, errors.Errorf("%s has %d bytes; such a file has at most %d", name, stat.Size, most)
	}
	data, err = ref.ReadFile(ctx, client.ReadRequest{Filename: name})
	return data, err == nil, err
}

// pins are the package versions that are locked for a platform.
func (l *lockFile) pins(platform string) map[string]string {
	if l.file == nil {
		return nil
	}
	return l.file.Platforms[platform].Pins()
}

// basePins are those on bases that scripts have for themselves.
func (l *lockFile) basePins(platform string) map[string]map[string]string {
	if l.file == nil {
		return nil
	}
	return l.file.Platforms[platform].Bases
}

// sources are what sources are locked at.
func (l *lockFile) sources() map[string]graph.LockedSource {
	if l.file == nil {
		return nil
	}
	out := map[string]graph.LockedSource{}
	for name, s := range l.file.Sources {
		out[name] = graph.LockedSource(s)
	}
	return out
}

// base is the digest that a base image is locked at, or "".
func (l *lockFile) base(name string) string {
	if l.file == nil {
		return ""
	}
	return l.file.Bases[name]
}

// outdated tells how a build file is not the one that was locked, a line for
// each difference.
func (l *lockFile) outdated(f *spec.File, g *graph.Graph) []string {
	if l.file == nil {
		return nil
	}
	out := l.outdatedSources(f, g)
	for _, name := range bases(g) {
		if l.file.Bases[name] == "" {
			out = append(out, "base image "+name+" is not locked")
		}
	}
	p, ok := l.file.Platforms[g.Platform]
	if !ok {
		return append(out, "platform "+g.Platform+" is not locked")
	}
	want := requested(g)
	for _, name := range want {
		if !slices.Contains(p.Requested, name) {
			out = append(out, "package "+name+" is asked for, and not locked")
		}
	}
	for _, name := range p.Requested {
		if !slices.Contains(want, name) {
			out = append(out, "package "+name+" is locked, and no longer asked for")
		}
	}
	return out
}

// outdatedSources tells which sources are not what was locked.
func (l *lockFile) outdatedSources(f *spec.File, g *graph.Graph) []string {
	var out []string
	for _, s := range g.Sources {
		locked, ok := l.file.Sources[s.Name]
		switch {
		case !movable(f, s):
		case !ok:
			out = append(out, "source "+s.Name+" is not locked")
		case locked.From != s.Place():
			out = append(out, fmt.Sprintf("source %s is locked as %s, and is now %s", s.Name, locked.From, s.Place()))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.file.Sources)) {
		if g.Source(name) == nil {
			out = append(out, "source "+name+" is locked, and no longer declared")
		}
	}
	return out
}

// checkLock compares the build files with the lock file: a difference is a
// warning, or an error where drift is refused.
func (r *request) checkLock(ctx context.Context, inputs []input) error {
	for _, in := range inputs {
		drift := r.lock.outdated(in.file, in.graph)
		if len(drift) == 0 {
			continue
		}
		err := r.lock.refuse(drift)
		if r.lock.strict {
			return err
		}
		r.source.Warn(ctx, err.Error(), client.WarnOpts{Detail: [][]byte{
			[]byte("What is locked is built as it was locked, and the rest as it is today."),
		}})
	}
	return nil
}

// refuse makes an error of drift.
func (l *lockFile) refuse(drift []string) error {
	return errors.Errorf("%s is out of date: %s; write it anew with `pgstrata lock`", l.name, strings.Join(drift, "; "))
}

// verifyLock compares, where drift is refused, what a target's setup installed
// with what is locked.
func (r *request) verifyLock(ctx context.Context, in input, t *target) error {
	runs := r.client.Target == "" || slices.Contains([]string{graph.ImageState, graph.SetupState, graph.TestState}, r.client.Target)
	if !r.lock.strict || !runs {
		return nil
	}
	for name, digest := range t.digests(in.graph) {
		if locked := r.lock.base(name); locked != digest {
			return r.lock.refuse([]string{fmt.Sprintf("base image %s is locked at %s, and %s was used", name, locked, digest)})
		}
	}
	have, err := r.installed(ctx, in, t)
	if err != nil {
		return err
	}
	want := r.lock.file.Platforms[in.graph.Platform]
	drift := append(lock.Drift(want.Image, have.Image), lock.Drift(want.Build, have.Build)...)
	for _, base := range bases(in.graph) {
		drift = append(drift, lock.Drift(want.Bases[base], have.Bases[base])...)
	}
	if len(drift) > 0 {
		return r.lock.refuse(drift)
	}
	return nil
}

// installed reads, from package databases, what a build has installed.
func (r *request) installed(ctx context.Context, in input, t *target) (lock.Platform, error) {
	var out lock.Platform
	base, err := r.packagesOf(ctx, t.states.Base.State)
	if err != nil {
		return out, err
	}
	setup, err := r.packagesOf(ctx, t.states.Setup.State)
	if err != nil {
		return out, err
	}
	out.Requested = requested(in.graph)
	out.Image = lock.Added(setup, base)
	out.Build = map[string]string{}
	for _, tools := range slices.Backward(t.states.Toolchains) { // what the chain has counts
		below, err := r.packagesOf(ctx, tools.Base.State)
		if err != nil {
			return out, err
		}
		have, err := r.packagesOf(ctx, tools.Root.State)
		if err != nil {
			return out, err
		}
		if tools.Own != "" {
			if out.Bases == nil {
				out.Bases = map[string]map[string]string{}
			}
			if out.Bases[tools.Own] == nil {
				out.Bases[tools.Own] = map[string]string{}
			}
			maps.Copy(out.Bases[tools.Own], lock.Added(have, below))
			continue
		}
		maps.Copy(out.Build, lock.Added(lock.Added(have, below), out.Image))
	}
	return out, nil
}

// packagesOf are a root's packages; none where it has no package database.
func (r *request) packagesOf(ctx context.Context, st llb.State) (map[string]string, error) {
	ref, err := r.evaluate(ctx, st)
	if err != nil || ref == nil {
		return nil, err
	}
	stat, err := ref.StatFile(ctx, client.StatRequest{Path: lock.StatusFile})
	if err != nil || stat == nil {
		return nil, nil //nolint:nilerr // an image without dpkg
	}
	data, err := ref.ReadFile(ctx, client.ReadRequest{Filename: lock.StatusFile})
	return lock.Installed(data), err
}

// digests are what a target's base images were resolved to, by their names.
func (t *target) digests(g *graph.Graph) map[string]string {
	out := map[string]string{g.Base.Name: t.options.Base.Digest.String()}
	if b := t.options.ToolchainBase; b != nil {
		out[g.Toolchain.Base.Name] = b.Digest.String()
	}
	for name, b := range t.options.ScriptBases {
		out[name] = b.Digest.String()
	}
	return out
}

func bases(g *graph.Graph) []string {
	out := []string{g.Base.Name}
	if name := g.Toolchain.Base.Name; name != "" {
		out = append(out, name)
	}
	for _, s := range g.Scripts {
		if name := s.Base.Name; name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// requested are the packages that a build file names, sorted, each once.
func requested(g *graph.Graph) []string {
	out := []string{}
	for _, p := range slices.Concat(g.RuntimePackages(), g.BuildPackages()) {
		out = append(out, p.Spec)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
