package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// recipes are the pipelines that docs/ci.md shows, as it shows them.
type recipes struct {
	GitHub struct {
		On   map[string]any
		Jobs map[string]struct {
			Needs string
			Steps []struct {
				ID, Uses, Run, If string
			}
		}
	}
	// GitLab's jobs stand beside its settings.
	GitLab map[string]any
}

func readRecipes(t *testing.T) recipes {
	t.Helper()
	var out recipes
	require.NoError(t, yaml.Unmarshal([]byte(recipe(t, "GitHub Actions")), &out.GitHub))
	require.NoError(t, yaml.Unmarshal([]byte(recipe(t, "GitLab")), &out.GitLab))
	return out
}

// recipe is the pipeline below a heading of docs/ci.md, as it shows it.
func recipe(t *testing.T, heading string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "docs/ci.md"))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(data), "\n## "+heading+"\n")
	require.True(t, ok, heading)
	_, rest, ok = strings.Cut(rest, "\n```yaml\n")
	require.True(t, ok, heading)
	text, _, ok := strings.Cut(rest, "\n```\n")
	require.True(t, ok, heading)
	return text + "\n"
}

// script returns the commands of a GitLab job's key.
func (r recipes) script(t *testing.T, job, key string) string {
	t.Helper()
	keys, ok := r.GitLab[job].(map[string]any)
	require.True(t, ok, job)
	list, ok := keys[key].([]any)
	require.True(t, ok, "%s: %s", job, key)
	var b strings.Builder
	for _, line := range list {
		text, ok := line.(string)
		require.True(t, ok, "%s: %s: %v", job, key, line)
		b.WriteString(text + "\n")
	}
	return b.String()
}

// Every command of the pipelines is shell that a shell can read.
func TestRecipesParse(t *testing.T) {
	r := readRecipes(t)
	parse := func(where, text string) {
		// What the code host puts in is no business of the shell's.
		_, err := syntax.NewParser().Parse(strings.NewReader(strings.ReplaceAll(text, "${{", "${")), where)
		assert.NoError(t, err)
	}
	assert.Contains(t, r.GitHub.On, "pull_request")
	require.Len(t, r.GitHub.Jobs, 2)
	for name, job := range r.GitHub.Jobs {
		for _, s := range job.Steps {
			assert.NotEqual(t, s.Uses == "", s.Run == "", "%s: a step uses something or runs something: %+v", name, s)
			parse(name, s.Run)
		}
	}
	for _, job := range []string{"check", "plan", "build"} {
		parse(job, r.script(t, job, "script"))
	}
	for _, job := range []string{".pgstrata", "build"} {
		parse(job, r.script(t, job, "before_script"))
	}
	parse("plan", r.script(t, "plan", "after_script"))

	bake, err := os.ReadFile(filepath.Join(root, "examples/postgresql/docker-bake.hcl"))
	require.NoError(t, err)
	for _, target := range []string{"test", "release"} {
		assert.Contains(t, string(bake), `target "`+target+`"`)
	}
	assert.Contains(t, r.script(t, "build", "script"), "docker buildx bake test release\n")
}

// The steps that need no builder do what the page says, in a repository with
// the example in it and a change on a branch.
func TestRecipesRun(t *testing.T) {
	r := readRecipes(t)
	dir := testenv.Example(t, "postgresql")
	pgstrata := testenv.Program(t, "pgstrata")
	run := func(script string) error {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(pgstrata)+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+t.TempDir(),
			"CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main", "HOME="+t.TempDir(),
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Logf("%s\n%s", script, out)
		}
		return err
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
		return string(data)
	}
	require.NoError(t, run("git init --quiet --initial-branch=main . && git add . && git commit --quiet --message=one && git remote add origin . && "+
		"git fetch --quiet origin && git switch --quiet --create change && echo '# edited' >>entrypoint.d/entrypoint.sh && git commit --quiet --all --message=two"))

	require.NoError(t, run(r.script(t, "plan", "script")))
	plan := read("plan.md")
	assert.Contains(t, plan, "What this change builds again:\n```\n")
	assert.Contains(t, plan, "entrypoint/entrypoint  invalidated  entrypoint.d/entrypoint.sh changed\n1 step built again")

	for _, script := range []string{r.script(t, "check", "script")} {
		require.NoError(t, run(script))
		assert.Empty(t, results(t, read("check.sarif")))
		scripts := filepath.Join(dir, "setup/scripts/04-filesystem.sh")
		good, err := os.ReadFile(scripts)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(scripts, append(good, "make\n"...), 0o600))
		require.Error(t, run(script), "the job fails")
		assert.NotEmpty(t, results(t, read("check.sarif")), "and has written why")
		require.NoError(t, os.WriteFile(scripts, good, 0o600))
	}
}

// results are those of a SARIF report.
func results(t *testing.T, text string) []any {
	t.Helper()
	var report struct{ Runs []struct{ Results []any } }
	require.NoError(t, json.Unmarshal([]byte(text), &report))
	require.Len(t, report.Runs, 1)
	return report.Runs[0].Results
}

// Renovate's regular expression finds each version that the page shows, and the build file there is one.
func TestRenovate(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "docs/ci.md"))
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(data), "\n## Keep up with upstream\n")
	require.True(t, ok)
	block := func(language string) string {
		_, text, ok := strings.Cut(rest, "\n```"+language+"\n")
		require.True(t, ok, language)
		text, _, _ = strings.Cut(text, "\n```\n")
		return text + "\n"
	}
	file, err := spec.Load("Dockerfile", []byte(block("yaml")), spec.Options{})
	require.NoError(t, err)
	var config struct {
		CustomManagers []struct{ ManagerFilePatterns, MatchStrings []string }
	}
	require.NoError(t, json.Unmarshal([]byte(block("json")), &config))
	manager := config.CustomManagers[0]
	for _, name := range []string{"Dockerfile", "images/pgstrata.yaml"} {
		assert.True(t, slices.ContainsFunc(manager.ManagerFilePatterns, func(p string) bool {
			return regexp.MustCompile(strings.Trim(p, "/")).MatchString(name)
		}), name)
	}
	find := regexp.MustCompile(manager.MatchStrings[0])
	var got []string
	for _, m := range find.FindAllStringSubmatch(block("yaml"), -1) {
		group := func(name string) string { return m[find.SubexpIndex(name)] }
		got = append(got, group("datasource")+" "+group("depName")+" "+group("extractVersion")+" "+group("currentValue"))
	}
	assert.Equal(t, []string{
		"pypi patroni  " + file.Args[0].Value.Value,
		"github-tags pgvector/pgvector ^v(?<version>.+)$ " + file.Args[1].Value.Value,
	}, got)
}
