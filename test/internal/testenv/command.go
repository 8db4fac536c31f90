package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Output is what a command left.
type Output struct {
	Stdout, Stderr string
	Code           int
}

// Buildx runs `docker buildx build ARGUMENTS` against the daemon, as a user would.
func (e *Env) Buildx(tb testing.TB, arguments ...string) Output {
	tb.Helper()
	return e.Run(tb, "docker", append([]string{"buildx", "build"}, arguments...)...)
}

// Buildctl runs `buildctl ARGUMENTS` against the daemon.
func (e *Env) Buildctl(tb testing.TB, arguments ...string) Output {
	tb.Helper()
	return e.Run(tb, Tool("buildctl"), arguments...)
}

// Run runs any program to its end, in the environment of Command. It fails the test only if the program cannot be run at
// all; its exit code is for the caller to judge.
func (e *Env) Run(tb testing.TB, program string, arguments ...string) Output {
	tb.Helper()
	return Finish(tb, e.Command(tb, program, arguments...))
}

// Command prepares a program for which `docker buildx`, buildctl and everything that reads BUILDKIT_HOST mean the
// environment's daemon. The caller may add to it (Dir, Env, Stdin) and pass it to Finish.
func (e *Env) Command(tb testing.TB, program string, arguments ...string) *exec.Cmd {
	tb.Helper()
	config, err := e.builder()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), program, arguments...)
	cmd.Env = append(os.Environ(), e.variables(config)...)
	return cmd
}

// Finish runs a command to its end.
func Finish(tb testing.TB, cmd *exec.Cmd) Output {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		tb.Fatalf("%s: %v", cmd, err)
	}
	return Output{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

func (e *Env) variables(config string) []string {
	return []string{
		"BUILDKIT_HOST=" + e.Daemon.Address,
		"BUILDX_BUILDER=" + builderName,
		"DOCKER_CONFIG=" + config,
		"DOCKER_HOST=" + dockerHost(filepath.Join(e.dir, "docker")), // never the machine's own engine
	}
}

const builderName = "testenv"

// createBuilder makes a configuration folder for the docker client, with buildx and compose in it, and the daemon as its builder.
func (e *Env) createBuilder() (string, error) {
	config := filepath.Join(e.dir, "docker-client")
	if err := plugins(config); err != nil {
		return "", err
	}
	cmd := exec.Command("docker", "buildx", "create", "--name", builderName, "--driver", "remote", e.Daemon.Address)
	cmd.Env = append(os.Environ(), "DOCKER_CONFIG="+config)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", cmd, err, output)
	}
	return config, nil
}

// plugins puts buildx and compose into a configuration folder of the docker client.
func plugins(config string) error {
	dir := filepath.Join(config, "cli-plugins")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, plugin := range []string{"docker-buildx", "docker-compose"} {
		if err := os.Symlink(Tool(plugin), filepath.Join(dir, plugin)); err != nil {
			return err
		}
	}
	return nil
}

// goBuild compiles one of this module's programs as its image and its releases have it: static, equal bytes for equal
// source.
func goBuild(ctx context.Context, pkg, output string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", output, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, output)
	}
	return nil
}

// Program compiles ./cmd/NAME and returns the binary's path.
func Program(tb testing.TB, name string) string {
	tb.Helper()
	return Binary(tb, "./cmd/"+name)
}

// Binary compiles a main package, named by its folder in the repository, and returns the binary's path.
func Binary(tb testing.TB, pkg string) string {
	tb.Helper()
	output := filepath.Join(tb.TempDir(), filepath.Base(pkg))
	if err := goBuild(tb.Context(), pkg, output); err != nil {
		tb.Fatal(err)
	}
	return output
}

// moduleRoot is the repository's root: `go test` runs each test in the folder of its package.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = parent
	}
}
