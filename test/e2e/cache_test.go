package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What runs again after an edit: exactly what depends on it.
func TestWhatRunsAgain(t *testing.T) {
	env := testenv.Shared(t)
	all := []string{"01-first.sh", "02-second.sh", "03-third.sh", "99-cleanup.sh"}
	for name, tc := range map[string]struct {
		edit       func(t *testing.T, dir string)
		options    map[string]string
		setup      []string
		entrypoint []string
	}{
		"nothing": {},
		"entrypoint script": {
			edit:       func(t *testing.T, dir string) { write(t, dir, "entrypoint.d/entrypoint.sh", "#!/bin/sh\n: edited\n") },
			entrypoint: []string{"entrypoint: /entrypoint.sh"},
		},
		"utility": {
			edit: func(t *testing.T, dir string) {
				write(t, dir, "entrypoint.d/scripts/utils/log.sh", "#!/bin/sh\n: edited\n")
			},
			entrypoint: []string{"utilities: /opt/container/entrypoint.d/scripts/utils/log.sh"},
		},
		"configuration": {
			edit:       func(t *testing.T, dir string) { write(t, dir, "config/server.conf", "port = 1\n") },
			entrypoint: []string{"configuration: /etc/server/server.conf"},
		},
		"new entrypoint file": {
			edit: func(t *testing.T, dir string) {
				write(t, dir, "entrypoint.d/scripts/runtime/new.sh", "#!/bin/sh\n")
			},
			entrypoint: []string{"runtime (3 files)"},
		},
		"first setup script": {
			edit: func(t *testing.T, dir string) {
				write(t, dir, "setup/scripts/01-first.sh", "#!/bin/sh\ntouch /doomed\n")
			},
			setup: all,
		},
		"second setup script": {
			edit:  func(t *testing.T, dir string) { write(t, dir, "setup/scripts/02-second.sh", "#!/bin/sh\n: edited\n") },
			setup: all[1:],
		},
		"cleanup script": {
			edit:  func(t *testing.T, dir string) { write(t, dir, "setup/scripts/99-cleanup.sh", "#!/bin/sh\n: edited\n") },
			setup: all[3:],
		},
		"arg of the second script": {options: map[string]string{"build-arg:ONE": "x"}, setup: all[1:]},
		"arg of the third script":  {options: map[string]string{"build-arg:TWO": "x"}, setup: all[2:]},
		"unrelated file":           {edit: func(t *testing.T, dir string) { write(t, dir, "README.md", "more\n") }},
		"unused file among the scripts": {
			edit: func(t *testing.T, dir string) { write(t, dir, "setup/scripts/notes.txt", "more\n") },
		},
		"test": {edit: func(t *testing.T, dir string) { write(t, dir, "test/smoke.sh", "#!/bin/sh\n: edited\n") }},
		"mode and time of a setup script": {
			edit: func(t *testing.T, dir string) {
				file := filepath.Join(dir, "setup/scripts/01-first.sh")
				require.NoError(t, os.Chmod(file, 0o600))
				require.NoError(t, os.Chtimes(file, time.Time{}, time.Unix(1, 0)))
			},
		},
		"mode of an entrypoint script": {
			edit: func(t *testing.T, dir string) {
				require.NoError(t, os.Chmod(filepath.Join(dir, "entrypoint.d/scripts/utils/log.sh"), 0o600))
			},
			entrypoint: []string{"utilities: /opt/container/entrypoint.d/scripts/utils/log.sh"},
		},
		"what only the image's configuration holds": {
			edit: func(t *testing.T, dir string) {
				data, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
				require.NoError(t, err)
				write(t, dir, "Dockerfile", string(data)+"x-note: a comment\n")
			},
			options: map[string]string{"label:a": "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := testenv.Tree(t, small())
			build(t, env, dir, testenv.Request{Image: "edits"})
			if tc.edit != nil {
				tc.edit(t, dir)
			}
			trace := build(t, env, dir, testenv.Request{Image: "edits", Options: tc.options}).Trace
			assert.Equal(t, tc.setup, setupRan(trace), "%s", trace)
			assert.Equal(t, tc.entrypoint, ranUnder(trace, "[entrypoint]"), "%s", trace)
		})
	}
}

func TestNoCache(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, small())
	build(t, env, dir, testenv.Request{Image: "nocache"})
	for filter, want := range map[string][]string{
		"":                {"01-first.sh", "02-second.sh", "03-third.sh", "99-cleanup.sh", "user postgres (999:998)"},
		"setup":           {"01-first.sh", "02-second.sh", "03-third.sh", "99-cleanup.sh"},
		"setup/02-second": {"02-second.sh", "03-third.sh", "99-cleanup.sh"},
		"entrypoint":      nil,
	} {
		trace := build(t, env, dir, testenv.Request{Image: "nocache", Options: map[string]string{"no-cache": filter}}).Trace
		assert.Equal(t, want, setupRan(trace), "filter %q\n%s", filter, trace)
	}
}

// A rule makes a layer run again: once in a period, or when what it follows
// has changed.
func TestInvalidationRules(t *testing.T) {
	env := testenv.Shared(t)
	file := func(rule string) string {
		return "base: debian:bookworm-slim\ncache_boundary:\n  cache_invalidation_rules: [" + rule + "]\n"
	}
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile":            file("{layer: setup/02-b, max_age: 24h}"),
		"setup/scripts/01-a.sh": "#!/bin/sh\n: rules\n",
		"setup/scripts/02-b.sh": "#!/bin/sh\n: rules\n",
		"setup/scripts/03-c.sh": "#!/bin/sh\n: rules\n",
	})
	at := func(epoch string) []string {
		// SOURCE_DATE_EPOCH is the time that a build believes in.
		trace := build(t, env, dir, testenv.Request{Image: "rules", Options: map[string]string{"build-arg:SOURCE_DATE_EPOCH": epoch}}).Trace
		return setupRan(trace)
	}
	const first = "02-b.sh (fresh since 2027-01-15T00:00:00Z)"
	assert.Equal(t, []string{"01-a.sh", first, "03-c.sh"}, at("1800000000"))
	assert.Empty(t, at("1800001000"), "the same day")
	assert.Equal(t, []string{"02-b.sh (fresh since 2027-01-16T00:00:00Z)", "03-c.sh"}, at("1800090000"), "the next")

	write(t, dir, "Dockerfile", file(`{layer: setup/02-b, when_changed: ["package:less", "file:notes"]}`), "notes", "one")
	const follows = "02-b.sh (follows less in the archive)"
	assert.Equal(t, []string{follows, "03-c.sh", "versions in the archive on 2027-01-15: less"}, at("1800000000"))
	assert.Empty(t, at("1800001000"))
	assert.Equal(t, []string{"versions in the archive on 2027-01-16: less"}, at("1800090000"), "asked, but not changed")
	write(t, dir, "notes", "two")
	assert.Equal(t, []string{follows, "03-c.sh"}, at("1800090000"))
}
