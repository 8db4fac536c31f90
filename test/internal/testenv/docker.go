package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Docker is Debian's Docker Engine, to boot images with. It has neither bridge nor firewall: containers run with
// `--network host` or none.
type Docker struct {
	Host string // for DOCKER_HOST

	config  string // for DOCKER_CONFIG
	process *process
}

// Docker starts the engine for the first who asks.
func (e *Env) Docker(tb testing.TB) *Docker {
	tb.Helper()
	docker, err := e.docker()
	if err != nil {
		tb.Fatal(err)
	}
	return docker
}

func (e *Env) startDocker() (*Docker, error) {
	config, err := e.builder()
	if err != nil {
		return nil, err
	}
	docker, err := StartDocker(filepath.Join(e.dir, "docker"), config)
	if err != nil {
		return nil, err
	}
	e.onClose(docker.Close)
	return docker, nil
}

// StartDocker starts an engine whose data is in a folder, which it creates. Flags are added to dockerd's own.
func StartDocker(dir, clientConfig string, flags ...string) (*Docker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	host := dockerHost(dir)
	process, err := startProcess(dir, append([]string{
		"dockerd", "--host", host,
		"--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--iptables=false", "--bridge=none",
	}, flags...)...)
	if err != nil {
		return nil, err
	}
	return awaitDocker(host, clientConfig, process)
}

// awaitDocker returns an engine that was started, once it answers.
func awaitDocker(host, clientConfig string, process *process) (*Docker, error) {
	d := &Docker{Host: host, config: clientConfig, process: process}
	err := process.await(func(ctx context.Context) error {
		output, err := d.command(ctx, "version").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, output)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func dockerHost(dir string) string { return "unix://" + filepath.Join(dir, "docker.sock") }

// Close stops the engine; its data stays, for the one who chose the folder to remove.
func (d *Docker) Close() error { return d.process.stop() }

// Log returns the end of what the engine logged.
func (d *Docker) Log() string { return d.process.tail() }

func (d *Docker) command(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", arguments...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.Host, "DOCKER_CONFIG="+d.config)
	return cmd
}

// CLI runs `docker ARGUMENTS`.
func (d *Docker) CLI(tb testing.TB, arguments ...string) Output {
	tb.Helper()
	return Finish(tb, d.command(tb.Context(), arguments...))
}

// Container is a container that a test started, removed with it.
type Container struct {
	ID string

	docker *Docker
	tb     testing.TB
}

// Run runs `docker run --detach ARGUMENTS` and returns the container. Images come from the registry by the name that its
// Ref gives. If the test fails, it tells what the container logged.
func (d *Docker) Run(tb testing.TB, arguments ...string) *Container {
	tb.Helper()
	out := d.CLI(tb, append([]string{"run", "--detach"}, arguments...)...)
	if out.Code != 0 {
		tb.Fatalf("docker run %s: %s", strings.Join(arguments, " "), out.Stderr)
	}
	c := &Container{ID: strings.TrimSpace(out.Stdout), docker: d, tb: tb}
	tb.Cleanup(func() {
		ctx := context.Background() // the test's own is over
		if tb.Failed() {
			logs, err := d.command(ctx, "logs", c.ID).CombinedOutput()
			tb.Logf("docker logs %.12s (%v):\n%s", c.ID, err, logs)
		}
		if out, err := d.command(ctx, "rm", "--force", "--volumes", c.ID).CombinedOutput(); err != nil {
			tb.Errorf("docker rm: %v: %s", err, out)
		}
	})
	return c
}

// Volume creates a volume and returns its name. It is removed with the test.
func (d *Docker) Volume(tb testing.TB) string {
	tb.Helper()
	out := d.CLI(tb, "volume", "create")
	if out.Code != 0 {
		tb.Fatalf("docker volume create: %s", out.Stderr)
	}
	name := strings.TrimSpace(out.Stdout)
	tb.Cleanup(func() {
		// The test's own context is over.
		if out, err := d.command(context.Background(), "volume", "rm", name).CombinedOutput(); err != nil {
			tb.Errorf("docker volume rm: %v: %s", err, out)
		}
	})
	return name
}

// Exec runs `docker exec`.
func (c *Container) Exec(command ...string) Output {
	c.tb.Helper()
	return c.docker.CLI(c.tb, append([]string{"exec", c.ID}, command...)...)
}

// Logs returns what the container has printed so far, standard output and error in the order in which they came.
func (c *Container) Logs() string {
	c.tb.Helper()
	out, err := c.docker.command(c.tb.Context(), "logs", c.ID).CombinedOutput()
	if err != nil {
		c.tb.Fatalf("docker logs: %v: %s", err, out)
	}
	return string(out)
}

// Inspect returns what `docker inspect --format FORMAT` prints, such as {{.State.Health.Status}}.
func (c *Container) Inspect(format string) string {
	c.tb.Helper()
	out := c.docker.CLI(c.tb, "inspect", "--format", format, c.ID)
	if out.Code != 0 {
		c.tb.Fatalf("docker inspect: %s", out.Stderr)
	}
	return strings.TrimSpace(out.Stdout)
}

// Kill sends a signal, by its name, to the container's first process.
func (c *Container) Kill(signal string) {
	c.tb.Helper()
	if out := c.docker.CLI(c.tb, "kill", "--signal", signal, c.ID); out.Code != 0 {
		c.tb.Fatalf("docker kill: %s", out.Stderr)
	}
}

// Pause freezes all processes of the container; Unpause lets them go on.
func (c *Container) Pause() { c.do("pause") }

// Unpause ends Pause.
func (c *Container) Unpause() { c.do("unpause") }

// do runs a command of docker on the container.
func (c *Container) do(command string) {
	c.tb.Helper()
	if out := c.docker.CLI(c.tb, command, c.ID); out.Code != 0 {
		c.tb.Fatalf("docker %s: %s", command, out.Stderr)
	}
}

// Stop stops the container as its user would, by the image's own signal, and returns its exit code: 137 for one that took
// more than 30 seconds, and was killed.
func (c *Container) Stop() int {
	c.tb.Helper()
	if out := c.docker.CLI(c.tb, "stop", "--time=30", c.ID); out.Code != 0 {
		c.tb.Fatalf("docker stop: %s", out.Stderr)
	}
	return c.Wait()
}

// Start starts the container again.
func (c *Container) Start() { c.do("start") }

// Wait waits for the container's end and returns its exit code.
func (c *Container) Wait() int {
	c.tb.Helper()
	out := c.docker.CLI(c.tb, "wait", c.ID)
	code, err := strconv.Atoi(strings.TrimSpace(out.Stdout))
	if err != nil {
		c.tb.Fatalf("docker wait: %s%s", out.Stdout, out.Stderr)
	}
	return code
}
