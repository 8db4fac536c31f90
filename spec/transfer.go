package spec

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// ContextPatterns returns what of the build context the file can need: nothing
// else is ever transferred. Paths are files and whole directories, symbolic
// links among them to be followed; globs, for patterns that no directory
// bounds, are in .dockerignore's notation.
func (f *File) ContextPatterns() (globs, paths []string) {
	t := &transfer{}
	for _, list := range [][]Text{f.CacheBoundary.StableFiles, f.CacheBoundary.VolatileFiles, f.Entrypoint.RuntimeScripts, f.Entrypoint.UtilityScripts} {
		t.patterns(list...)
	}
	for _, s := range slices.Concat(f.Setup.Scripts, f.Setup.FinalCleanup) {
		t.patterns(s.Path)
		t.patterns(s.Inputs...)
	}
	for _, r := range f.Setup.Repositories {
		t.optional(r.SignedBy.Path)
	}
	for _, s := range f.Setup.Sources {
		t.patterns(s.Local()...)
	}
	for _, r := range f.CacheBoundary.Rules {
		for _, w := range r.WhenChanged {
			if glob, ok := strings.CutPrefix(w.Value, "file:"); ok {
				t.patterns(Text{Value: glob})
			}
		}
	}
	e := f.Entrypoint
	for _, defaults := range []struct {
		missing bool
		glob    string
	}{
		{f.Setup.Scripts == nil, scriptGlob},
		{f.Setup.FinalCleanup == nil, cleanupGlob},
		{e.RuntimeScripts == nil || e.UtilityScripts == nil || e.Script == nil, entrypointGlob},
		{e.ConfigurationFiles == nil, configGlob},
	} {
		if defaults.missing {
			t.patterns(Text{Value: defaults.glob})
		}
	}
	switch {
	case e.Script == nil:
		t.path("entrypoint.sh")
	case e.Script.Value != "":
		t.path(e.Script.Value)
	}
	for _, c := range e.ConfigurationFiles {
		t.path(c.Source.Value)
	}
	for _, test := range f.Tests {
		t.path(test.Run.Value)
	}
	slices.Sort(t.globs)
	slices.Sort(t.paths)
	return slices.Compact(t.globs), slices.Compact(t.paths)
}

// transfer collects what is asked of the client, whose notation is that of
// .dockerignore, for paths too. What that cannot express is bounded by the
// directory above, or by nothing.
type transfer struct{ globs, paths []string }

func (t *transfer) patterns(list ...Text) {
	for _, p := range list {
		if !isGlob(p.Value) {
			t.path(p.Value)
			continue
		}
		base, glob := doublestar.SplitPattern(p.Value)
		switch {
		case base != ".":
			t.path(base)
		case isCommonGlob(glob):
			t.globs = append(t.globs, glob)
		default:
			t.globs = append(t.globs, "**")
		}
	}
}

// optional is a path that may be left out.
func (t *transfer) optional(p Text) {
	if p.Value != "" {
		t.path(p.Value)
	}
}

func (t *transfer) path(p string) {
	if i := strings.IndexAny(p, `*?[]\`); i >= 0 {
		p = p[:max(0, strings.LastIndexByte(p[:i], '/'))]
	}
	for p != "" && strings.TrimSpace(p) != p {
		p = p[:max(0, strings.LastIndexByte(p, '/'))]
	}
	if p == "" || p == "." || p[0] == '!' {
		t.globs = append(t.globs, "**")
		return
	}
	t.paths = append(t.paths, p)
}

// isCommonGlob tells whether a glob means the same in .dockerignore's notation:
// that has no braces, and other classes, escapes and stars.
func isCommonGlob(s string) bool {
	rest := strings.TrimPrefix(s, "**/")
	return s == "**" || !strings.Contains(rest, "**") &&
		allOf(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/*?")
}
