//go:build full

package boot

import "testing"

// The other trees: the newer release, and what is compiled.
func TestBootInitAll(t *testing.T) {
	for _, f := range []fresh{
		{
			example: example{name: "init-trixie", base: "debian:trixie-slim", version: "PostgreSQL 17."},
			flags:   []string{"--release=trixie"},
			patroni: true,
		},
		{
			example: example{name: "init-source", base: "debian:bookworm-slim", version: "PostgreSQL 15."},
			flags:   []string{"--from=source", "--postgresql"},
		},
		{
			example: example{name: "init-source-trixie", base: "debian:trixie-slim", version: "PostgreSQL 15."},
			flags:   []string{"--from=source", "--release=trixie"},
			patroni: true,
		},
	} {
		bootFresh(t, f)
	}
}
