//go:build explore

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/testenv"
)

func small(syntax string) map[string]string {
	return map[string]string{
		"Dockerfile": `# syntax=localhost:5000/` + syntax + `
base: debian:bookworm-slim
args: {ONE: "1", TWO: "2"}
user: {name: postgres, uid: 999, gid: 998, home: /var/lib/postgresql}
setup:
  build_artifacts: [/temp]
image:
  env: {LANG: C.UTF-8}
  expose: [5432]
  stop_signal: SIGINT
entrypoint:
  configuration_files:
    - {source: config/server.conf, target: /etc/server/server.conf, mode: "0640"}
`,
		"Dockerfile.b": `FROM debian:bookworm-slim
ARG ONE=1
RUN --mount=type=bind,source=setup,target=/context/setup /context/setup/scripts/01-first.sh
RUN --mount=type=bind,source=setup,target=/context/setup /context/setup/scripts/99-cleanup.sh
COPY --link --chmod=0755 entrypoint.d/scripts /opt/container/entrypoint.d/scripts
COPY --link --chmod=0755 entrypoint.d/entrypoint.sh /entrypoint.sh
`,
		"setup/scripts/01-first.sh":              "#!/bin/sh\nset -eu\necho first >/first\ntouch /doomed\n",
		"setup/scripts/02-second.sh":             "#!/bin/sh\nset -eu\necho \"$ONE\" >/second\ninstall -d -o postgres -g postgres -m 0700 /data\n",
		"setup/scripts/03-third.sh":              "#!/bin/sh\nset -eu\necho \"$TWO\" >/third\ntest ! -e /temp/scratch\n",
		"setup/scripts/99-cleanup.sh":            "#!/bin/sh\nset -eu\nrm /doomed\n",
		"entrypoint.d/entrypoint.sh":             "#!/bin/sh\nexec \"$@\"\n",
		"entrypoint.d/scripts/utils/log.sh":      "#!/bin/sh\necho log\n",
		"entrypoint.d/scripts/runtime/start.sh":  "#!/bin/sh\necho start\n",
		"entrypoint.d/scripts/runtime/health.sh": "#!/bin/sh\ntrue\n",
		"config/server.conf":                     "port = 5432\n",
	}
}

func TestExplore(t *testing.T) {
	env := testenv.New(t)
	env.Frontend(t)
	bin := filepath.Join(t.TempDir(), "floor")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, "./floor")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	st, _ := os.Stat(bin)
	t.Log("floor size", st.Size())
	img, err := testenv.FrontendImage(bin)
	require.NoError(t, err)
	require.NoError(t, env.Registry.Push("floor:dev", img))

	type c struct{ name, dir string; args []string }
	cs := []c{
		{"floor", testenv.Tree(t, small("floor:dev")), nil},
		{"pgstrata", testenv.Tree(t, small("pgstrata:dev")), nil},
		{"dockerfile", testenv.Tree(t, small("x")), []string{"-f", "Dockerfile.b"}},
	}
	for _, prov := range []string{"--provenance=true", "--provenance=false"} {
		for _, outp := range [][]string{{"--push"}, {"--output=type=image"}, {"--output=type=cacheonly"}} {
			times := map[string][]float64{}
			for i := range 8 {
				for _, c := range cs {
					testenv.Write(t, filepath.Join(c.dir, "entrypoint.d/entrypoint.sh"), fmt.Sprintf("#!/bin/sh\n# %d %v%v\nexec \"$@\"\n", i, prov, outp))
					args := []string{"buildx", "build", "--progress=rawjson", prov, "--tag", env.Registry.Ref(c.name)}
					args = append(args, outp...)
					args = append(args, c.args...)
					args = append(args, ".")
					cmd := env.Command(t, "docker", args...)
					cmd.Dir = c.dir
					start := time.Now()
					o := testenv.Finish(t, cmd)
					took := time.Since(start)
					require.Zero(t, o.Code, o.Stderr)
					if i > 0 {
						times[c.name] = append(times[c.name], took.Seconds())
					}
					if i == 7 && prov == "--provenance=false" && outp[0] == "--push" {
						fmt.Println(o.Trace(t))
					}
				}
			}
			for _, c := range cs {
				slices.Sort(times[c.name])
				fmt.Printf("%s %v %s: min %.3f median %.3f max %.3f\n", prov, outp, c.name, times[c.name][0], times[c.name][len(times[c.name])/2], times[c.name][len(times[c.name])-1])
			}
		}
	}
}
