//go:build full

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// Wherever in a build the daemon is killed: started again, it has all that it
// had told of as done, but for the step that it may have been about to keep.
func TestDaemonKilledAnywhere(t *testing.T) {
	const scripts = 8
	env := testenv.Shared(t)
	files := map[string]string{"Dockerfile": "base: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\n", "entrypoint.sh": "#!/bin/sh\n"}
	for i := range scripts {
		files[fmt.Sprintf("setup/scripts/%02d.sh", i)] = fmt.Sprintf("#!/bin/sh\nset -eu\nhead -c 100000 /dev/urandom >/%d\n", i)
	}
	dir := testenv.Tree(t, files)
	for killed := 1; killed <= scripts+2; killed++ { // the user, the scripts, and the layer beside them
		t.Run(fmt.Sprintf("after step %d", killed), func(t *testing.T) {
			d := env.NewDaemon(t, 0)
			request := testenv.Request{Func: frontend.Build, Context: dir, Image: fmt.Sprintf("anywhere:%d", killed)}
			done := make(chan []string, 1)
			request.Watch = func(trace *testenv.Trace) {
				if names := finished(trace); len(names) >= killed { // several may be told of at once
					select {
					case done <- names:
						d.Kill(t)
					default:
					}
				}
			}
			_, err := d.Build(t.Context(), request)
			require.ErrorContains(t, err, "Unavailable")
			before := <-done
			d.Restart(t)
			request.Watch = nil
			result, err := d.Build(t.Context(), request)
			if err != nil && strings.Contains(err.Error(), "file exists") {
				// BuildKit v0.34 finds a folder that it was about to make when it was killed, and then knows of it.
				t.Log("a second build was needed:", err)
				result, err = d.Build(t.Context(), request)
			}
			require.NoError(t, err, "%s", result.Trace)
			assert.Equal(t, result.Digest, published(t, env, request.Image))
			again := 0
			for _, name := range before {
				if result.Trace.Ran(name) {
					again++
				}
			}
			assert.LessOrEqual(t, again, 1, "of %q\n%s", before, result.Trace)
		})
	}
}

// finished are the steps of toolchain and setup that were done.
func finished(trace *testenv.Trace) []string {
	var names []string
	for _, prefix := range []string{"[toolchain", "[setup", "[entrypoint"} {
		for _, v := range trace.Find(prefix) {
			if v.Completed != nil && v.Error == "" {
				names = append(names, v.Name)
			}
		}
	}
	return names
}
