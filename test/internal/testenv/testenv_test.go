package testenv_test

import (
	"archive/tar"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// A build is followed vertex by vertex: run the first time, cached the second, and only what changed is run the third.
func TestTrace(t *testing.T) {
	env := testenv.Shared(t)
	state := func(second string) testenv.Request {
		st := llb.Image("debian:bookworm-slim").
			Run(llb.Shlex(`sh -c "echo hello; touch /first"`), llb.WithCustomName("first step")).
			Run(llb.Args([]string{"sh", "-c", second}), llb.WithCustomName("second step")).Root()
		return testenv.Request{State: &st}
	}
	build := func(second string) *testenv.Trace {
		t.Helper()
		result, err := env.Daemon.Build(t.Context(), state(second))
		require.NoError(t, err)
		return result.Trace
	}

	trace := build("true")
	require.True(t, trace.Ran("first") && trace.Ran("second"), trace)
	require.Equal(t, "hello\n", trace.Logs("first"))

	trace = build("true")
	require.False(t, trace.Ran("step"), trace)
	require.True(t, trace.Cached("second"), trace)

	trace = build("true; true")
	require.False(t, trace.Ran("first"), trace)
	require.True(t, trace.Ran("second"), trace)

	result, err := env.Daemon.Build(t.Context(), state("echo no luck; false"))
	require.Error(t, err)
	require.Contains(t, result.Trace.Logs("second"), "no luck")
}

// An image is pushed and read back as its user gets it.
func TestImage(t *testing.T) {
	env := testenv.Shared(t)
	st := llb.Image("debian:bookworm-slim").
		File(llb.Mkdir("/etc/app", 0o750, llb.WithUIDGID(7, 8)).
			Mkfile("/etc/app/a", 0o640, []byte("content"), llb.WithUIDGID(7, 8)).
			Mkfile("/etc/app/b", 0o640, nil)).
		File(llb.Rm("/etc/app/b").Rm("/usr/share/doc/"))
	result, err := env.Daemon.Build(t.Context(), testenv.Request{State: &st, Image: "test/image:1"})
	require.NoError(t, err)

	image := env.Registry.Image(t, "test/image:1")
	require.Equal(t, result.Digest, image.Digest)
	require.Len(t, image.Layers, 3)

	files := image.Files()
	entry := files["/etc/app/a"]
	require.Equal(t, []any{byte(tar.TypeReg), "-rw-r-----", 7, 8, int64(7)},
		[]any{entry.Type, entry.Mode.String(), entry.UID, entry.GID, entry.Size})
	content, err := image.Read("/etc/app/a")
	require.NoError(t, err)
	require.Equal(t, "content", string(content))

	require.Contains(t, image.Layers[1].Paths(), "/etc/app/b")
	require.NotContains(t, files, "/etc/app/b")
	require.Contains(t, files, "/usr/bin/dpkg")
	for path := range files {
		require.False(t, strings.HasPrefix(path, "/usr/share/doc/"), path)
	}
}

// Docker's client, and Docker's engine, know the environment's daemon and registry.
func TestDocker(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "FROM debian:bookworm-slim\nCOPY server /\nCMD [\"/server\"]\n",
		"server":     "#!/bin/bash\ntrap 'exit 3' USR1\necho up\nwhile :; do read -rt 1 <> <(:) || :; done\n",
	})
	image := env.Registry.Ref("test/docker:1")
	out := env.Buildx(t, "--progress=rawjson", "--push", "--tag", image, dir)
	require.Zero(t, out.Code, out.Stderr)
	require.True(t, out.Trace(t).Ran("COPY server"), out.Stderr)

	container := env.Docker(t).Run(t, "--network=host", image)
	testenv.Await(t, time.Minute, func(context.Context) error {
		if logs := container.Logs(); logs != "up\n" {
			return errors.New(logs)
		}
		return nil
	})
	require.Equal(t, "running", container.Inspect("{{.State.Status}}"))
	require.Equal(t, "12\n", container.Exec("cut", "-d.", "-f1", "/etc/debian_version").Stdout)
	container.Kill("USR1")
	require.Equal(t, 3, container.Wait())
}

// The hosts of a network reach each other and what the test runs there, until a cable is pulled.
func TestNetwork(t *testing.T) {
	env := testenv.Shared(t)
	network := testenv.NewNetwork(t, env.Docker(t))
	etcd := testenv.Etcd(t, network.Address)
	image := env.Registry.Ref("library/debian:bookworm-slim")
	a, b := network.Node(image), network.Node(image)

	reaches := func(node *testenv.Node, address string) bool {
		host, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		return node.Exec("timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/"+host+"/"+port).Code == 0
	}
	require.True(t, reaches(a, etcd))
	require.True(t, reaches(b, etcd))
	network.Cut(a)
	require.False(t, reaches(a, etcd))
	require.True(t, reaches(b, etcd))
	network.Mend(a)
	require.True(t, reaches(a, etcd))
}
