package migrate

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/report"
)

// Whatever a Dockerfile has, what it becomes can be loaded, and each of its lines
// is told of. The Dockerfiles are those by which the builds of Dockerfiles are
// proven; test/corpus builds what they become.
func TestCorpusIsToldOf(t *testing.T) {
	names, err := filepath.Glob("../test/corpus/testdata/*.txtar")
	require.NoError(t, err)
	require.Greater(t, len(names), 50)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			context := tree(t, name)
			file := context["Dockerfile"]
			if file == nil { // it has another name, which the test of builds knows
				return
			}
			f, err := dockerfile.Parse("Dockerfile", file.Data)
			if err != nil {
				return // a specimen of a mistake
			}
			r, err := Migrate(f, options(context, nil))
			if err != nil {
				assert.ErrorContains(t, err, "scratch")
				return
			}
			assertComplete(t, string(file.Data), r.Report)
			var b bytes.Buffer
			require.NoError(t, r.Report.WriteJSON(&b))
			var back report.Report
			require.NoError(t, json.Unmarshal(b.Bytes(), &back))
			again, err := Migrate(f, options(context, nil))
			require.NoError(t, err)
			assert.Equal(t, string(r.BuildFile), string(again.BuildFile), "the same each time")
		})
	}
}

func FuzzMigrate(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	require.NoError(f, err)
	for _, name := range names {
		f.Add(string(tree(f, name)["Dockerfile"].Data))
	}
	f.Add("FROM scratch\n")
	f.Add("FROM A0\n")
	f.Add("FROM $")
	f.Add("FROM 0\nADD :// 00")
	f.Add("ARG RELEASE=\nFROM $RELEASE")
	f.Add("ARG RELEASE=1!0\nFROM $RELEASE")
	f.Add("FROM a\nLABEL a=\xff\n")
	f.Add("FROM a\nLABEL a=\x00\n")
	f.Add("ARG 0=a\nFROM $0")
	f.Add("ARG 0=x\nFROM debian:$0\nARG 0\nARG a-b=1\nENV A=$0\nRUN echo $0 ${a-b}\n")
	f.Add("FROM a\nRUN !")
	f.Add("FROM a\nRUN f() {\nRUN a && \n")
	f.Add("FROM a\nARG\r0")
	f.Add("# x\r\u2028y: z\nFROM a\n# a\rb: c\nRUN\rtrue\nLABEL a=b\rc:d\n")
	f.Add("FROM 0R0\nARG R")
	f.Add("FROM a\nCOPY --from=0 / /\nRUN --mount=type=cache,target=$x true\nEXPOSE 1-\nHEALTHCHECK --retries=9 CMD\n")
	f.Add("FROM debian\nWORKDIR $X\nUSER :\nRUN cd; cd ..; ./x\nENV A=$B B=$A A=$A$\nLABEL a=${b:?}\n")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := dockerfile.Parse("Dockerfile", []byte(text))
		if err != nil {
			return
		}
		context := fstest.MapFS{
			"setup/setup.sh":     {Data: []byte("#!/bin/sh\nset -e\nfor f in /setup/scripts/*.sh; do $f; done\n"), Mode: 0o755},
			"setup/scripts/1.sh": {Data: []byte("#!/bin/sh\n. /setup/lib.sh\n"), Mode: 0o755},
			"setup/scripts/2.sh": {Data: []byte("#!/bin/sh\nrm -rf /setup\n"), Mode: 0o755},
			"setup/lib.sh":       {Data: []byte("x=1\n")},
			"entrypoint.sh":      {Data: []byte("#!/bin/sh\nexec \"$@\"\n"), Mode: 0o755},
		}
		r, err := Migrate(parsed, options(context, nil))
		if err != nil {
			var refused *RefusedError
			assert.NotErrorAs(t, err, &refused)
			return
		}
		assertComplete(t, text, r.Report)
	})
}
