package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// A private git repository is fetched by the client's ssh agent, from a server that has the key that the
// tree says: by buildx and by pgstrata alike.
func TestSourceBySSH(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	server := testenv.NewSSHServer(t)
	repo := filepath.Join(t.TempDir(), "private.git")
	git(t, ".", "init", "--quiet", "--initial-branch=main", repo)
	commit(t, repo, "main.c", "private one\n", "v1")
	tree := compiled(fmt.Sprintf("program: {git: %q, ref: v1, known_hosts: setup/known_hosts}", "ssh://root@"+server.Host+repo))
	tree["Dockerfile"] = "# syntax=localhost:5000/pgstrata:dev\n" + tree["Dockerfile"]
	tree["setup/known_hosts"] = server.KnownHosts
	dir := testenv.Tree(t, tree)
	pgstrata := testenv.Program(t, "pgstrata")
	byBuildx := func(args ...string) testenv.Output { return env.Buildx(t, append(args, "--progress=plain", dir)...) }
	byPgstrata := func(args ...string) testenv.Output {
		return env.Run(t, pgstrata, append(append([]string{"build"}, args...), "--progress=plain", dir)...)
	}
	agent := "default=" + server.Agent

	for name, build := range map[string]func(...string) testenv.Output{"buildx": byBuildx, "pgstrata": byPgstrata} {
		image := "source-ssh:" + name
		text := "private for " + name + "\n"
		commit(t, repo, "main.c", text, "v1")
		out := build()
		assert.NotZero(t, out.Code, "nobody has lent a key")
		assert.Contains(t, out.Stderr, "default", "%s: the agent that is missing is named", name)

		out = build("--ssh", agent, "--push", "--tag", env.Registry.Ref(image))
		require.Zero(t, out.Code, "%s: %s", name, out.Stderr)
		got, err := env.Registry.Image(t, image).Read("/opt/program")
		require.NoError(t, err)
		assert.Equal(t, text, string(got))

		write(t, dir, "setup/known_hosts", strings.Replace(server.KnownHosts, "AAAA", "AAAB", 1))
		commit(t, repo, "main.c", "of another server for "+name+"\n", "v1")
		out = build("--ssh", agent)
		assert.NotZero(t, out.Code, name)
		assert.Contains(t, out.Stderr, "Host key verification failed", "a server with another key is not asked")
		write(t, dir, "setup/known_hosts", server.KnownHosts)
	}

	out := env.Run(t, pgstrata, "lock", "--progress=plain", "--ssh", agent, dir)
	require.Zero(t, out.Code, out.Stderr)
	locked := strings.TrimSpace(git(t, repo, "rev-parse", "HEAD"))
	data, err := os.ReadFile(filepath.Join(dir, "Dockerfile.lock"))
	require.NoError(t, err)
	assert.Contains(t, string(data), locked)
	commit(t, repo, "main.c", "moved\n", "v1")
	moved := strings.TrimSpace(git(t, repo, "rev-parse", "HEAD"))
	for _, out := range []testenv.Output{byBuildx("--no-cache", "--ssh", agent), byPgstrata("--no-cache", "--ssh", agent)} {
		assert.NotZero(t, out.Code)
		assert.Contains(t, out.Stderr, locked)
		assert.Contains(t, out.Stderr, moved)
	}
}
