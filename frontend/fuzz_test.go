package frontend

import (
	"encoding/base64"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// FuzzBuild: whatever the build file, its scripts and configuration, a build
// ends in a definition or in mistakes, the same twice, and in no panic.
func FuzzBuild(f *testing.F) {
	f.Fuzz(func(t *testing.T, file, script, config []byte) {
		d := newDaemon(map[string]string{"build-arg:PG": "16"}, tree(file, script, config))
		_, err := Build(t.Context(), d)
		noBug(t, err)
		one, err := Definition(t.Context(), d)
		noBug(t, err)
		two, err2 := Definition(t.Context(), d)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("two builds differ: %v, %v", err, err2)
		}
		if err == nil {
			if diff := cmp.Diff(one.Def, two.Def); diff != "" {
				t.Fatal("two definitions differ:", diff)
			}
		}
	})
}

// FuzzOptions: whatever a client sends as options, a NAME=VALUE in each line.
func FuzzOptions(f *testing.F) {
	files := tree([]byte("base: debian:bookworm-slim\nargs: {PG: 15}\nimage: {env: {P: '${PG}${TARGETARCH}'}}\n"),
		[]byte("#!/bin/sh\necho $PG $TARGETPLATFORM\n"), []byte("a = b\n"))
	f.Fuzz(func(t *testing.T, lines string) {
		options := map[string]string{}
		for line := range strings.SplitSeq(lines, "\n") {
			name, value, _ := strings.Cut(line, "=")
			if strings.HasPrefix(name, "context") { // another context is BuildKit's to read
				continue
			}
			options[name] = value
		}
		_, err := Build(t.Context(), newDaemon(options, files))
		noBug(t, err)
		_, err = newDaemon(options, files).of.Resolve()
		noBug(t, err)
	})
}

// FuzzRecords: whatever a client sends as the records of an earlier build.
func FuzzRecords(f *testing.F) {
	files := tree([]byte("base: debian:bookworm-slim\n"), []byte("#!/bin/sh\n"), []byte("a = b\n"))
	f.Fuzz(func(t *testing.T, records []byte) {
		_, err := Build(t.Context(), newDaemon(map[string]string{
			"requestid":        PlanRequest,
			"pgstrata.records": base64.StdEncoding.EncodeToString(records),
		}, files))
		noBug(t, err)
	})
}

func noBug(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "a bug of its own") {
		t.Fatal(err)
	}
}

// tree is a context that has a file of every kind.
func tree(file, script, config []byte) fstest.MapFS {
	return fstest.MapFS{
		"Dockerfile":                        {Data: file},
		"setup/scripts/01-a.sh":             {Data: script, Mode: 0o755},
		"setup/scripts/02-b.sh":             {Data: []byte("#!/bin/sh\n. \"$(dirname \"$0\")/../lib/x.sh\"\n"), Mode: 0o755},
		"setup/scripts/99-cleanup.sh":       {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"setup/lib/x.sh":                    {Data: script},
		"setup/link":                        {Data: []byte("../../../etc"), Mode: fs.ModeSymlink | 0o777},
		"entrypoint.d/entrypoint.sh":        {Data: script, Mode: 0o755},
		"entrypoint.d/scripts/utils/log.sh": {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"config/x.conf":                     {Data: config},
	}
}

// newDaemon answers as a daemon would that builds nothing: the context is the
// tree, every other state a root that has shells.
func newDaemon(options map[string]string, files fstest.MapFS) *offlineClient {
	return &offlineClient{
		of: &Offline{
			Name: "Dockerfile", Data: files["Dockerfile"].Data, Options: options,
			Context: func(_, _ []string) (fs.FS, error) { return files, nil },
		},
		options: options,
		built:   fstest.MapFS{"bin/sh": {Mode: 0o755}, "bin/bash": {Mode: 0o755}},
	}
}
