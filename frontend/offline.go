package frontend

import (
	"context"
	"io/fs"
	"strings"
	"time"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	pgllb "github.com/pgstrata/pgstrata/llb"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/spec"
)

// Offline is a build as far as it can be known without a daemon: all but what
// the base image's reference stands for.
type Offline struct {
	// Name and Data are the build file.
	Name string
	Data []byte
	// Lock is the lock file, nil where there is none.
	Lock *lock.File
	// Options are the frontend's, as a client sends them.
	Options map[string]string
	// Now is the time that max_age counts by, unless SOURCE_DATE_EPOCH is set.
	Now time.Time
	// Context returns the build context, limited to what the build file needs.
	Context func(globs, paths []string) (fs.FS, error)
	// Exclude are .dockerignore's patterns, which Context has applied.
	Exclude []string
	// Last returns the record of the last build for a platform, nil without
	// one. A Dockerfile's base images are taken to be what they were in it. May
	// be nil.
	Last func(platform string) *plan.Record
	// Whole takes a Dockerfile as BuildKit's own frontend does: nothing in it is
	// taken apart.
	Whole bool
}

// Resolve resolves the build for each platform. Its error may be [spec.Errors].
func (o Offline) Resolve() ([]Resolved, error) {
	kind, err := dockerfile.Detect(o.Name, o.Data)
	if err != nil {
		return nil, err
	}
	if kind == dockerfile.Dockerfile {
		return o.resolveDockerfile(context.Background())
	}
	own := platforms.Normalize(platforms.DefaultSpec())
	targets := []ocispecs.Platform{own}
	if list := o.Options["platform"]; list != "" {
		targets = nil
		for s := range strings.SplitSeq(list, ",") {
			p, err := platforms.Parse(s)
			if err != nil {
				return nil, errors.Wrap(err, "platform "+s)
			}
			targets = append(targets, platforms.Normalize(p))
		}
	}
	var out []Resolved
	for _, p := range targets {
		b, err := o.resolve(own, p)
		if err != nil {
			return nil, err
		}
		out = append(out, *b)
	}
	return out, nil
}

func (o Offline) resolve(own, target ocispecs.Platform) (*Resolved, error) {
	args, labels := prefixed(o.Options, "build-arg:"), prefixed(o.Options, "label:")
	opt := spec.Options{BuildArgs: args, Predefined: predefined(own, target, o.Options["target"], args)}
	f, err := spec.Load(o.Name, o.Data, opt)
	if err != nil {
		return nil, err
	}
	context, err := o.Context(f.ContextPatterns())
	if err != nil {
		return nil, err
	}
	if err := f.Discover(context); err != nil {
		return nil, err
	}
	locked := lockFile{file: o.Lock}
	now, epoch := o.Now, ""
	if v := args[epochArg]; v != "" && v != "context" {
		if now, err = parseEpoch(v); err != nil {
			return nil, err
		}
		epoch = v
	}
	g, err := graph.New(f, context, graph.Options{Platform: platforms.Format(target), Predefined: opt.Predefined, Now: now, Pins: locked.pins(platforms.Format(target))})
	if err != nil {
		return nil, err
	}
	return &Resolved{Graph: g, Undeclared: f.Undeclared(opt), Context: context, Options: plan.Options{
		Target:   o.Options["target"],
		Steps:    pgllb.Steps(),
		Settings: PlanSettings(o.Options),
		Labels:   labels,

		CacheNamespace: args["BUILDKIT_CACHE_MOUNT_NS"],
		Epoch:          epoch,
	}}, nil
}

// prefixed returns the options whose names have the prefix, without it.
func prefixed(options map[string]string, prefix string) map[string]string {
	out := map[string]string{}
	for name, value := range options {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = value
		}
	}
	return out
}
