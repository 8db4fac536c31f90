package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// scripts returns the flag that mounts files as those of a first start.
func scripts(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := testenv.Tree(t, files)
	require.NoError(t, os.Chmod(dir, 0o755)) //nolint:gosec // for the container's user
	return "--volume=" + dir + ":/docker-entrypoint-initdb.d:ro"
}

// fromFile returns the flags that mount a value as a file, and name it.
func fromFile(t *testing.T, variable, value string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "value")
	testenv.Write(t, file, value+"\n")
	path := "/run/values/" + variable
	return []string{"--volume=" + file + ":" + path + ":ro", "--env=" + variable + "_FILE=" + path}
}

// What users of the official image are used to works here.
func testHabits(t *testing.T, img *image) {
	flags := []string{
		"--env=POSTGRES_PASSWORD=" + password, "--env=POSTGRES_INITDB_WALDIR=/var/lib/postgresql/wal", "--env=TZ=Europe/Berlin",
		scripts(t, map[string]string{
			"1-export.sh": `export FROM_THE_FIRST=exported; psql+=(--quiet)`,
			"2-use.sh":    `"${psql[@]}" <<<"CREATE TABLE made AS SELECT '$FROM_THE_FIRST' AS value"; exit 0`,
			"3-restart.sh": "#!/bin/bash\nset -e\nsed -i \"s/^shared_buffers = 128MB/shared_buffers = 37MB/\" \"$PGDATA/postgresql.conf\"\n" +
				"echo \"work_mem = 5MB\" >>\"$PGDATA/postgresql.conf\"\npg_ctl -D \"$PGDATA\" -m fast -w restart\n",
			"4-hba.sh": `sed -i "1,/^host/s/^host/host all nobody all reject\nhost/" "$PGDATA/pg_hba.conf"`,
			"5.sql":    `INSERT INTO made VALUES (current_setting('shared_buffers'));`,
		}),
	}
	flags = append(flags, fromFile(t, "POSTGRES_USER", "my cool ünï user")...)
	flags = append(flags, fromFile(t, "POSTGRES_DB", `my "cool" database`)...)
	flags = append(flags, fromFile(t, "POSTGRES_INITDB_ARGS", "--wal-segsize=4\n  --lc-messages='en_US.UTF-8'")...)
	s := img.run(t, flags...)
	s.awaitHealth("healthy")
	query := func(sql string) string {
		t.Helper()
		out := s.Exec("env", "PGPASSWORD="+password, `PGDATABASE=my "cool" database`, "psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
			"-h", s.host, "-p", s.port, "-U", "my cool ünï user", "-c", sql)
		require.Zero(t, out.Code, "%s\n%s", sql, out.Stderr)
		return strings.TrimSpace(out.Stdout)
	}
	assert.Equal(t, "exported\n37MB", query("SELECT value FROM made"))
	assert.Equal(t, "37MB 5MB 4MB Europe/Berlin", query(
		`SELECT concat_ws(' ', current_setting('shared_buffers'), current_setting('work_mem'), current_setting('wal_segment_size'),
			current_setting('timezone'))`))
	assert.Equal(t, "reject", query("SELECT auth_method FROM pg_hba_file_rules WHERE user_name = '{nobody}'"))
	assert.Equal(t, "/var/lib/postgresql/wal", s.sh("readlink $PGDATA/pg_wal"))
	assert.Contains(t, s.sh("docker-entrypoint.sh postgres --version"), strings.Fields(img.version)[1])
	s.stopped()
	assertCleanStart(t, s.restarted())
	assert.Equal(t, "reject", query("SELECT auth_method FROM pg_hba_file_rules WHERE user_name = '{nobody}'"))
}

// Names to which other images give a meaning are told, with what to use here.
func testForeignVariables(t *testing.T, img *image) {
	s := img.run(t, "--env=HA_MODE=native", "--env=PGPASSWORD_SUPERUSER=x", "--env=POSTGRESQL_DATABASE=x",
		"--env=POSTGRESQL_CONFIG_WORK_MEM=1GB", "--env=PATRONI_ENABLE=")
	assert.Equal(t, 1, s.Wait())
	for _, text := range []string{
		"WARN HA_MODE is not a setting of this image, and changes nothing: use USE_PATRONI=true",
		"WARN PGPASSWORD_SUPERUSER is not a setting of this image, and changes nothing: use POSTGRES_PASSWORD",
		"WARN POSTGRESQL_DATABASE is not a setting of this image, and changes nothing: use POSTGRES_DB",
		"WARN POSTGRESQL_CONFIG_WORK_MEM is not a setting of this image, and changes nothing: use a file in /etc/postgresql/conf.d",
	} {
		assert.Contains(t, s.Logs(), text)
	}
	assert.NotContains(t, s.Logs(), "PATRONI_ENABLE", "it is empty")
	assert.NotContains(t, s.Logs(), "PGPASSWORD_SUPERUSER=")
}
