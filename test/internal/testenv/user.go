package testenv

import (
	"context"
	"io"
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
	dir, config := tb.TempDir(), tb.TempDir()
	plugins := filepath.Join(config, "cli-plugins")
	toml := filepath.Join(config, "buildkitd.toml")
	runc, err := exec.LookPath("runc")
	for _, step := range []func() error{
		func() error { return err },
		func() error { return os.Mkdir(plugins, 0o700) },
		func() error { return os.Symlink(Tool("docker-buildx"), filepath.Join(plugins, "docker-buildx")) },
		func() error { return os.WriteFile(toml, []byte(settings(e.Registry)), 0o600) },
		func() error { return copyProgram(Tool("buildkitd"), dir) },
		func() error { return copyProgram(Tool("buildctl"), dir) },
		func() error { return copyProgram(runc, dir) },
		func() error {
			return os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM debian:bookworm-slim\n"+
				"COPY buildkitd buildctl runc /usr/bin/\nVOLUME /var/lib/buildkit\nENTRYPOINT [\"buildkitd\"]\n"), 0o600)
		},
	} {
		if err := step(); err != nil {
			tb.Fatal(err)
		}
	}
	image := e.Registry.Ref("moby/buildkit:test")
	if out := e.Buildx(tb, "--push", "--tag", image, dir); out.Code != 0 {
		tb.Fatalf("an image of buildkitd: %s", out.Stderr)
	}
	data, err := os.MkdirTemp(e.dir, "user-") //nolint:usetesting // what it leaves mounted is unmounted when e closes
	if err != nil {
		tb.Fatal(err)
	}
	docker, err := StartDocker(data, config, "--add-runtime", "privileged="+Binary(tb, "./test/internal/runc"), "--default-runtime", "privileged")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := docker.Close(); err != nil {
			tb.Error(err)
		}
	})
	u := &User{docker: docker}
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

func copyProgram(file, dir string) error {
	in, err := os.Open(file) //nolint:gosec // a tool of the tests
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(dir, filepath.Base(file)), os.O_CREATE|os.O_WRONLY, 0o755) //nolint:gosec // a program
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
