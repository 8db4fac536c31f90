package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/spf13/pflag"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/graph"
)

// cacheMounts are the flags that say where the content of cache mounts comes
// from and where it is kept.
type cacheMounts struct{ from, to string }

func (m *cacheMounts) addFlags(f *pflag.FlagSet) {
	f.StringVar(&m.from, "cache-mounts-from", "", "fill empty cache mounts from this image, or from a folder (a path that begins with . or /)")
	f.StringVar(&m.to, "cache-mounts-to", "", "after the build, keep what cache mounts hold in this image, or in a folder")
}

func isFolder(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") }

// apply makes the flag the named context that it stands for.
func (m *cacheMounts) apply(o *options) {
	switch {
	case m.from == "":
	case isFolder(m.from):
		o.buildContexts = append(o.buildContexts, frontend.CachesContext+"="+m.from)
	default:
		o.buildContexts = append(o.buildContexts, frontend.CachesContext+"=docker-image://"+m.from)
	}
}

// save solves target caches, after a build in dir.
func (m *cacheMounts) save(ctx context.Context, o options, dir string) error {
	if m.to == "" {
		return nil
	}
	o.target, o.cacheTo = graph.CachesTarget, nil
	opt, err := o.solveOpt(dir)
	if err != nil {
		return err
	}
	export := client.ExportEntry{Type: client.ExporterImage, Attrs: map[string]string{"name": m.to, "push": "true"}}
	if isFolder(m.to) {
		// One folder for all platforms: the mounts' names tell them apart.
		export = client.ExportEntry{Type: client.ExporterLocal, OutputDir: m.to, Attrs: map[string]string{"platform-split": "false"}}
	}
	opt.Exports = []client.ExportEntry{export}
	if _, err := o.run(ctx, opt, frontend.Build, func(*client.SolveStatus) {}); err != nil {
		return fmt.Errorf("the image is built, but its cache mounts could not be kept: %w", err)
	}
	return nil
}
