package frontend

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/spec"
)

// UpdateArg is the build argument that names, separated by commas, what a lock file
// does not keep when it is written anew: base images, sources and packages; `*` is
// all of them.
const UpdateArg = "PGSTRATA_UPDATE"

// answerLock answers with a lock file: of what is built today, where the one that
// is there says nothing, or is told to be updated.
func (r *request) answerLock(ctx context.Context) (*client.Result, error) {
	if err := r.readLock(ctx); err != nil {
		return nil, err
	}
	before := r.lock.file
	if before == nil {
		before = &lock.File{}
	}
	var update updates
	if arg := r.client.BuildArgs[UpdateArg]; arg != "" {
		update = strings.Split(arg, ",")
	}
	r.lock.anew, r.lock.strict, r.lock.file = true, false, before.Without(update.has)
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	if err := update.known(inputs, before); err != nil {
		return nil, err
	}
	if inputs, err = r.updatePackages(ctx, inputs, before, update); err != nil {
		return nil, err
	}
	file := &lock.File{Version: lock.Version, Bases: map[string]string{}, Sources: map[string]lock.Source{}, Platforms: map[string]lock.Platform{}}
	for _, in := range inputs {
		if err := r.pinSources(ctx, in, file); err != nil {
			return nil, err
		}
		t, err := r.compile(ctx, in)
		if err != nil {
			return nil, err
		}
		for name, digest := range t.digests(in.graph) {
			if digest == "" {
				return nil, errors.Errorf("base image %s has no digest that could be locked", name)
			}
			file.Bases[name] = digest
		}
		if file.Platforms[in.graph.Platform], err = r.installed(ctx, in, t); err != nil {
			return nil, err
		}
	}
	text, err := file.Marshal()
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return nil, err
	}
	return result(data, text), nil
}

// updates are the names of what is to be looked up anew.
type updates []string

func (u updates) has(name string) bool { return slices.Contains(u, "*") || slices.Contains(u, name) }

// known reports a name by which nothing can be locked.
func (u updates) known(inputs []input, before *lock.File) error {
	names := []string{"*"}
	for _, in := range inputs {
		names = append(names, bases(in.graph)...)
		for _, s := range in.graph.Sources {
			names = append(names, s.Name)
		}
		names = slices.AppendSeq(names, maps.Keys(before.Platforms[in.graph.Platform].Pins()))
	}
	for _, name := range u {
		if !slices.Contains(names, name) {
			return errors.Errorf("%s is to be updated, and is neither a base image, nor a source, nor a package that is locked", name)
		}
	}
	return nil
}

// updatePackages pins the packages that are to be updated to the newest versions
// that the archive has, and returns the inputs with these.
func (r *request) updatePackages(ctx context.Context, inputs []input, before *lock.File, update updates) ([]input, error) {
	moved := false
	for _, in := range inputs {
		var names []string
		for name := range before.Platforms[in.graph.Platform].Pins() {
			if update.has(name) {
				names = append(names, name)
			}
		}
		if len(names) == 0 {
			continue
		}
		newest, err := r.newest(ctx, in, names)
		if err != nil {
			return nil, err
		}
		r.lock.file.Platforms[in.graph.Platform].Move(newest)
		moved = true
	}
	if !moved {
		return inputs, nil
	}
	return r.read(ctx)
}

// newest asks the archive for the newest versions of packages.
func (r *request) newest(ctx context.Context, in input, names []string) (map[string]string, error) {
	opt, err := r.options(ctx, in)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	ref, err := r.evaluate(ctx, compile.Newest(in.graph, opt, names))
	if err != nil {
		return nil, err
	}
	data, err := ref.ReadFile(ctx, client.ReadRequest{Filename: compile.VersionsFile})
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok && version != "none" && version != "(none)" {
			out[name] = version
		}
	}
	return out, nil
}

// pinSources locks the sources of a build file: as they were locked before, but
// for those that are new, or to be updated.
func (r *request) pinSources(ctx context.Context, in input, file *lock.File) error {
	for _, s := range in.graph.Sources {
		if !movable(in.file, s) {
			continue
		}
		if old := r.lock.file.Sources[s.Name]; old.Pin != "" && old.From == s.Place() {
			file.Sources[s.Name] = old
			continue
		}
		pin, err := r.pin(ctx, in, s)
		if err != nil {
			return &spec.Error{File: in.graph.File, At: s.At, Msg: "source " + s.Name + ": " + err.Error()}
		}
		s.Pin, file.Sources[s.Name] = pin.Pin, pin
	}
	return nil
}
