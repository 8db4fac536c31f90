//go:build full

package boot

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What operators of other images look for, beyond what TestBoot asks.
func TestOperators(t *testing.T) {
	img := newImage(t, example{name: "postgresql", folder: "postgresql", base: "debian:bookworm-slim", version: "PostgreSQL 15."})
	for name, test := range map[string]func(*testing.T, *image){
		"Patroni's variables": testPatroniVariables, "copy takes long": testCopyTakesLong, "users": testUsers,
		"volume of another user": testVolumeOfAnotherUser, "first start begins anew": testFirstStartBeginsAnew,
		"connections taken": testConnectionsTaken, "backup schedule": testBackupSchedule,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, img)
		})
	}
}

// A first start whose script fails begins anew, with an empty directory for
// the write-ahead log.
func testFirstStartBeginsAnew(t *testing.T, img *image) {
	dir := testenv.Tree(t, map[string]string{"1.sql": "SELECT 1/0;"})
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // for the container's user
	s := img.run(t, "--env=POSTGRES_PASSWORD="+password, "--volume="+dir+":/docker-entrypoint-initdb.d:ro",
		"--env=POSTGRES_INITDB_WALDIR=/var/lib/postgresql/wal")
	require.Equal(t, 1, s.Wait())
	assert.Contains(t, s.Logs(), "a script failed")
	testenv.Write(t, filepath.Join(dir, "1.sql"), "CREATE TABLE made ();")
	s.Start()
	s.awaitHealth("healthy")
	assert.Equal(t, "made", s.query("SELECT relname FROM pg_class WHERE relname = 'made'"))
}

// Whatever user a platform starts the container with.
func testUsers(t *testing.T, img *image) {
	for name, flags := range map[string][]string{
		"group 0":     {"--user=12345:0"},
		"any group":   {"--user=26:26"},
		"root":        {"--user=root"},
		"read only":   {"--read-only", "--tmpfs=/tmp", "--tmpfs=/run/postgresql", "--tmpfs=/run/container"},
		"read only 0": {"--user=12345:0", "--read-only", "--tmpfs=/tmp", "--tmpfs=/run/postgresql", "--tmpfs=/run/container"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := img.run(t, append(flags, "--env=POSTGRES_PASSWORD="+password, img.volume(t))...)
			s.awaitHealth("healthy")
			s.query("CREATE TABLE kept AS SELECT 'kept' AS value")
			uid := "999"
			if flags[0] != "--user=root" {
				uid = s.sh("id -u")
			}
			assert.Equal(t, uid, s.sh("stat -c %u /proc/$(head -n 1 $(find $PGDATA -name postmaster.pid))"))
			assert.Equal(t, "1", s.sh("psql -X -A -t -U postgres -c 'SELECT 1'"), "no password over the socket")
			s.stopped()
			assertCleanStart(t, s.restarted())
			assert.Equal(t, "kept", s.query("SELECT value FROM kept"))
		})
	}
}

// The official image's Alpine variant has another uid: such a volume is
// refused with what mends it, and that does.
func testVolumeOfAnotherUser(t *testing.T, img *image) {
	volume := img.volume(t)
	s := img.run(t, volume, "--env=POSTGRES_PASSWORD="+password)
	s.awaitHealth("healthy")
	s.query("CREATE TABLE kept AS SELECT 'kept' AS value")
	s.stopped()
	out := img.docker.CLI(t, "run", "--rm", "--user=root", volume, "--entrypoint=chown", img.ref, "-R", "70:70", "/var/lib/postgresql/data")
	require.Zero(t, out.Code, out.Stderr)
	s.Start()
	assert.Equal(t, 1, s.Wait())
	assert.Contains(t, s.Logs(), "Start the container once as root (docker run --user root)")
	root := img.run(t, volume, "--user=root")
	root.awaitHealth("healthy")
	assert.Equal(t, "kept", root.query("SELECT value FROM kept"))
}

