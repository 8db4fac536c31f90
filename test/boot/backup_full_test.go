//go:build full

package boot

import (
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// inS3 returns the flags of a server whose repository is in a store like S3, which is reached by TLS alone, as pgBackRest
// wants it, and whose secret is in a file.
func inS3(t *testing.T) []string {
	t.Helper()
	store := testenv.NewS3(t)
	behind, err := url.Parse(store.Endpoint)
	require.NoError(t, err)
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(behind))
	t.Cleanup(front.Close)
	at, err := url.Parse(front.URL)
	require.NoError(t, err)
	authority := filepath.Join(t.TempDir(), "ca.pem")
	testenv.Write(t, authority, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})))
	return append(fromFile(t, "PGBACKREST_REPO1_S3_KEY_SECRET", "something"),
		"--env=BACKUP=pgbackrest", "--env=BACKUP_ARCHIVE_TIMEOUT=1", "--env=POSTGRES_PASSWORD="+password,
		"--add-host=example.com:127.0.0.1", "--volume="+authority+":/etc/ca.pem:ro",
		"--env=PGBACKREST_REPO1_TYPE=s3", "--env=PGBACKREST_REPO1_S3_BUCKET="+store.Bucket, "--env=PGBACKREST_REPO1_PATH=/backups",
		"--env=PGBACKREST_REPO1_S3_ENDPOINT=example.com", "--env=PGBACKREST_REPO1_S3_REGION=local", "--env=PGBACKREST_REPO1_S3_KEY=somebody",
		"--env=PGBACKREST_REPO1_S3_URI_STYLE=path", "--env=PGBACKREST_REPO1_STORAGE_PORT="+at.Port(),
		"--env=PGBACKREST_REPO1_STORAGE_HOST=example.com", "--env=PGBACKREST_REPO1_STORAGE_CA_FILE=/etc/ca.pem")
}

// Backups of each kind are taken when they are due, the oldest ones are given up, and a cluster with a stanza of its own is
// made from the last: all of it in a store like S3.
func testBackupSchedule(t *testing.T, img *image) {
	flags := inS3(t)
	s := img.run(t, append(flags, "--env=BACKUP_FULL_EVERY=60s", "--env=BACKUP_DIFF_EVERY=25s", "--env=BACKUP_INCR_EVERY=5s",
		"--env=PGBACKREST_REPO1_RETENTION_FULL=1")...)
	s.awaitHealth("healthy")
	s.awaitBackup(1)
	info := func() string {
		return s.sh("pgbackrest --config=/run/container/pgbackrest.conf --stanza=postgres info")
	}
	_, first, ok := strings.Cut(info(), "full backup: ")
	require.True(t, ok)
	first, _, _ = strings.Cut(first, "\n")
	s.await(patience, func() error {
		if all := info(); !strings.Contains(all, "diff backup: "+first) || !strings.Contains(all, "incr backup: "+first) {
			return errors.New(all)
		}
		return nil
	})
	s.await(patience, func() error { // with all that were made on it
		if all := info(); strings.Contains(all, first) || !strings.Contains(all, "full backup: ") {
			return errors.New(all)
		}
		return nil
	})
	s.query("CREATE TABLE kept AS SELECT 'all' AS value")
	s.stopped()

	clone := img.run(t, append(flags, "--env=RESTORE=latest", "--env=RESTORE_STANZA=postgres", "--env=PGBACKREST_STANZA=clone")...)
	clone.awaitHealth("healthy")
	assert.Equal(t, "all", clone.query("SELECT value FROM kept"))
	clone.await(patience, func() error {
		out := clone.Exec("pgbackrest", "--config=/run/container/pgbackrest.conf", "--stanza=clone", "info")
		if !strings.Contains(out.Stdout, "full backup: ") {
			return errors.New(out.Stdout + out.Stderr)
		}
		return nil
	})
}
