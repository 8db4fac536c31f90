package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/replay"
)

// repository is a git repository that a test makes, commit by commit.
type repository struct {
	*testing.T
	dir     string
	commits int
}

func newRepository(t *testing.T) *repository {
	t.Setenv("XDG_CACHE_HOME", t.TempDir()) // no build is recorded there
	r := &repository{T: t, dir: t.TempDir()}
	r.git("init", "--quiet", "--initial-branch=main")
	return r
}

func (r *repository) git(args ...string) string {
	r.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir}, args...)...)
	date := fmt.Sprintf("2026-01-%02dT12:%02d:00Z", 1+r.commits/60, r.commits%60)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=t", "GIT_AUTHOR_EMAIL=t@example.com", "GIT_COMMITTER_NAME=t", "GIT_COMMITTER_EMAIL=t@example.com",
		"GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	require.NoError(r.T, err, "git %v\n%s", args, out)
	return strings.TrimSpace(string(out))
}

func (r *repository) write(name, text string) {
	r.Helper()
	full := filepath.Join(r.dir, name)
	require.NoError(r.T, os.MkdirAll(filepath.Dir(full), 0o755))
	require.NoError(r.T, os.WriteFile(full, []byte(text), 0o600))
}

func (r *repository) read(name string) string {
	r.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	require.NoError(r.T, err)
	return string(data)
}

func (r *repository) commit(subject string) {
	r.Helper()
	r.commits++
	r.git("add", "--all")
	r.git("commit", "--quiet", "--allow-empty", "--message", subject)
}

// edit commits a line more at the end of each file, so many times.
func (r *repository) edit(times int, names ...string) {
	r.Helper()
	for range times {
		for _, name := range names {
			r.write(name, r.read(name)+fmt.Sprintf(": %d\n", r.commits))
		}
		r.commit("edit " + strings.Join(names, " and "))
	}
}

// replace commits another text in a file.
func (r *repository) replace(name, old, text string) {
	r.Helper()
	before := r.read(name)
	require.Contains(r.T, before, old)
	r.write(name, strings.Replace(before, old, text, 1))
	r.commit("change " + name)
}

// run runs pgstrata.
func (r *repository) run(args ...string) (string, error) {
	r.Helper()
	var out bytes.Buffer
	cmd := newCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	err := cmd.ExecuteContext(r.Context())
	return out.String(), err
}

func (r *repository) analyze(args ...string) *replay.Report {
	r.Helper()
	out, err := r.run(append(append([]string{"analyze", "--format=json"}, args...), r.dir)...)
	require.NoError(r.T, err)
	report := &replay.Report{}
	require.NoError(r.T, json.Unmarshal([]byte(out), report))
	return report
}

// The setup of the history below: seven steps. They are the packages, four
// scripts, a cleanup, and the squash, which is conditional on what the cleanup
// leaves.
const analyzedFile = `base: debian:bookworm-slim
args:
  POSTGRESQL_VERSION: "15"
  PATRONI_VERSION: "3.0.2"
setup:
  dependencies:
    runtime: [locales]
  scripts:
    - setup/scripts/01-locales.sh
    # PostgreSQL itself
    - setup/scripts/02-postgresql.sh
    - setup/scripts/03-patroni.sh   # needs Python
    - setup/scripts/04-filesystem.sh
`

