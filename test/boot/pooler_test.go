package boot

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A pool of connections asks the server for the secrets of its users, speaks TLS to those who want it, has a health of its
// own, and stops at once.
func testPooler(t *testing.T, img *image) {
	upstream := img.run(t, "--env=POSTGRES_PASSWORD="+password, "--env=POSTGRES_DB=shop", "--env=PGBOUNCER_PASSWORD="+`the "pool's"`)
	upstream.awaitHealth("healthy")
	upstream.query("CREATE ROLE app LOGIN PASSWORD 'secret'")
	upstream.query("CREATE DATABASE later")

	port, wrong := testenv.FreePort(t), img.run(t, "--env=MODE=pgbouncer")
	run := img.run(t, "--env=MODE=pgbouncer", "--env=PGBOUNCER_UPSTREAM="+localhost+":"+upstream.port, "--env=PGBOUNCER_LISTEN_PORT="+port,
		"--env=PGBOUNCER_PASSWORD="+`the "pool's"`, "--env=PGBOUNCER_POOL_MODE=transaction", "--env=PGBOUNCER_CLIENT_TLS_SSLMODE=allow",
		"--env=PGBOUNCER_CLIENT_TLS_KEY_FILE=/etc/tls/key.pem", "--env=PGBOUNCER_CLIENT_TLS_CERT_FILE=/etc/tls/cert.pem",
		"--volume="+certificate(t)+":/etc/tls:ro")
	pool := &server{Container: run.Container, t: t, host: localhost, port: port}
	pool.awaitHealth("healthy")
	ask := func(user, secret, database, sql string) testenv.Output {
		t.Helper()
		return pool.Exec("env", "PGPASSWORD="+secret, "PGSSLMODE=require", "PGCONNECT_TIMEOUT=5",
			"psql", "-XAtqw", "-h", localhost, "-p", port, "-U", user, "-d", database, "-c", sql)
	}
	for _, database := range []string{"postgres", "shop", "later"} {
		out := ask("app", "secret", database, "SELECT current_user, current_database()")
		assert.Equal(t, "app|"+database+"\n", out.Stdout, out.Stderr)
	}
	assert.Contains(t, ask("app", "wrong", "shop", "SELECT 1").Stderr, "authentication failed")
	assert.Contains(t, ask("nobody", "wrong", "shop", "SELECT 1").Stderr, "no such user")
	out := ask("pgbouncer", `the "pool's"`, "shop", "SELECT passwd FROM pg_shadow")
	assert.Contains(t, out.Stderr, "permission denied", "the role can only ask for the secret of a user whose name it knows")
	assert.NotContains(t, pool.Logs(), "pool's")

	upstream.stopped()
	assert.NotZero(t, ask("app", "secret", "shop", "SELECT 1").Code)
	pool.awaitHealth("healthy") // its own
	stopsAtOnce(t, pool)

	require.Equal(t, 1, wrong.Wait())
	assert.Contains(t, wrong.Logs(), "PGBOUNCER_PASSWORD is not set")
	assert.Contains(t, wrong.Logs(), "PGBOUNCER_UPSTREAM must be")
}

// certificate returns a folder with a key and its certificate, which the container's user can read.
func certificate(t *testing.T) string {
	t.Helper()
	dir := testenv.Tree(t, nil)
	out := testenv.Shared(t).Run(t, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pool",
		"-keyout", filepath.Join(dir, "key.pem"), "-out", filepath.Join(dir, "cert.pem"))
	require.Zero(t, out.Code, out.Stderr)
	out = testenv.Shared(t).Run(t, "chown", "-R", "999:999", dir)
	require.Zero(t, out.Code, out.Stderr)
	return dir
}
