package testenv

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// User is somebody who has Docker and nothing else, and the builder that `docker buildx create --use` makes: a buildkitd in a container.
type User struct {
	docker *Docker
}

// NewUser makes a user with a builder. The builder's image is made here, of the buildkitd that the tests use, and what
// BuildKit needs beside it; it knows the registry. Engine and builder are removed with the test.
func (e *Env) NewUser(tb testing.TB) *User {
	tb.Helper()
	config := tb.TempDir()
	toml := filepath.Join(config, "buildkitd.toml")
	if err := errors.Join(plugins(config), os.WriteFile(toml, []byte(settings(e.Registry)), 0o600)); err != nil {
		tb.Fatal(err)
	}
	image := e.daemonImage(tb)
	runc := Binary(tb, "./test/internal/runc")
	u := &User{docker: e.engine(tb, func(dir string) (*Docker, error) {
		return StartDocker(dir, config, "--add-runtime", "privileged="+runc, "--default-runtime", "privileged")
	})}
	if out := u.docker.CLI(tb, "buildx", "create", "--use", "--bootstrap", "--name", "mine", "--driver", "docker-container",
		"--driver-opt", "network=host,image="+image, "--buildkitd-config", toml); out.Code != 0 {
		tb.Fatalf("docker buildx create: %s", out.Stderr)
	}
	tb.Cleanup(func() {
		// The test's own context is over.
		if out, err := u.docker.command(context.Background(), "buildx", "rm", "mine").CombinedOutput(); err != nil {
			tb.Errorf("docker buildx rm: %v: %s", err, out)
		}
	})
	return u
}

// Run runs a program in a folder, as this user would.
func (u *User) Run(tb testing.TB, dir, program string, arguments ...string) Output {
	tb.Helper()
	cmd := u.docker.command(tb.Context(), arguments...)
	path, err := exec.LookPath(program)
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Path, cmd.Args[0], cmd.Dir = path, program, dir
	cmd.Env = append(cmd.Env, "BUILDKIT_HOST=", "BUILDX_BUILDER=")
	return Finish(tb, cmd)
}

// daemonImage pushes an image of the buildkitd that the tests use, with what it needs beside it, and returns its name.
func (e *Env) daemonImage(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	runc, err := exec.LookPath("runc")
	if err != nil {
		tb.Fatal(err)
	}
	dockerfile := "FROM debian:bookworm-slim\nCOPY --from=tools buildkitd buildctl /usr/bin/\nCOPY --from=runc runc /usr/bin/\n" +
		"VOLUME /var/lib/buildkit\nENTRYPOINT [\"buildkitd\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		tb.Fatal(err)
	}
	image := e.Registry.Ref("moby/buildkit:test")
	out := e.Buildx(tb, "--push", "--tag", image, "--build-context", "tools="+filepath.Dir(Tool("buildkitd")),
		"--build-context", "runc="+filepath.Dir(runc), dir)
	if out.Code != 0 {
		tb.Fatalf("an image of buildkitd: %s", out.Stderr)
	}
	return image
}