func analyzed(t *testing.T) *repository {
	r := newRepository(t)
	for name, text := range map[string]string{
		"Dockerfile":                            analyzedFile,
		"setup/scripts/01-locales.sh":           "#!/bin/sh\nlocale-gen\n",
		"setup/scripts/02-postgresql.sh":        "#!/bin/sh\n. \"$(dirname \"$0\")/../lib/common.sh\"\nmake install PG_MAJOR=$POSTGRESQL_VERSION\n",
		"setup/scripts/03-patroni.sh":           "#!/bin/sh\n. \"$(dirname \"$0\")/../lib/common.sh\"\npip install patroni==$PATRONI_VERSION\n",
		"setup/scripts/04-filesystem.sh":        "#!/bin/sh\nmkdir /opt/container/data\n",
		"setup/scripts/99-cleanup.sh":           "#!/bin/sh\nrm -rf /opt/container/scratch\n",
		"setup/lib/common.sh":                   "set -eu\n",
		"entrypoint.d/entrypoint.sh":            "#!/bin/sh\nexec \"$@\"\n",
		"entrypoint.d/scripts/utils/log.sh":     "#!/bin/sh\n",
		"entrypoint.d/scripts/utils/net.sh":     "#!/bin/sh\n",
		"entrypoint.d/scripts/runtime/start.sh": "#!/bin/sh\n",
		"config/server.conf":                    "port = 5432\n",
		"README.md":                             "text\n",
	} {
		r.write(name, text)
	}
	r.commit("import")
	// 98 commits that need no setup, and the last one below.
	r.edit(60, "entrypoint.d/scripts/runtime/start.sh")
	r.edit(17, "entrypoint.d/entrypoint.sh", "entrypoint.d/scripts/utils/log.sh")
	r.edit(12, "config/server.conf")
	r.edit(8, "README.md")
	r.commit("nothing at all")
	// 19 commits that change one script.
	r.edit(9, "setup/scripts/02-postgresql.sh")               // 02, 03, 04, 99: 36 steps
	r.edit(3, "setup/scripts/03-patroni.sh")                  // 03, 04, 99: 9 steps
	r.replace("Dockerfile", `"3.0.2"`, `"3.1.0"`)             // the same: 3
	r.edit(2, "setup/scripts/99-cleanup.sh")                  // 99: 2
	r.git("mv", "setup/scripts/01-locales.sh", "setup/01.sh") // a new step to the daemon: 01 to 99: 5
	r.replace("Dockerfile", "setup/scripts/01-locales.sh", "setup/01.sh")
	r.git("checkout", "--quiet", "-b", "side")
	r.edit(1, "setup/scripts/04-filesystem.sh")
	r.edit(1, "setup/scripts/04-filesystem.sh")
	r.edit(1, "README.md")
	r.git("checkout", "--quiet", "main")
	r.edit(1, "setup/01.sh") // 5
	r.commits++
	r.git("merge", "--quiet", "--no-ff", "--message", "merge", "side") // three commits on the side, one here: 04, 99: 2
	r.write("Dockerfile", "base: [\n")
	r.commit("broken")
	r.git("rm", "--quiet", "Dockerfile")
	r.commit("gone")
	r.git("checkout", "HEAD~2", "--", "Dockerfile")
	r.edit(1, "setup/scripts/04-filesystem.sh") // there again, with an edit: 2
	// 8 that change more.
	r.edit(4, "setup/lib/common.sh")                                              // 02, 03 and what follows: 16
	r.edit(1, "setup/scripts/02-postgresql.sh", "setup/scripts/04-filesystem.sh") // 4
	r.replace("Dockerfile", "[locales]", "[locales, gosu]")                       // packages and all after them: 7
	r.replace("Dockerfile", "bookworm-slim", "trixie-slim")                       // 7
	r.replace("Dockerfile", "trixie-slim", "forky-slim")                          // 7
	// Taken back: both were built before.
	r.replace("Dockerfile", "forky-slim", "trixie-slim")
	return r
}

