package boot

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

const (
	password  = `it's "odd" $HOME \ and long`
	localhost = "127.0.0.1"

	// patience is how long a busy machine may take for what takes seconds.
	patience = 3 * time.Minute
)

// server is a container of the image.
type server struct {
	*testenv.Container
	t    *testing.T
	host string // where clients reach it
	port string
}

// run starts a container on the host's network, at a port of its own, whose
// health is asked for every second. Arguments are those of docker run.
func (i *image) run(t *testing.T, arguments ...string) *server {
	t.Helper()
	port := testenv.FreePort(t)
	flags := append([]string{
		"--network=host", "--env=PGPORT=" + port,
		"--health-interval=1s", "--health-timeout=3s", "--health-retries=2",
	}, arguments...)
	return &server{Container: i.docker.Run(t, append(flags, i.ref)...), t: t, host: localhost, port: port}
}

// volume returns the flag for a volume of the test's own.
func (i *image) volume(t *testing.T) string {
	t.Helper()
	return "--volume=" + i.docker.Volume(t) + ":/var/lib/postgresql/data"
}

// secret writes the password to a file and returns the flags that mount it
// and name it in a variable.
func secret(t *testing.T, variable string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(password+"\n"), 0o600))
	require.NoError(t, os.Chown(file, 999, 999))
	path := "/run/secrets/" + strings.ToLower(variable)
	return []string{"--volume=" + file + ":" + path + ":ro", "--env=" + variable + "_FILE=" + path}
}

// await waits for a condition of a container that runs. One that has ended
// will not fulfill it anymore.
func (s *server) await(timeout time.Duration, condition func() error) {
	s.t.Helper()
	testenv.Await(s.t, timeout, func(context.Context) error {
		if state := s.Inspect("{{.State.Status}} {{.State.ExitCode}}"); state != "running 0" {
			s.t.Fatalf("the container does not run: %s", state)
		}
		return condition()
	})
}

// awaitHealth waits until docker says healthy, or unhealthy.
func (s *server) awaitHealth(want string) {
	s.t.Helper()
	s.await(patience, func() error {
		if health := s.Inspect("{{.State.Health.Status}}"); health != want {
			return fmt.Errorf("the container is %s, not %s: %s", health, want, s.Inspect("{{json .State.Health.Log}}"))
		}
		return nil
	})
}

// stopped stops the container and asserts that nothing was lost: no kill, and
// a server that says that it shut down. That is exit code 0 within 30 seconds.
func (s *server) stopped() {
	s.t.Helper()
	before := len(s.Logs())
	require.Zero(s.t, s.Stop())
	require.Contains(s.t, s.Logs()[before:], "database system is shut down")
}

// terminated does the same by another signal than the image's own.
func (s *server) terminated(signal string) {
	s.t.Helper()
	before := len(s.Logs())
	s.Kill(signal)
	testenv.Await(s.t, 30*time.Second, func(context.Context) error {
		if state := s.Inspect("{{.State.Status}}"); state != "exited" {
			return fmt.Errorf("%s after %s", state, signal)
		}
		return nil
	})
	require.Zero(s.t, s.Wait())
	require.Contains(s.t, s.Logs()[before:], "database system is shut down")
}

// restarted starts the container again and returns what it logged until it
// was healthy.
func (s *server) restarted() string {
	s.t.Helper()
	before := len(s.Logs())
	s.Start()
	s.awaitHealth("healthy")
	return s.Logs()[before:]
}

// psql runs SQL as a client of this container: over TCP, never asking for a
// password.
func (s *server) psql(to *server, secret, sql string) testenv.Output {
	s.t.Helper()
	return s.Exec("env", "PGPASSWORD="+secret, "PGCONNECT_TIMEOUT=5",
		"psql", "-XAtqw", "-v", "ON_ERROR_STOP=1", "-h", to.host, "-p", to.port, "-U", "postgres", "-c", sql)
}

// query returns what the server answers over TCP to one who has the password.
func (s *server) query(sql string) string {
	s.t.Helper()
	out := s.psql(s, password, sql)
	require.Zero(s.t, out.Code, out.Stderr)
	return strings.TrimSpace(out.Stdout)
}

// answers fails unless the server answers the query so; for await.
func (s *server) answers(want, sql string) error {
	s.t.Helper()
	if out := s.psql(s, password, sql); strings.TrimSpace(out.Stdout) != want {
		return fmt.Errorf("%s: %q, not %q: %s", sql, out.Stdout, want, out.Stderr)
	}
	return nil
}

// sh runs a line of shell in the container, and fails the test if it fails.
func (s *server) sh(line string) string {
	s.t.Helper()
	out := s.Exec("bash", "-euo", "pipefail", "-c", line)
	require.Zero(s.t, out.Code, "%s\n%s%s", line, out.Stdout, out.Stderr)
	return strings.TrimSpace(out.Stdout)
}

// commandLines gives the arguments of every process of the container. One that
// ends while it is looked at is left out.
func (s *server) commandLines() string {
	s.t.Helper()
	lines := s.sh(`for process in /proc/[0-9]*; do cat "$process/cmdline" 2>/dev/null | tr '\0' ' ' || true; done`)
	require.Contains(s.t, lines, "postgres")
	return lines
}
