package dockerfile

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestTry(t *testing.T) {
	fsys := fstest.MapFS{
		"setup/setup.sh":              {Data: []byte("#!/bin/bash\nset -euo pipefail\nSCRIPT_DIR=\"$(cd \"$(dirname \"${BASH_SOURCE[0]}\")\" && pwd)\"\nsource \"${SCRIPT_DIR}/lib.sh\"\nexport DEBIAN_FRONTEND=noninteractive\nexport V=${PG:-15}\nmkdir -p /temp\nfor f in \"$SCRIPT_DIR\"/scripts/*.sh; do\n  [ -x \"$f\" ] || continue\n  echo \"== $f\"\n  bash \"$f\"\ndone\nrm -rf /tmp/*\n"), Mode: 0o755},
		"setup/lib.sh":                {Data: []byte("log() { echo x; }\n"), Mode: 0o644},
		"setup/scripts/01-a.sh":       {Data: []byte("#!/bin/sh\necho $PG\n. /setup/lib.sh\npatch < /setup/p/x.patch\n"), Mode: 0o755},
		"setup/scripts/02-b.sh":       {Data: []byte("#!/bin/sh\napt-get update; apt-get install -y $X\n"), Mode: 0o755},
		"setup/scripts/99-cleanup.sh": {Data: []byte("#!/bin/sh\nrm -rf /setup/scripts\n"), Mode: 0o755},
		"setup/p/x.patch":             {Data: []byte("x"), Mode: 0o644},
		"entrypoint.d/entrypoint.sh":  {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
	}
	df := "# syntax=x\nARG BASE=debian:bookworm-slim\nFROM ${BASE}\nARG PG=15 X=2\nARG UNUSED\nENV A=b\nCOPY setup /setup\nCOPY entrypoint.d/entrypoint.sh /opt/x/\nRUN chmod +x /setup/setup.sh && /setup/setup.sh\nRUN chmod 755 /opt/x/entrypoint.sh\nENTRYPOINT [\"/opt/x/entrypoint.sh\"]\n"
	f, err := Parse("Dockerfile", []byte(df))
	require.NoError(t, err)
	r, err := Rewrite(f, Options{Context: fsys, Platform: "linux/amd64"})
	require.NoError(t, err)
	fmt.Println(string(r.Text))
	fmt.Printf("%+v\n%+v\n", r.Decisions, r.Squashes)
}