func TestAnalyze(t *testing.T) {
	r := analyzed(t)
	report := r.analyze()
	assert.Equal(t, 132, report.Commits, "with the three of the side branch")
	assert.Equal(t, 1, report.Renames)
	require.Len(t, report.Contenders, 1)
	c := report.Contenders[0]
	assert.Equal(t, 1, c.Untouched)
	assert.Equal(t, 128, c.Compared, "all but the first, the one that changed nothing, and the two that cannot be read")
	assert.Equal(t, 99, c.None)
	assert.Equal(t, 21, c.One)
	assert.Equal(t, 8, c.More)
	assert.Equal(t, 36+9+3+2+5+2*2+5+2+2+16+4+3*7, c.Ran)
	assert.Equal(t, 26, c.Perhaps, "the squash, each time that setup runs on what was there before")
	assert.Equal(t, 128*7, c.Steps)
	assert.Zero(t, c.AllSeconds, "nobody has measured anything")
	require.Len(t, c.Unread, 2)
	assert.Equal(t, "import", report.From.Subject)
	assert.Equal(t, "broken", c.Unread[0].Commit.Subject)
	assert.Contains(t, c.Unread[0].Error, "is not closed")
	assert.Equal(t, "gone", c.Unread[1].Commit.Subject)
	assert.Equal(t, "no build file Dockerfile", c.Unread[1].Error)
	assert.Equal(t, replay.Cause{Kind: "file", Name: "setup/scripts/02-postgresql.sh", Commits: 10, Ran: 40}, c.Causes[0])
	assert.Contains(t, c.Causes, replay.Cause{Kind: "file", Name: "setup/lib/common.sh", Commits: 4, Ran: 16})
	assert.Contains(t, c.Causes, replay.Cause{Kind: "arg", Name: "PATRONI_VERSION", Commits: 1, Ran: 3})
	assert.Contains(t, c.Causes, replay.Cause{Kind: "image", Commits: 2, Ran: 14})
	counts := map[string]int{}
	for _, f := range report.Files {
		counts[f.Path] = f.Changes
	}
	assert.Equal(t, replay.File{Path: "entrypoint.d/scripts/runtime/start.sh", Changes: 60, Nodes: []string{"entrypoint/runtime"}}, report.Files[0])
	assert.Equal(t, 2, counts["setup/01.sh"], "renamed and edited")
	assert.NotContains(t, counts, "entrypoint.d/scripts/utils/net.sh", "nobody changed it")
	assert.NotContains(t, counts, "setup/scripts/01-locales.sh")
	assert.Equal(t, 2, len(c.Outcomes[len(c.Outcomes)-10].Ran), "the merge: %+v", c.Outcomes[len(c.Outcomes)-10])

	// 01 had 2 commits of its own, 02 had 14, 03 had 8, 04 had 5; 4 of them are
	// those of the helper, which 02 and 03 share, and one is 02's and 04's. So
	// they ran 2 + 16 + 20 + 24 times.
	order := report.Advice[0]
	assert.Equal(t, []string{"setup/01.sh", "setup/scripts/03-patroni.sh", "setup/scripts/04-filesystem.sh", "setup/scripts/02-postgresql.sh"}, order.Order)
	assert.Equal(t, 62, order.Of)
	assert.Equal(t, 62-(2+10+15+24), order.Saves)
	split := report.Advice[1]
	assert.Equal(t, "split", split.Kind)
	assert.Contains(t, split.Text, "split 02-postgresql.sh: it changed in 14 commits, and the 2 scripts after it ran each time")
	assert.Equal(t, 62-(14+2+10+15), split.Saves, "the others without it, and it alone")
	shared := report.Advice[len(report.Advice)-1]
	assert.Equal(t, "split setup/lib/common.sh: it changed in 4 commits, and 16 steps of setup ran for it. 02-postgresql.sh, 03-patroni.sh read it: each may need but a part", shared.Text)

	merged := r.analyze("--first-parent")
	assert.Equal(t, 129, merged.Commits, "the merge stands for the branch")
	assert.Equal(t, 36+9+3+2+5+5+2+2+16+4+3*7, merged.Contenders[0].Ran)

	// The edit is one that git takes, and that pgstrata reads.
	r.write("order.diff", order.Edit)
	r.git("apply", "order.diff")
	assert.Contains(t, r.read("Dockerfile"), `  scripts:
    - setup/01.sh
    - setup/scripts/03-patroni.sh   # needs Python
    - setup/scripts/04-filesystem.sh
    # PostgreSQL itself
    - setup/scripts/02-postgresql.sh
`)
	_, err := r.run("plan", r.dir)
	require.NoError(t, err)
}

// A history is cut, and put into words.
func TestAnalyzeInWords(t *testing.T) {
	r := analyzed(t)
	since := r.analyze("--since", "HEAD~3")
	assert.Equal(t, 3, since.Contenders[0].Compared)
	assert.Equal(t, 2, since.Contenders[0].More)
	newest := r.analyze("-n", "1")
	assert.Equal(t, 1, newest.Contenders[0].Compared)
	assert.Equal(t, 0, newest.Contenders[0].None, "without the commits before it, nobody knows that this was built before")

	out, err := r.run("analyze", r.dir)
	require.NoError(t, err)
	// The page of the documentation shows this history: hashes are the same each time.
	golden.Region(t, "../../docs/analyze.md", "report", "```console\n$ pgstrata analyze .\n"+out+"```\n")
	assert.Contains(t, out, "\n  needed no step of setup                     99 (77.3 %)\n")

	_, err = r.run("analyze", "--since", "nothing", r.dir)
	require.ErrorContains(t, err, `"nothing" is no revision of the git repository`)
	_, err = r.run("analyze", "--since", "HEAD", r.dir)
	require.ErrorContains(t, err, "there are no commits after HEAD")
	_, err = r.run("analyze", t.TempDir())
	require.ErrorContains(t, err, "git rev-parse")
}

