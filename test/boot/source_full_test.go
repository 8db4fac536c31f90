//go:build full

package boot

import "testing"

// The compiled example takes minutes for each release.
func TestBootSource(t *testing.T) {
	boot(t, example{
		name: "postgresql-source", folder: "postgresql-source", base: "debian:bookworm-slim", version: "PostgreSQL 15.",
		arg: "PGBADGER_VERSION", again: []string{"pgbadger.sh"},
	})
	boot(t, example{
		name: "postgresql-source-17", folder: "postgresql-source", base: "debian:trixie-slim", version: "PostgreSQL 17.",
		args: map[string]string{"DEBIAN_RELEASE": "trixie", "POSTGRESQL_VERSION": "17"},
		arg:  "PGBADGER_VERSION", again: []string{"pgbadger.sh"},
	})
}
