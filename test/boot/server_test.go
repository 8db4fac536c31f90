package boot

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A single server with the password in the environment answers to those who
// have it, and to nobody else.
func testServer(t *testing.T, img *image) {
	s := img.run(t, "--env=POSTGRES_PASSWORD="+password, "--env=POSTGRES_DB=shop")
	s.awaitHealth("healthy")
	version := s.query("SELECT version()")
	require.True(t, strings.HasPrefix(version, img.version), version)
	assert.Equal(t, "shop", s.query("SELECT datname FROM pg_database WHERE datname = 'shop'"))
	assert.Equal(t, "on", s.query("SHOW data_checksums"))

	for _, wrong := range []string{"", "wrong"} {
		out := s.psql(s, wrong, "SELECT 1")
		assert.NotZero(t, out.Code, "password %q", wrong)
		assert.Regexp(t, "no password supplied|password authentication failed", out.Stderr)
	}
	assert.NotContains(t, s.commandLines(), password)
	assert.NotContains(t, s.Logs(), password)

	// A client that stays does not keep it from stopping.
	s.sh("psql -X -c 'SELECT pg_sleep(3600)' >/dev/null 2>&1 &")
	s.await(20*time.Second, func() error {
		return s.answers("1", "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep'")
	})
	s.stopped()
}

// What was committed is there after every kind of end: docker stop, SIGTERM, a
// crash, and the container's removal. Only the crash makes the server recover.
func testDataSurvives(t *testing.T, img *image) {
	volume := img.volume(t)
	s := img.run(t, append(secret(t, "POSTGRES_PASSWORD"), volume)...)
	s.awaitHealth("healthy")
	version := s.query("SELECT version()")
	require.True(t, strings.HasPrefix(version, img.version), version)
	s.query("CREATE TABLE kept AS SELECT 'first' AS value")

	assert.Equal(t, "SIGINT", s.Inspect("{{.Config.StopSignal}}"))
	s.stopped()
	assertCleanStart(t, s.restarted())
	s.query("INSERT INTO kept VALUES ('second')")

	s.terminated("TERM")
	assertCleanStart(t, s.restarted())
	s.query("INSERT INTO kept VALUES ('third')")

	s.Kill("KILL")
	require.Equal(t, 137, s.Wait())
	assert.Contains(t, s.restarted(), "automatic recovery in progress")
	s.stopped()

	// The password is in the cluster by now.
	other := img.run(t, volume)
	other.awaitHealth("healthy")
	assertCleanStart(t, other.Logs())
	assert.Equal(t, "first\nsecond\nthird", other.query("SELECT value FROM kept"))
	other.stopped()
}

func assertCleanStart(t *testing.T, log string) {
	t.Helper()
	assert.Contains(t, log, "database system was shut down at")
	for _, recovery := range []string{"not properly shut down", "automatic recovery", "was interrupted", "redo starts"} {
		assert.NotContains(t, log, recovery)
	}
}

func testTrust(t *testing.T, img *image) {
	s := img.run(t, "--env=POSTGRES_HOST_AUTH_METHOD=trust")
	s.awaitHealth("healthy")
	out := s.psql(s, "", "SELECT version()")
	require.Zero(t, out.Code, out.Stderr)
	assert.True(t, strings.HasPrefix(out.Stdout, img.version), out.Stdout)
	assert.Contains(t, s.Logs(), "WARN POSTGRES_HOST_AUTH_METHOD=trust: whoever reaches the port is let in")
	s.stopped()
}

// A container that cannot do what it was told ends at once, tells why, and
// leaves the volume as it was.
func testRefusals(t *testing.T, img *image) {
	volume := img.volume(t)
	for name, tc := range map[string]struct {
		flags []string
		says  []string
	}{
		"no password": {says: []string{
			"POSTGRES_PASSWORD is not set", "a file that POSTGRES_PASSWORD_FILE names", "POSTGRES_HOST_AUTH_METHOD=trust would do without",
		}},
		"two passwords": {
			flags: append(secret(t, "POSTGRES_PASSWORD"), "--env=POSTGRES_PASSWORD=other"),
			says:  []string{"POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are both set"},
		},
		"a node without anything": {
			flags: []string{"--env=USE_PATRONI=true"},
			says:  []string{"give etcd's members in ETCD_HOSTS", "POSTGRES_PASSWORD is not set", "REPLICATION_PASSWORD is not set"},
		},
	} {
		s := img.run(t, append(tc.flags, volume)...)
		assert.Equal(t, 1, s.Wait(), name)
		for _, text := range tc.says {
			assert.Contains(t, s.Logs(), text, name)
		}
	}
	s := img.run(t, volume, "--env=SLEEP_MODE=true")
	assert.Empty(t, s.sh("ls -A $PGDATA"))
}