// Older commits lack what the build file of today names, and a command that sets
// owners alone is no setup.
func TestAnalyzeWhatOlderCommitsLack(t *testing.T) {
	r := newRepository(t)
	r.write("setup/one.sh", "#!/bin/sh\nmkdir -p /srv/one\n")
	r.write("ep/e.sh", "#!/bin/sh\nexec postgres\n")
	r.write("README.md", "text\n")
	r.write(".dockerignore", "README.md\n")
	r.write("Dockerfile", "FROM debian:bookworm-slim\nCOPY setup /setup\nRUN /setup/one.sh\nCOPY ep /opt/ep\nRUN set -e; chown -R 999 /opt/ep && chmod 0755 /opt/ep/*\n")
	r.commit("first")
	r.edit(4, "ep/e.sh")
	r.edit(5, "README.md")
	r.write("setup/two.sh", "#!/bin/sh\nmkdir -p /srv/two\n")
	r.commit("second script")
	r.write("pgstrata.yaml", `base: debian:bookworm-slim
setup:
  scripts: [setup/one.sh, {path: setup/two.sh, inputs: [setup/three/*]}]
  final_cleanup: [setup/four.sh]
entrypoint:
  runtime_scripts: [ep]
  configuration_files: [{source: ep/five, target: /etc/five}]
`)
	for _, name := range []string{"setup/three/x", "setup/four.sh", "ep/five"} { // in no commit yet
		r.write(name, "")
	}
	dockerfile := r.analyze().Contenders[0]
	assert.Equal(t, []int{5, 5, 4}, []int{dockerfile.Untouched, dockerfile.Compared, dockerfile.None}, "the command that sets owners is no setup")
	require.NoError(t, os.Remove(filepath.Join(r.dir, "setup/four.sh")))
	require.NoError(t, os.RemoveAll(filepath.Join(r.dir, "setup/three")))
	require.NoError(t, os.Remove(filepath.Join(r.dir, "ep/five")))
	file := r.analyze("--file", filepath.Join(r.dir, "pgstrata.yaml")).Contenders[0]
	assert.Empty(t, file.Unread)
	assert.Equal(t, []int{5, 5, 4, 1}, []int{file.Untouched, file.Compared, file.None, file.One})
}

