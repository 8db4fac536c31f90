package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// gh stands for GitHub's program, which needs GitHub: it notes what it is asked for, and knows one comment of the pull
// request where the file `old` is there.
const gh = `#!/bin/bash
printf '%s ' "$@" >>"$NOTES"; echo >>"$NOTES"
case $1 in
release)
    case $2 in
    view) echo v1.2.3 ;;
    download) cp "$RELEASE"/* . ;;
    esac ;;
api) [[ $* != *--paginate* || ! -e $OLD ]] || echo 42 ;;
esac
`

// job is a job of a workflow that uses the action.
type job struct {
	t           *testing.T
	dir, home   string
	environment []string
}

func newJob(t *testing.T, dir string) job {
	t.Helper()
	j := job{t: t, dir: dir, home: testenv.Tree(t, map[string]string{"bin/gh": gh})}
	require.NoError(t, os.Mkdir(filepath.Join(j.home, "release"), 0o755)) //nolint:gosec // not secret
	j.environment = append(os.Environ(),
		"PATH="+filepath.Join(j.home, "bin")+":"+filepath.Dir(testenv.Program(t, "pgstrata"))+":"+os.Getenv("PATH"),
		"NOTES="+j.path("notes"), "OLD="+j.path("old"), "RELEASE="+j.path("release"), "RUNNER_TEMP="+j.home, "HOME="+j.home, "XDG_CACHE_HOME="+j.home,
		"GITHUB_PATH="+j.path("path"), "GITHUB_OUTPUT="+j.path("output"), "GITHUB_STEP_SUMMARY="+j.path("summary"),
		"GITHUB_REPOSITORY=owner/name", "NUMBER=7", "BASE=main", "GH_TOKEN=token",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	return j
}

func (j job) path(name string) string { return filepath.Join(j.home, name) }

func (j job) run(environment []string, arguments ...string) error {
	cmd := exec.CommandContext(j.t.Context(), arguments[0], arguments[1:]...)
	cmd.Dir = j.dir
	cmd.Env = slices.Concat(j.environment, environment)
	out, err := cmd.CombinedOutput()
	j.t.Logf("%v\n%s", arguments, out)
	return err
}

// take returns what a file holds, and removes it.
func (j job) take(name string) string {
	j.t.Helper()
	data, err := os.ReadFile(j.path(name))
	require.NoError(j.t, err)
	require.NoError(j.t, os.Remove(j.path(name)))
	return string(data)
}

func actionScript(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "action", name))
	require.NoError(t, err)
	return path
}

// The plan is in the summary of each job, and one comment where the token may write.
func TestActionPlans(t *testing.T) {
	j := newJob(t, testenv.Example(t, "postgresql"))
	require.NoError(t, j.run(nil, "bash", "-euc", "git init --quiet --initial-branch=main . && git add . && git commit --quiet --message=one && "+
		"git switch --quiet --create change && echo '# edited' >>entrypoint.d/entrypoint.sh && git commit --quiet --all --message=two"))
	plan := actionScript(t, "plan")
	assertPlan := func(text string) {
		t.Helper()
		assert.Contains(t, text, "<!-- pgstrata plan -->\n**What this change builds again**\n\n```\n")
		assert.Contains(t, text, "entrypoint/entrypoint  invalidated  entrypoint.d/entrypoint.sh changed\n1 step built again")
	}

	require.NoError(t, j.run(nil, plan, ".", ""))
	assertPlan(j.take("summary"))
	assertPlan(j.take("plan.md"))
	assert.Contains(t, j.take("notes"), "\napi --silent --method POST repos/owner/name/issues/7/comments --field body=@"+j.path("plan.md"))

	testenv.Write(t, j.path("old"), "")
	require.NoError(t, j.run(nil, plan, ".", "Dockerfile"))
	assertPlan(j.take("summary"))
	assert.Contains(t, j.take("notes"), "\napi --silent --method PATCH repos/owner/name/issues/comments/42 --field body=@")

	require.NoError(t, j.run([]string{"FORK=true"}, plan, ".", ""))
	assertPlan(j.take("summary"))
	assert.NoFileExists(t, j.path("notes"), "a fork's token cannot write")
}

// Findings are written whole before they fail the job.
func TestActionChecks(t *testing.T) {
	dir := testenv.Example(t, "postgresql")
	j := newJob(t, dir)
	check := actionScript(t, "check")
	require.NoError(t, j.run(nil, check, ".", "", "warning"))
	assert.Empty(t, results(t, j.take("findings.sarif")))
	assert.Equal(t, "sarif="+j.path("findings.sarif")+"\n", j.take("output"))

	testenv.Write(t, filepath.Join(dir, "setup/scripts/04-filesystem.sh"), "#!/bin/sh\nmake\n")
	require.Error(t, j.run(nil, check, ".", "", "warning"))
	assert.NotEmpty(t, results(t, j.take("findings.sarif")))
	require.NoError(t, j.run(nil, check, ".", "", "never"))
}

// The program is a release's, with the right checksum, or there is none.
func TestActionInstalls(t *testing.T) {
	j := newJob(t, t.TempDir())
	install := actionScript(t, "install")
	archive := "pgstrata_1.2.3_linux_" + runtime.GOARCH + ".tar.gz"
	require.NoError(t, j.run(nil, "bash", "-euc", `cd "$RELEASE" && echo program >pgstrata && tar -czf `+archive+` pgstrata && rm pgstrata && `+
		`{ sha256sum `+archive+` && echo "0000  other.tar.gz"; } >SHA256SUMS`))
	for _, version := range []string{"latest", "v1.2.3"} {
		require.NoError(t, j.run(nil, install, version))
		assert.Equal(t, j.path("pgstrata")+"\n", j.take("path"))
		assert.Equal(t, "program\n", j.take("pgstrata/pgstrata"))
		assert.Contains(t, j.take("notes"), "release download v1.2.3 --repo pgstrata/pgstrata --pattern "+archive)
	}
	testenv.Write(t, j.path("release/"+archive), "another")
	require.Error(t, j.run(nil, install, "v1.2.3"))
	assert.NoFileExists(t, j.path("path"))
}

// What the action's steps call is there.
func TestActionNamesItsScripts(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "action.yml"))
	require.NoError(t, err)
	var action struct {
		Runs struct {
			Steps []struct{ Run string }
		}
	}
	require.NoError(t, yaml.Unmarshal(data, &action))
	require.Len(t, action.Runs.Steps, 3)
	for i, name := range []string{"install", "plan", "check"} {
		assert.Contains(t, action.Runs.Steps[i].Run, `"$GITHUB_ACTION_PATH/action/`+name+`"`)
		info, err := os.Stat(filepath.Join(root, "action", name))
		require.NoError(t, err)
		assert.NotZero(t, info.Mode()&0o111)
	}
}
