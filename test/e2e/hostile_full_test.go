//go:build full

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A context of many files is built, or refused with a reason.
func TestManyFiles(t *testing.T) {
	env := testenv.Shared(t)
	pgstrata := testenv.Program(t, "pgstrata")
	many := func(pattern, text string, n int) map[string]string {
		files := map[string]string{"Dockerfile": "base: debian:bookworm-slim\n"}
		for i := range n {
			files[fmt.Sprintf(pattern, i)] = text
		}
		return files
	}
	for name, tc := range map[string]hostile{
		"100,000 setup scripts": {
			files: many("setup/scripts/%06d.sh", "#!/bin/sh\n", 100_000),
			want:  "100000 setup scripts are more than the 256 that one image can have",
		},
		"100,000 entrypoint scripts": {
			files: many("entrypoint.d/%06d.sh", "#!/bin/sh\n", 100_000),
			want:  "100000 entrypoint files are more than the 10000 that one image can have",
		},
		"10,000 configuration files": {files: many("config/%06d", "", 10_000)},
		"10,000 entrypoint scripts":  {files: many("entrypoint.d/%06d.sh", "#!/bin/sh\n:\n", 10_000)},
		"256 setup scripts":          {files: many("setup/scripts/%06d.sh", "#!/bin/sh\n:\n", 256)},
		"a list longer than a message": {
			files: many("config/"+strings.Repeat("x", 240)+"%06d", "", 70_000),
			want:  "more entries than a build can list",
		},
	} {
		t.Run(name, func(t *testing.T) { tc.run(t, env, pgstrata) })
	}
}