// Interrupted, it reports on the commits that it has read, the newest.
func TestAnalyzeInterrupted(t *testing.T) {
	r := analyzed(t)
	ctx, interrupt := context.WithCancel(t.Context())
	a := &analysis{options: &options{}, dir: r.dir, file: filepath.Join(r.dir, "Dockerfile"), format: "text"}
	a.progress = writerFunc(func(p []byte) (int, error) {
		assert.Contains(t, string(p), " of 132 commits; an interrupt ends it with a report on these\n")
		if strings.HasPrefix(string(p), "read 3 ") {
			interrupt()
		}
		return len(p), nil
	})
	a.every = time.Nanosecond
	report, err := a.report(ctx)
	require.NoError(t, err)
	assert.Equal(t, 3, report.Commits)
	assert.Equal(t, "change Dockerfile", report.To.Subject)
	assert.Equal(t, []string{"interrupted: this is on the newest 3 of 132 commits"}, report.Notes)
	assert.Equal(t, 2, report.Contenders[0].Compared, "of the first nobody knows what was there before")
	_, err = a.report(ctx)
	require.ErrorIs(t, err, context.Canceled, "before anything was read")
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// With a recorded build, runs of scripts are times.
func TestAnalyzeInTime(t *testing.T) {
	r := analyzed(t)
	platform := platforms.Format(platforms.Normalize(platforms.DefaultSpec()))
	h := &history{Records: []*plan.Record{{Format: plan.Format, Platform: platform, Took: map[string]time.Duration{
		"toolchain/runtime": 10 * time.Second, "setup/01": time.Second, "setup/02-postgresql": time.Minute,
		"setup/03-patroni": 20 * time.Second, "setup/04-filesystem": time.Second,
	}}}}
	require.NoError(t, h.write(r.dir, filepath.Join(r.dir, "Dockerfile")))
	report := r.analyze()
	// 01 ran twice of itself, with the packages and twice with the base; so did
	// 02 that often, and 14 times of itself; 03 and 04 see TestAnalyze. A renamed
	// script is another node: only as 01 is it what was measured.
	c := report.Contenders[0]
	assert.InDelta(t, 3*10+5*1+19*60+23*20+27*1, c.Seconds, 1e-6)
	assert.InDelta(t, 128*10+16*1+128*60+128*20+128*1, c.AllSeconds, 1e-6)
	order := report.Advice[0]
	assert.Equal(t, "order", order.Kind)
	assert.Equal(t, []string{"setup/scripts/02-postgresql.sh", "setup/scripts/03-patroni.sh", "setup/01.sh", "setup/scripts/04-filesystem.sh"}, order.Order,
		"what takes long comes first, where it has least before it")
	assert.InDelta(t, 2*1+16*60+20*20+24*1-(14*60+18*20+20*1+24*1), order.Seconds, 1e-6)
	out, err := r.run("analyze", r.dir)
	require.NoError(t, err)
	assert.Contains(t, out, "\ntime that they take                           28 min of 3.2 h\n")
	assert.Contains(t, out, "   saves 2 min\n", "with more runs of what takes no time")
}

// A Dockerfile has two columns: as pgstrata takes it apart, and as BuildKit's
// own frontend builds it.
func TestAnalyzeADockerfile(t *testing.T) {
	r := naive(t)
	report := r.analyze()
	require.Len(t, report.Contenders, 2)
	apart, whole := report.Contenders[0], report.Contenders[1]
	assert.Equal(t, "pgstrata", apart.Name)
	assert.Equal(t, 7, apart.Compared)
	assert.Equal(t, 4, apart.None)
	assert.Equal(t, "Dockerfile", whole.Name)
	assert.Equal(t, 7, whole.Compared)
	assert.Equal(t, 0, whole.None, "it copies the folder before it runs setup")
}

// Before a tree is moved to a build file, and after: the other one need not be
// in any commit.
func TestAnalyzeAgainst(t *testing.T) {
	r := naive(t)
	r.write("pgstrata.yaml", "base: debian:bookworm-slim\nsetup:\n  scripts: [setup/new/00.sh, setup/01.sh, setup/02.sh]\n")
	r.write("setup/new/00.sh", "#!/bin/sh\n") // it belongs to the build file, and is in no commit either
	before := r.analyze("--file", filepath.Join(r.dir, "pgstrata.yaml"), "--against", filepath.Join(r.dir, "Dockerfile"))
	require.Len(t, before.Contenders, 2)
	assert.Empty(t, before.Contenders[0].Unread, "the build file as it is now counts for all commits")
	assert.Equal(t, 7, before.Contenders[0].Compared)
	assert.Equal(t, 4, before.Contenders[0].None)
	assert.Equal(t, 2, before.Contenders[0].One)
	assert.Equal(t, "Dockerfile", before.Contenders[1].Name)
	assert.Equal(t, 0, before.Contenders[1].None)

	outside := filepath.Join(t.TempDir(), "Dockerfile.before")
	require.NoError(t, os.Rename(filepath.Join(r.dir, "Dockerfile"), outside))
	require.NoError(t, os.Rename(filepath.Join(r.dir, "pgstrata.yaml"), filepath.Join(r.dir, "Dockerfile")))
	r.commit("pgstrata")
	r.edit(2, "entrypoint.d/entrypoint.sh")
	after := r.analyze("-n", "2", "--against", outside)
	assert.Equal(t, 2, after.Contenders[0].None)
	assert.Equal(t, "Dockerfile.before", after.Contenders[1].Name)
	assert.Equal(t, 2, after.Contenders[1].Compared)
	assert.Equal(t, 0, after.Contenders[1].None)

	missing := r.analyze("--against", filepath.Join(r.dir, "none"))
	assert.Equal(t, 0, missing.Contenders[1].Compared)
	assert.Equal(t, "no build file none", missing.Contenders[1].Unread[0].Error)
}

// naive is a tree with a Dockerfile that copies everything and runs setup: 4
// commits change the entrypoint, 2 one script, and 1 both scripts.
func naive(t *testing.T) *repository {
	r := newRepository(t)
	for name, text := range map[string]string{
		"Dockerfile":                 "FROM debian:bookworm-slim\nCOPY . /src\nRUN sh /src/setup/setup.sh\nCOPY entrypoint.d /opt/entrypoint.d\n",
		"setup/setup.sh":             "set -e\n/src/setup/01.sh\n/src/setup/02.sh\n",
		"setup/01.sh":                "#!/bin/sh\napt-get update\n",
		"setup/02.sh":                "#!/bin/sh\napt-get install postgresql\n",
		"entrypoint.d/entrypoint.sh": "#!/bin/sh\nexec \"$@\"\n",
	} {
		r.write(name, text)
	}
	require.NoError(t, os.Chmod(filepath.Join(r.dir, "setup/01.sh"), 0o755)) //nolint:gosec // it is run
	require.NoError(t, os.Chmod(filepath.Join(r.dir, "setup/02.sh"), 0o755)) //nolint:gosec // it is run
	r.commit("import")
	r.edit(4, "entrypoint.d/entrypoint.sh")
	r.edit(2, "setup/02.sh")
	r.edit(1, "setup/01.sh", "setup/02.sh")
	return r
}
