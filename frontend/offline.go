package frontend

import (
	"context"
	"io/fs"
	"maps"
	"time"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/plan"
)

// Offline is a build as far as it can be known without a daemon: all but what
// the base image's reference stands for.
type Offline struct {
	// Name and Data are the build file.
	Name string
	Data []byte
	// Lock is the lock file, nil where there is none.
	Lock *lock.File
	// Observed is the record of a Dockerfile's steps, nil where there is none.
	Observed []byte
	// Options are the frontend's, as a client sends them.
	Options map[string]string
	// Now is the time that max_age counts by, unless SOURCE_DATE_EPOCH is set.
	Now time.Time
	// Context returns the build context, limited to what the build file needs.
	Context func(globs, paths []string) (fs.FS, error)
	// Exclude are .dockerignore's patterns, which Context has applied.
	Exclude []string
	// Last returns the record of the last build for a platform, nil without one.
	// Base images are taken to be what they were in it, and the daemon to be the
	// one that it was made on. May be nil.
	Last func(platform string) *plan.Record
	// Whole takes a Dockerfile as BuildKit's own frontend does: nothing in it is
	// taken apart.
	Whole bool
	// Lenient leaves out of a build file's lists what the context does not have: it
	// is older than the build file.
	Lenient bool
}

// Resolve compiles the build for each platform, by the code that compiles it for a
// daemon. Its error may be [spec.Errors].
func (o Offline) Resolve() (_ []Resolved, err error) {
	defer recovered(&err)
	ctx := context.Background()
	c := &offlineClient{of: &o, options: maps.Clone(o.Options)}
	if c.options == nil {
		c.options = map[string]string{}
	}
	c.options["filename"] = o.Name
	r, err := newRequest(ctx, c)
	if err != nil {
		return nil, err
	}
	r.offline, r.lenient, r.now, r.lock = true, o.Lenient, o.Now, lockFile{file: o.Lock, anew: true}
	var list []Resolved
	if r.kind == dockerfile.Dockerfile {
		list, err = o.resolveDockerfile(ctx, r)
	} else {
		var inputs []input
		if inputs, err = r.read(ctx); err == nil {
			list, err = r.builds(ctx, inputs)
		}
	}
	for i := range list {
		if c.context != nil { // not by way of what a daemon could tell of it
			list[i].Context = c.context
		}
	}
	return list, err
}

// resolveDockerfile is Resolve for a Dockerfile.
func (o Offline) resolveDockerfile(ctx context.Context, r *request) ([]Resolved, error) {
	f, err := dockerfile.Parse(o.Name, o.Data)
	if err != nil {
		return nil, r.located(err)
	}
	d := &dockerfileBuild{request: r, file: f}
	if err := d.read(ctx, o.Whole || r.splitOff()); err != nil {
		return nil, err
	}
	return d.resolve(ctx)
}
