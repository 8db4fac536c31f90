package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/moby/buildkit/client"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// tree makes a tree for one contender: the compiled example, without the extensions, and over it
// what testdata has for all trees and for this one.
func tree(tb testing.TB, which string) string {
	tb.Helper()
	dir := testenv.Example(tb, "postgresql-source")
	for _, name := range []string{
		"Dockerfile", ".dockerignore", "README.md", "test",
		"setup/scripts/extensions", "setup/lib/extension.sh",
	} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			tb.Fatal(err)
		}
	}
	for _, from := range []string{"common", which} {
		if err := overlay(dir, filepath.Join("testdata", from)); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// overlay copies a folder over another.
func overlay(dir, from string) error {
	return filepath.Walk(from, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, relative)
		if info.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.Remove(target); err != nil && !os.IsNotExist(err) {
			return err
		}
		return os.WriteFile(target, data, info.Mode().Perm())
	})
}

// unannotate takes the outputs out of a build file.
func unannotate(dir string) error {
	file := filepath.Join(dir, "Dockerfile")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(strings.TrimSpace(line), "outputs:") {
			out.WriteString(line)
		}
	}
	return os.WriteFile(file, []byte(out.String()), 0o644) //nolint:gosec // as a checkout has it
}

// observe makes a graph of the chain, and leaves nothing of that in the daemon.
func (r *racer) observe(tb testing.TB) error {
	tb.Helper()
	out := r.env.Run(tb, testenv.Program(tb, "pgstrata"), "observe", "--write", "--progress=plain", r.dir)
	if out.Code != 0 {
		return fmt.Errorf("pgstrata observe: %s", out.Stderr)
	}
	tb.Log(out.Stdout)
	return r.env.Daemon.Client.Prune(tb.Context(), nil, client.PruneAll)
}

const (
	base   = "library/debian:bookworm-slim"
	pinned = "library/debian:bookworm-pinned" // what is compiled on; it never moves
)

// pinBase pushes the base image once more, under the name that does not follow its updates.
func pinBase(tb testing.TB, env *testenv.Env) v1.Image {
	tb.Helper()
	img, err := env.Registry.Get(base)
	if err != nil {
		tb.Fatal(err)
	}
	if err := env.Registry.Push(pinned, img); err != nil {
		tb.Fatal(err)
	}
	return img
}

// rebase replaces the base image by one that has a file more, as an update would.
func (r *racer) rebase(n int) error {
	layer, err := testenv.FileLayer("etc/security-update", []byte{'0' + byte(n), '\n'}, 0o644)
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(r.base, layer)
	if err != nil {
		return err
	}
	return r.env.Registry.Push(base, img)
}

// pushFrontend pushes a main package as a frontend image.
func pushFrontend(tb testing.TB, env *testenv.Env, name, pkg string) {
	tb.Helper()
	img, err := testenv.FrontendImage(testenv.Binary(tb, pkg))
	if err != nil {
		tb.Fatal(err)
	}
	if err := env.Registry.Push(name, img); err != nil {
		tb.Fatal(err)
	}
}
