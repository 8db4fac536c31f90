package dockerfile

import (
	"fmt"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

func TestTryReading(t *testing.T) {
	fsys := fstest.MapFS{
		"setup/setup.sh":              {Data: []byte("#!/bin/bash\nset -euo pipefail\nSCRIPT_DIR=\"$(cd \"$(dirname \"${BASH_SOURCE[0]}\")\" && pwd)\"\nsource \"${SCRIPT_DIR}/lib.sh\"\nexport DEBIAN_FRONTEND=noninteractive\nexport V=${PG:-15}\nmkdir -p /temp\nrun() { log \"x $1\"; \"$1\"; }\nfor f in \"$SCRIPT_DIR\"/scripts/0*.sh; do\n  [ -x \"$f\" ] || continue\n  echo \"== $f\"\n  run \"$f\"\ndone\nif [[ \"$PG\" -ge 14 ]]; then\n  run $SCRIPT_DIR/scripts/50-x.sh\nelse run $SCRIPT_DIR/scripts/51-y.sh\nfi\n[ \"$X\" = 2 ] && run $SCRIPT_DIR/scripts/50-x.sh\nrun $SCRIPT_DIR/scripts/99-cleanup.sh\nrm -rf /temp\n"), Mode: 0o755},
		"setup/lib.sh":                {Data: []byte("log() { echo \"$@\"; }\n"), Mode: 0o644},
		"setup/scripts/01-a.sh":       {Data: []byte("#!/bin/sh\necho $PG\n. /setup/lib.sh\npatch < /setup/p/x.patch\n"), Mode: 0o755},
		"setup/scripts/02-b.sh":       {Data: []byte("#!/bin/sh\napt-get update; apt-get install -y $X\n"), Mode: 0o755},
		"setup/scripts/50-x.sh":       {Data: []byte("#!/bin/sh\necho $V\n"), Mode: 0o755},
		"setup/scripts/51-y.sh":       {Data: []byte("#!/bin/sh\necho $V\n"), Mode: 0o755},
		"setup/scripts/99-cleanup.sh": {Data: []byte("#!/bin/sh\nrm -rf /setup/scripts\n"), Mode: 0o755},
		"setup/p/x.patch":             {Data: []byte("x"), Mode: 0o644},
		"entrypoint.d/entrypoint.sh":  {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
	}
	df := "# syntax=x\nARG BASE=debian:bookworm-slim\nFROM ${BASE}\nARG PG=15 X=2\nARG UNUSED\nENV A=b\nCOPY setup /setup\nCOPY entrypoint.d/entrypoint.sh /opt/x/\nRUN chmod +x /setup/setup.sh && /setup/setup.sh\nRUN chmod 755 /opt/x/entrypoint.sh\nENTRYPOINT [\"/opt/x/entrypoint.sh\"]\n"
	f, err := Parse("Dockerfile", []byte(df))
	require.NoError(t, err)
	r, err := Read(f, Options{Context: fsys, Platform: "linux/amd64"}, func(_ *shell.Program, g shell.Guard) bool {
		fmt.Printf("guard %+v\n", g)
		return g.Kind == shell.GuardIf || g.Kind == shell.GuardElse || g.Kind == shell.GuardAnd
	})
	require.NoError(t, err)
	for _, s := range r.Target().Steps {
		fmt.Println(s.Text)
		if s.Copy != nil {
			fmt.Printf("  copy %+v\n", *s.Copy)
		}
		if s.Run == nil {
			continue
		}
		for _, p := range s.Run.Pieces {
			fmt.Printf("  piece %q state %v script %q prelude %q\n", p.Text, p.State, p.Script, p.Prelude)
			if p.Facts != nil {
				fmt.Printf("    opaque %q reads %q trees %q dirs %q touched %q\n", p.Facts.Opaque, p.Facts.Reads, p.Facts.Trees, p.Facts.Dirs, p.Facts.Touched)
			}
			if p.Driver != nil {
				fmt.Printf("    driver why %q\n", p.Driver.Why)
				for _, one := range p.Driver.Parts {
					fmt.Printf("      %q script %q dir %q when %v env %v varies %v reads %q touched %q\n", one.Text, one.Script, one.Dir, one.When, one.Env, one.Varies, one.Facts.Reads, one.Facts.Touched)
				}
			}
		}
	}
}