// Patroni's own variables decide wherever they are given: port, roles, store,
// and the API's certificate, which the health check has to cope with.
func testPatroniVariables(t *testing.T, img *image) {
	port, api := testenv.FreePort(t), testenv.FreePort(t)
	certificate := "/run/container/api"
	s := &server{Container: img.docker.Run(t, "--network=host", "--health-interval=1s", "--entrypoint=bash",
		"--env=USE_PATRONI=true", "--env=PATRONI_SCOPE=a cluster", "--env=PATRONI_ETCD3_HOSTS="+testenv.Etcd(t, localhost),
		"--env=PATRONI_POSTGRESQL_LISTEN=127.0.0.1:"+port, "--env=PATRONI_POSTGRESQL_CONNECT_ADDRESS=127.0.0.1:"+port,
		"--env=PATRONI_POSTGRESQL_DATA_DIR=/var/lib/postgresql/data/own", "--env=PATRONI_NAME=n1",
		"--env=PATRONI_SUPERUSER_USERNAME=admin", "--env=PATRONI_SUPERUSER_PASSWORD="+password,
		"--env=PATRONI_REPLICATION_USERNAME=copy", "--env=PATRONI_REPLICATION_PASSWORD="+password,
		"--env=PATRONI_RESTAPI_LISTEN=127.0.0.1:"+api, "--env=PATRONI_RESTAPI_CONNECT_ADDRESS=127.0.0.1:"+api,
		"--env=PATRONI_RESTAPI_CERTFILE="+certificate+".crt", "--env=PATRONI_RESTAPI_KEYFILE="+certificate+".key",
		"--env=PATRONI_RESTAPI_CAFILE="+certificate+".crt", "--env=PATRONI_RESTAPI_VERIFY_CLIENT=required",
		img.ref, "-euc", "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=n1 -addext subjectAltName=IP:127.0.0.1 "+
			"-keyout "+certificate+".key -out "+certificate+".crt; exec /entrypoint.sh"), t: t, host: localhost, port: port}
	s.await(patience, func() error { // it is healthy while Patroni makes the cluster
		out := s.Exec("env", "PGPASSWORD="+password, "psql", "-XAtw", "-h", localhost, "-p", port, "-U", "admin", "-d", "postgres", "-c",
			"SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolcanlogin")
		if out.Stdout != "admin copy\n" {
			return errors.New(out.Stdout + out.Stderr)
		}
		return nil
	})
	s.awaitHealth("healthy")
	assert.NotEmpty(t, s.sh("cat /var/lib/postgresql/data/own/PG_VERSION"))
	s.stopped()
}

// A replica that is being copied is healthy however long it takes, and stops
// at once; one that was killed meanwhile is copied anew.
func testCopyTakesLong(t *testing.T, img *image) {
	etcd := testenv.Etcd(t, localhost)
	leader := img.member(t, "leader", etcd)
	leader.awaitLead()
	leader.query("CREATE TABLE kept AS SELECT 'all' AS value")
	slow := filepath.Join(t.TempDir(), "slow.yml")
	testenv.Write(t, slow, "postgresql: {basebackup: [{max-rate: 400k}, {checkpoint: fast}]}\n")
	replica := img.member(t, "replica", etcd, "--volume="+slow+":/etc/patroni/conf.d/slow.yml:ro", "--health-start-period=0s")
	copying := func() {
		replica.await(patience, func() error {
			if out := replica.Exec("cat", "/var/lib/postgresql/data/backup_label"); out.Code != 0 {
				return errors.New(out.Stderr)
			}
			return nil
		})
	}
	copying()
	replica.awaitHealth("healthy")
	assert.Contains(t, replica.Inspect("{{json .State.Health.Log}}"), "creating replica")
	replica.Kill("KILL")
	replica.Wait()
	replica.Start()
	copying()
	begin := time.Now()
	replica.Stop()
	assert.Less(t, time.Since(begin), 10*time.Second)
	testenv.Write(t, slow, "{}\n")
	replica.Start()
	replica.awaitReplica("all")
}

// A server whose connections are all taken is healthy: it answers.
func testConnectionsTaken(t *testing.T, img *image) {
	few := filepath.Join(t.TempDir(), "few.conf")
	testenv.Write(t, few, "max_connections = 5\nsuperuser_reserved_connections = 0\nmax_wal_senders = 0\n")
	s := img.run(t, "--env=POSTGRES_PASSWORD="+password, "--volume="+few+":/etc/postgresql/conf.d/few.conf:ro")
	s.awaitHealth("healthy")
	s.sh("for i in {1..5}; do psql -X -c 'SELECT pg_sleep(3600)' >/dev/null 2>&1 & done")
	s.await(patience, func() error {
		if out := s.psql(s, password, "SELECT 1"); !strings.Contains(out.Stderr, "too many clients") {
			return errors.New(out.Stdout + out.Stderr)
		}
		return nil
	})
	assert.Contains(t, s.sh("/opt/container/entrypoint.d/scripts/runtime/healthcheck.sh"), "accepting connections")
	s.stopped()
}
