package boot

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Docker's own opinion follows the server: one that hangs is unhealthy, and
// healthy again when it goes on.
func testHealth(t *testing.T, img *image) {
	s := img.run(t, "--env=POSTGRES_PASSWORD="+password)
	s.awaitHealth("healthy")
	s.sh("kill -STOP $(head -n 1 $PGDATA/postmaster.pid)")
	s.awaitHealth("unhealthy")
	s.sh("kill -CONT $(head -n 1 $PGDATA/postmaster.pid)")
	s.awaitHealth("healthy")
	s.stopped()
}

// Maintenance mode stays up without a server, healthy, and stops at once; also
// with a server that somebody started by hand, which is shut down as well.
func testMaintenance(t *testing.T, img *image) {
	s := img.run(t, "--env=SLEEP_MODE=true", "--env=USE_PATRONI=true", img.volume(t))
	s.awaitHealth("healthy")
	s.await(time.Minute, func() error {
		if log := s.Logs(); !strings.Contains(log, "maintenance: no server is started") {
			return errors.New(log)
		}
		return nil
	})
	assert.NotZero(t, s.Exec("pg_isready").Code)
	assert.Empty(t, s.sh("ls -A $PGDATA"))
	stopsAtOnce(t, s)

	s.Start()
	s.sh("initdb --pgdata=$PGDATA --auth=peer --no-sync && pg_ctl start --pgdata=$PGDATA --wait --log=/tmp/log")
	assert.Zero(t, s.Exec("pg_isready").Code)
	stopsAtOnce(t, s)
	s.Start()
	assert.Contains(t, s.sh("pg_controldata $PGDATA"), "shut down\n")
	assert.Contains(t, s.sh("cat /tmp/log"), "database system is shut down")
}

func stopsAtOnce(t *testing.T, s *server) {
	t.Helper()
	begin := time.Now()
	require.Zero(t, s.Stop())
	assert.Less(t, time.Since(begin), 10*time.Second, "what docker stop waits for by itself")
}
