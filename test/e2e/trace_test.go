package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
	"github.com/pgstrata/pgstrata/trace"
)

// A step has neither CAP_SYS_ADMIN nor CAP_SYS_PTRACE. So other users' processes
// are closed to the tracer, and set-uid programs gain nothing.
func TestTracedInAStep(t *testing.T) {
	const script = `
		read -r version </etc/debian_version
		install -d -o nobody /jail /out
		runuser -u nobody -- /bin/sh -euc 'cp /etc/debian_version /out/copy; test ! -e /out/none; su --version >/dev/null'
		cp /trace/pgstrata-trace /jail/program
		chroot /jail /program 2>/dev/null || test $? = 2
		rm /etc/motd`
	env := testenv.Shared(t)
	step := llb.Image("debian:bookworm-slim").Run(
		llb.Args([]string{"/trace/pgstrata-trace", "/record/record", "/bin/sh", "-euc", script}),
		llb.AddMount("/trace", llb.Local("context"), llb.Readonly))
	record := step.AddMount("/record", llb.Scratch())
	out := t.TempDir()
	result, err := env.Daemon.Build(t.Context(), testenv.Request{
		State: &record, Context: filepath.Dir(testenv.Program(t, "pgstrata-trace")),
		SolveOpt: client.SolveOpt{Exports: []client.ExportEntry{{Type: client.ExporterLocal, OutputDir: out}}},
	})
	require.NoError(t, err, "%s", result.Trace)

	file, err := os.Open(filepath.Join(out, "record"))
	require.NoError(t, err)
	defer file.Close()
	read, err := trace.ReadRecord(file)
	require.NoError(t, err)
	assert.Equal(t, []string{"what /usr/bin/su does with the privileges that it gains: it gains none while it is traced"}, read.Unknown)
	paths := map[string]trace.Path{}
	for _, p := range read.Paths {
		paths[p.Name] = p
	}
	for _, want := range []trace.Path{
		{Name: "/etc/debian_version", Did: trace.Read, Was: trace.File, Left: trace.File},
		{Name: "/out/copy", Did: trace.Absent | trace.Created, Was: trace.Nothing, Left: trace.File},
		{Name: "/out/none", Did: trace.Absent, Was: trace.Nothing, Left: trace.Nothing},
		{Name: "/etc/motd", Did: trace.Looked | trace.Deleted, Was: trace.File, Left: trace.Nothing},
	} {
		got := paths[want.Name]
		assert.Equal(t, want, got, want.Name)
	}
	assert.Contains(t, paths["/jail/program"].Did.String(), "created")
	assert.NotContains(t, paths, "/program", "a name in a changed root is not one in the image's")
}
