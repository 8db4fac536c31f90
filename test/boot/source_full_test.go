//go:build full

package boot

import "testing"

// The compiled example takes minutes for each release.
func TestBootSource(t *testing.T) {
	boot(t, example{
		name: "postgresql-source", folder: "postgresql-source", base: "debian:bookworm-slim", version: "PostgreSQL 15.",
		arg: "LOCALES", again: []string{"locale.sh"},
	})
	boot(t, example{
		name: "postgresql-source-trixie", folder: "postgresql-source", base: "debian:trixie-slim", version: "PostgreSQL 15.",
		args: map[string]string{"DEBIAN_RELEASE": "trixie"},
		arg:  "LOCALES", again: []string{"locale.sh"},
	})
}
