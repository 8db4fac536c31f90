package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// ordinary is a tree as such projects have it: a driver script that runs
// fifteen others and a cleanup, from one RUN.
func ordinary() map[string]string {
	files := map[string]string{
		"Dockerfile": `FROM debian:bookworm-slim
ARG ONE=1
ARG TWO=2
ENV LANG=C.UTF-8
COPY setup /setup
RUN /setup/setup.sh
COPY entrypoint.d /opt/container/entrypoint.d
COPY entrypoint.d/entrypoint.sh /entrypoint.sh
EXPOSE 5432
ENTRYPOINT ["/entrypoint.sh"]
`,
		"setup/setup.sh": `#!/bin/bash
set -euo pipefail
SCRIPT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$SCRIPT_DIR/lib/log.sh"
export DEBIAN_FRONTEND=noninteractive
log "building"
for script in "$SCRIPT_DIR"/scripts/*.sh; do
  [ -x "$script" ] || continue
  log "running $(basename "$script")"
  bash "$script"
done
log "done"
`,
		"setup/lib/log.sh":                      "log() { printf '[%s] %s\\n' \"$(date +%T)\" \"$*\"; }\n",
		"setup/scripts/99-cleanup.sh":           "#!/bin/bash\nset -eu\nrm -rf /tmp/* /work\n",
		"entrypoint.d/entrypoint.sh":            "#!/bin/sh\nexec \"$@\"\n",
		"entrypoint.d/scripts/runtime/start.sh": "#!/bin/sh\necho start\n",
	}
	for i := range 15 {
		text := fmt.Sprintf("#!/bin/bash\nset -eu\n. \"$(dirname \"$0\")/../lib/log.sh\"\nlog step %d\nmkdir -p /work && echo %d >>/steps && echo %d >/work/%d\n", i, i, i, i)
		if i == 7 {
			text += "echo \"$TWO\" >/two\n"
		}
		files[fmt.Sprintf("setup/scripts/%02d-step.sh", i)] = text
	}
	return files
}

func TestDockerfileAsItStands(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, ordinary())
	first := build(t, env, dir, testenv.Request{Image: "ordinary"})
	assert.Len(t, ranUnder(first.Trace, "[stage-0-setup "), 16, "%s", first.Trace)
	require.NotEmpty(t, first.Digest)

	steps := func(res *testenv.Result) []string { return ranUnder(res.Trace, "[stage-0-setup ") }
	write(t, dir, "entrypoint.d/entrypoint.sh", "#!/bin/sh\necho edited\nexec \"$@\"\n")
	assert.Empty(t, steps(build(t, env, dir, testenv.Request{})), "an entrypoint edit runs no setup step")

	write(t, dir, "setup/scripts/14-step.sh", "#!/bin/bash\nset -eu\necho edited >>/steps\n")
	assert.Equal(t, []string{
		"RUN bash /setup/scripts/14-step.sh",
		"RUN bash /setup/scripts/99-cleanup.sh",
	}, steps(build(t, env, dir, testenv.Request{})))

	bumped := build(t, env, dir, testenv.Request{Options: map[string]string{"build-arg:TWO": "3"}})
	assert.Len(t, steps(bumped), 9, "the script that reads the arg, and those after it")

	off := build(t, env, dir, testenv.Request{Options: map[string]string{"build-arg:PGSTRATA_SPLIT": "off"}})
	assert.Empty(t, steps(off))
}
