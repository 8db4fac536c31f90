package boot

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// repository returns the flags of a server that takes backups into a volume.
func (i *image) repository(t *testing.T) []string {
	t.Helper()
	return []string{"--env=BACKUP=pgbackrest", "--env=BACKUP_ARCHIVE_TIMEOUT=1", "--volume=" + i.docker.Volume(t) + ":/var/lib/pgbackrest"}
}

// awaitBackup waits until the repository has so many, and the server's health
// says that all is well.
func (s *server) awaitBackup(count int) {
	s.t.Helper()
	s.await(patience, func() error {
		info := s.Exec("pgbackrest", "--config=/run/container/pgbackrest.conf", "--stanza=postgres", "info")
		if strings.Count(info.Stdout, " backup: ") < count {
			return errors.New(info.Stdout + info.Stderr)
		}
		if health := s.sh("/opt/container/entrypoint.d/scripts/runtime/healthcheck.sh"); !strings.Contains(health, "backups: checked") {
			return errors.New(health)
		}
		return nil
	})
}

// A server under load is destroyed, and made anew as it was at a moment; then
// that one, as it was at its end. Only what the moment does not know is missing.
func testBackup(t *testing.T, img *image) {
	flags := append(img.repository(t), "--env=POSTGRES_PASSWORD="+password)
	first := img.run(t, flags...)
	first.awaitHealth("healthy")
	first.query("CREATE TABLE load (n int PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())")
	first.sh(`nohup bash -c 'for ((n = 1; ; n++)); do psql -Xqc "INSERT INTO load VALUES ($n)" || exit; done' >/dev/null 2>&1 &`)
	first.awaitBackup(1)
	const list = "SELECT string_agg(n || ' ' || at, E'\n' ORDER BY n) FROM load"
	more := func() int {
		count := first.query("SELECT count(*) FROM load")
		first.await(patience, func() error { return first.answers("t", "SELECT count(*) > "+count+" + 20 FROM load") })
		n, err := strconv.Atoi(first.query("SELECT count(*) FROM load"))
		require.NoError(t, err)
		return n
	}
	before := more()
	moment := first.query("SELECT clock_timestamp()")
	after := more()
	first.query("SELECT pg_switch_wal()")
	first.await(patience, func() error {
		return first.answers("t", "SELECT last_archived_time > '"+moment+"' FROM pg_stat_archiver")
	})
	all := first.query(list)
	first.Kill("KILL")
	first.Wait()

	second := img.run(t, append(flags, "--env=RESTORE="+moment, "--env=REPLICATION_PASSWORD=new")...)
	second.awaitHealth("healthy")
	got := second.query(list)
	assert.True(t, strings.HasPrefix(all, got+"\n"), "%s\n\n%s", all, got)
	assert.GreaterOrEqual(t, strings.Count(got, "\n"), before-1)
	assert.Less(t, strings.Count(got, "\n"), after)
	assert.Equal(t, "replicator", second.query("SELECT rolname FROM pg_roles WHERE rolname = 'replicator'"))
	second.awaitBackup(2) // of the new timeline
	second.query("CREATE TABLE kept AS SELECT 'second' AS value")
	second.stopped() // which archives what is left
	assertCleanStart(t, second.restarted())
	second.stopped()

	third := img.run(t, append(flags, "--env=RESTORE=latest")...)
	third.awaitHealth("healthy")
	assert.Equal(t, "second", third.query("SELECT value FROM kept"))
}

// A cluster's leader takes the backups, replicas are made from them, and one
// whose volumes are all gone is made anew.
func testBackupOfACluster(t *testing.T, img *image) {
	flags := append(img.repository(t), "--env=PGBACKREST_STANZA=postgres")
	etcd := testenv.Etcd(t, localhost)
	leader := img.member(t, "leader", etcd, flags...)
	leader.awaitLead()
	leader.query("CREATE TABLE kept AS SELECT 'first' AS value")
	leader.awaitBackup(1)
	replica := img.member(t, "replica", etcd, flags...)
	replica.awaitReplica("first")
	assert.Contains(t, replica.Logs(), "replica has been created using pgbackrest")
	leader.query("INSERT INTO kept VALUES ('second')")
	replica.awaitReplica("first second")
	replica.stopped()
	leader.stopped()

	etcd = testenv.Etcd(t, localhost)
	anew := img.member(t, "anew", etcd, append(flags, "--env=RESTORE=latest")...)
	anew.awaitLead()
	assert.Equal(t, "first\nsecond", anew.query("SELECT value FROM kept ORDER BY 1"))
	anew.awaitBackup(2)
	other := img.member(t, "other", etcd, flags...)
	other.awaitReplica("first second")
}
