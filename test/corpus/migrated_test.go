package corpus

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
	"github.com/pgstrata/pgstrata/worktree"
)

// What pgstrata migrate makes of a Dockerfile builds the same image, but for
// the differences that its report lists.
func TestMigrated(t *testing.T) {
	p := newProver(testenv.Shared(t))
	for _, s := range specimens(t, "testdata") {
		t.Run(s.name, func(t *testing.T) {
			if why := notMigrated()[s.name]; why != "" {
				t.Log(why)
				return
			}
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, s.write(dir))
			r, err := migrated(s, dir)
			if err != nil {
				assert.ErrorContains(t, err, "scratch")
				return
			}
			if lost := r.Report.Lost(); len(lost) > 0 {
				t.Logf("lost: %v", lost)
				return
			}
			mismatches, traces := p.migrated(t.Context(), t, s, dir, r)
			if len(mismatches) > 0 {
				t.Errorf("%s\n%s\n%s\n%s", s.about, strings.Join(mismatches, "\n"), r.BuildFile, traces)
			}
		})
	}
}

// notMigrated are the specimens that say nothing of a migration, and why.
func notMigrated() map[string]string {
	return map[string]string{
		"copied-through-link":        "an entrypoint file is not copied through a link that setup makes",
		"copy-everything-first":      "a script writes down where it is",
		"driver-chmod-in-loop":       "scripts write down where they are",
		"driver-prelude":             "a script writes down where it is",
		"environment-whole":          "setup scripts have DEBIAN_FRONTEND, and their shells count levels",
		"fails-unknown-stage":        "there is no such stage",
		"links":                      "hard links of the context become files of their own",
		"loop-if-executable":         "scripts write down where they are",
		"loop-inline":                "scripts write down where they are",
		"onbuild-image":              "a build file does not run the ONBUILD triggers of its base",
		"own-name":                   "scripts write down where they are",
		"ownership-seen":             "scripts write down owners and modes of files that they see below /context",
		"startup-files":              "files that shells read unasked are not found below /context",
		"folder-renamed-later":       "a step cannot rename by the system call a folder that an earlier step has made",
		"libraries-by-variable":      "programs read variables unasked that no script mentions",
		"lists-its-folder":           "a script lists the folder that it is in, and sees its inputs",
		"platform-args":              "the target is called image",
		"reads-by-installed-program": "a program that setup has made reads a copied file that no script names",
		"variables-read-implicitly":  "programs read variables unasked that no script mentions",
		"fails-dockerfile":           "the Dockerfile has a mistake",
		"glob-meets-base":            "a build file runs none of the base's scripts",
		"glob-meets-step":            "a build file runs no scripts that a step has made",
		"whole-stage-kinds":          "a script lists the root folder, where /context is",
		"looks-through-the-root":     "a program lists the root folder, where /context is",
		"removes-its-directory":      "a command lists the root folder, where /context is",
	}
}

// migrated is what a specimen's Dockerfile becomes.
func migrated(s *specimen, dir string) (*migrate.Result, error) {
	name := s.options["filename"]
	if name == "" {
		name = "Dockerfile"
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	f, err := dockerfile.Parse(name, data)
	if err != nil {
		return nil, err
	}
	source, err := worktree.Dir(dir)
	if err != nil {
		return nil, err
	}
	exclude, err := worktree.Ignored(source, source, name)
	if err != nil {
		return nil, err
	}
	files, err := worktree.New(source, worktree.Filter{Exclude: exclude})
	if err != nil {
		return nil, err
	}
	args := map[string]string{}
	for option, value := range s.options {
		if arg, ok := strings.CutPrefix(option, "build-arg:"); ok {
			args[arg] = value
		}
	}
	return migrate.Migrate(f, migrate.Options{
		Name: "pgstrata.yaml", Syntax: "localhost:5000/pgstrata:dev",
		Dockerfile: dockerfile.Options{
			Args: args, Target: s.options["target"], Context: files, Base: bases.Known, Platform: "linux/amd64",
			Predefined: map[string]string{
				"TARGETPLATFORM": "linux/amd64", "TARGETOS": "linux", "TARGETARCH": "amd64", "TARGETVARIANT": "", "TARGETSTAGE": "",
				"BUILDPLATFORM": "linux/amd64", "BUILDOS": "linux", "BUILDARCH": "amd64", "BUILDVARIANT": "",
			},
		},
	})
}

// migrated builds a specimen's Dockerfile by dockerfile.v0, and what it became
// by pgstrata. It returns what differs and is not meant to.
func (p *prover) migrated(ctx context.Context, t *testing.T, s *specimen, dir string, r *migrate.Result) (mismatches []string, traces string) {
	t.Helper()
	for _, image := range s.images {
		require.NoError(t, p.prebuild(ctx, dir, image))
	}
	want, err := p.build(ctx, s, dir, "dockerfile.v0")
	require.NoError(t, err)
	if want.err != nil {
		return nil, ""
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pgstrata.yaml"), r.BuildFile, 0o600))
	for _, f := range r.Files {
		name := filepath.Join(dir, f.Path)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755)) //nolint:gosec // a build context
		require.NoError(t, os.WriteFile(name, f.Data, f.Mode))
	}
	if data, err := os.ReadFile(filepath.Join(dir, s.options["filename"]+".dockerignore")); err == nil {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pgstrata.yaml.dockerignore"), data, 0o600))
	}
	other := *s
	other.options = maps.Clone(s.options)
	delete(other.options, "target")
	other.options["filename"] = "pgstrata.yaml"
	got, err := p.build(ctx, &other, dir, "")
	require.NoError(t, err)
	traces = "pgstrata:\n" + got.trace.String()
	if got.err != nil {
		return []string{got.err.Error()}, traces
	}
	for _, o := range []*outcome{want, got} {
		leaveOut(o.image.config, r.Report.Differences)
	}
	for _, m := range compare(want.image, got.image) {
		if !listed(m.where, r.Report.Differences) {
			mismatches = append(mismatches, fmt.Sprintf("%s: %s", m.where, m.what))
		}
	}
	return mismatches, traces
}

// listed reports whether a file is one that is meant to differ.
func listed(name string, differences []report.Difference) bool {
	return slices.ContainsFunc(differences, func(d report.Difference) bool {
		return slices.ContainsFunc(d.Paths, func(dir string) bool {
			return name == strings.TrimSuffix(dir, "/") || strings.HasSuffix(dir, "/") && strings.HasPrefix(name, dir)
		})
	})
}

// leaveOut takes out of a configuration what is meant to differ, and the order
// of its variables.
func leaveOut(c *v1.ConfigFile, differences []report.Difference) {
	slices.Sort(c.Config.Env)
	for _, d := range differences {
		for _, name := range d.Config {
			for _, fields := range []any{&c.Config, c} {
				if v := reflect.ValueOf(fields).Elem().FieldByName(name); v.IsValid() {
					v.SetZero()
				}
			}
		}
	}
}
