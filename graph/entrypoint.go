package graph

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/spec"
)

// entrypointTarget is where the image's entry point lands.
const entrypointTarget = "/entrypoint.sh"

// entrypoint sorts the entrypoint files into classes, stable to volatile, so
// that an edit pushes as little as it can.
func (b *builder) entrypoint() {
	e := b.file.Entrypoint
	classes := []Class{
		{Name: "configuration", Files: b.configuration(e.ConfigurationFiles)},
		{Name: "utilities", Files: b.installed(e.UtilityScripts)},
		{Name: "runtime", Files: b.installed(e.RuntimeScripts)},
	}
	if e.Script != nil {
		classes = append(classes, Class{Name: "entrypoint", Files: []File{
			{Source: e.Script.Value, Target: entrypointTarget, Mode: 0o755, At: e.Script.At},
		}})
	}
	for _, c := range classes {
		if len(c.Files) == 0 {
			continue
		}
		slices.SortFunc(c.Files, func(x, y File) int { return strings.Compare(x.Target, y.Target) })
		b.graph.Entrypoint = append(b.graph.Entrypoint, c)
	}
	b.checkEntrypoint()
}

// installed returns scripts at their paths below the install root.
func (b *builder) installed(list []spec.Text) []File {
	var out []File
	for _, t := range list {
		out = append(out, File{
			Source: t.Value,
			Target: path.Join(spec.InstallRoot, t.Value),
			Mode:   0o755,
			At:     t.At,
		})
	}
	return out
}

// configuration returns configuration files with their modes and owners.
func (b *builder) configuration(list []spec.ConfigFile) []File {
	var out []File
	for _, c := range list {
		f := File{Source: c.Source.Value, Target: c.Target.Value, Mode: 0o644, At: c.At}
		if c.Mode != nil {
			f.Mode = c.Mode.Bits
		}
		if u := b.file.User; u != nil {
			f.GID = u.GID // a file of mode 0640 is the server's to read, and nobody's to write
		}
		if c.Owner.Value != "" {
			f.UID, f.GID, _ = b.file.ParseOwner(c.Owner.Value) // spec has reported a bad one
		}
		out = append(out, f)
	}
	return out
}

// checkEntrypoint reports files on setup's side of the boundary, two files
// with one target, and an entry point that cannot start.
func (b *builder) checkEntrypoint() {
	targets := map[string]File{}
	for _, e := range b.graph.Filesystem {
		targets[e.Path] = File{Source: "an entry of setup.filesystem", Target: e.Path}
	}
	for _, c := range b.graph.Entrypoint {
		for _, f := range c.Files {
			if spec.Matches(b.file.CacheBoundary.StableFiles, f.Source) {
				b.Addf(f.At, "%s is copied as an entrypoint file, but the cache boundary calls it stable: setup may read it; move it to entrypoint.d/ or config/, or change cache_boundary", f.Source)
			}
			if other, ok := targets[f.Target]; ok {
				b.Addf(f.At, "%s and %s both become %s", other.Source, f.Source, f.Target)
			}
			targets[f.Target] = f
		}
	}
	if e := b.file.Entrypoint.Script; e != nil {
		b.checkStartable(*e)
	}
}

// checkStartable reports an entry point that the kernel would not start.
func (b *builder) checkStartable(t spec.Text) {
	program := b.load(t, t.At)
	if program != nil && program.Main.Shebang.Line == "" {
		b.Addf(t.At, "%s does not start with a line such as #!/bin/sh, so the kernel cannot start it", t.Value)
	}
}
