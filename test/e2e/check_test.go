package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// The examples have nothing to find, and docker's own command says so.
func TestCheckExamplesAreClean(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	for _, name := range []string{"postgresql", "postgresql-source"} {
		out := env.Buildx(t, "--check", testenv.Example(t, name))
		assert.Zero(t, out.Code, out.Stdout+out.Stderr)
		assert.Contains(t, out.Stdout+out.Stderr, "no warnings found")
	}
}

// mistakes is a tree where a comment `# WANT: Rule` stands in every line that
// has something to find, or in the line above; a question mark stands behind
// what is only a note.
func mistakes() map[string]string {
	return map[string]string{
		"Dockerfile": `# A comment before the directive.
# syntax=localhost:5000/pgstrata:dev # WANT: SyntaxNotFirst
base: debian # WANT: RunsAsRoot? UnpinnedBase
args:
  BUILD_DATE: "" # WANT: BuildMetadataInArg
  GITHUB_TOKEN: "" # WANT: ArgUnused SecretInArg
setup:
  sources:
    again: {git: "https://example.org/again.git", ref: v1} # WANT: SourceUnused
  scripts:
    - setup/scripts/01-packages.sh
    - path: setup/scripts/02-compile.sh
      outputs: [/opt/a]
      inputs: [setup/scripts] # WANT: ContextUnneeded
    - setup/scripts/03-owner.sh
entrypoint:
  configuration_files:
    - {source: config/pg_hba.conf, target: /etc/pg_hba.conf}
    - {source: config/pg_hba.conf, target: /etc/pg_hba2.conf} # WANT: CopiedTwice
    - {source: config/app.conf, target: /etc/app.conf} # WANT: ConfigNotStaged ConfigWorldReadableSecret
image:
  cmd: [postgres]
  stop_signal: SIGTERM # WANT: StopSignalNotFast?
`,
		"config/pg_hba.conf": "host all all 0.0.0.0/0 trust # WANT: TrustAuthentication\n",
		"config/app.conf":    "password = hunter2\n",
		"config/unstaged":    "",
		"setup/scripts/01-packages.sh": `#!/bin/sh # WANT: ErrorsIgnored
apt-get update
apt-get install -y gcc libpng-dev
make install
apt-get purge -y --auto-remove gcc libpng-dev # WANT: SharedLibraryMissing?
apt-get clean # WANT: CacheWiped
pip install --no-cache-dir patroni # WANT: CacheBypassed
curl -k https://example.org/a -o a # WANT: TLSVerificationDisabled UnverifiedDownload?
curl https://example.org/a-amd64 | sh # WANT: ArchSpecificDownload CurlPipeShell UnverifiedDownload?
cp /context/entrypoint.d/entrypoint.sh / # WANT: SetupReadsEntrypoint
cp /context/setup/undeclared /etc # WANT: SetupUndeclaredInput
install -d /opt/data
touch /opt/data/made
uname -m
DB_PASSWORD=hunter2 # WANT: SecretInScript
echo "$BUILD_DATE $MISSING_VERSION" # WANT: ArgUndeclared?
list=(a b) # WANT: BashInSh
`,
		"setup/scripts/02-compile.sh": `#!/bin/sh
set -eu
apt-get install -y less # WANT: PackagesInIsolatedScript
git clone https://example.org/a # WANT: UnpinnedBranch
git clone --branch=v1 https://example.org/again # WANT: SourceFetchedAgain
make # WANT: SerialMake
make -j4 # WANT: HardcodedJobs
# pgstrata: allow=SerialMake there is nothing here # WANT: UnusedAllowance
`,
		"setup/scripts/03-owner.sh": "#!/bin/sh\nset -eu\nchown -R 1 /opt/data # WANT: CopiedTwice?\n",
		"setup/undeclared":          "",
		"entrypoint.d/entrypoint.sh": `#!/bin/sh
. /opt/container/entrypoint.d/deleted.sh # WANT: SourcedFileMissing
apt-get install -y curl # WANT: EntrypointInstalls
exec "$@"
`,
		"entrypoint.d/broken.sh": "#!/bin/sh\nif # WANT: UnreadableScript\n",
	}
}

// Every mistake that a text can have is found once, at its line, by docker's
// command and by pgstrata's own.
func TestCheckFindsEveryMistakeOnce(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, mistakes())
	want, certain, planted := map[string]int{}, map[string]int{}, map[string]bool{}
	for name, text := range mistakes() {
		number := 0
		for line := range strings.Lines(text) {
			number++
			_, list, _ := strings.Cut(line, "# WANT: ")
			for _, rule := range strings.Fields(list) {
				rule, note := strings.CutSuffix(rule, "?")
				if !note {
					certain[fmt.Sprintf("%s:%d %s", name, number, rule)]++
				}
				want[fmt.Sprintf("%s:%d %s", name, number, rule)]++
				planted[rule] = true
			}
		}
	}
	for _, r := range rules.All() {
		switch r.Name {
		case "EntrypointMissingCommand", "EntrypointMissingFile", "EntrypointMissingUser": // see TestContract
		case "VolatileBeforeStable", "UnstableOrder": // there is no history
		case "LocaleWithoutLang": // the script that cannot be read may set the locale
		default:
			assert.True(t, planted[r.Name], "the tree has a mistake for %s", r.Name)
		}
	}
	found := func(out testenv.Output) map[string]int {
		var results lint.LintResults
		require.NoError(t, json.Unmarshal([]byte(out.Stdout), &results), out.Stdout+out.Stderr)
		require.Nil(t, results.Error)
		got := map[string]int{}
		for _, w := range results.Warnings {
			require.NotNil(t, w.Location)
			require.NotEmpty(t, w.Location.Ranges)
			source := results.Sources[w.Location.SourceIndex]
			got[fmt.Sprintf("%s:%d %s", source.Filename, w.Location.Ranges[0].Start.Line, w.RuleName)]++
			assert.Equal(t, check.URL(w.RuleName), w.URL)
		}
		return got
	}
	out := env.Buildx(t, "--call=check,format=json", "--build-arg", "BUILDKIT_SYNTAX=localhost:5000/pgstrata:dev", dir)
	assert.Equal(t, 1, out.Code)
	assert.Equal(t, certain, found(out), "docker takes each for a warning, so notes are not among them")

	pgstrata := testenv.Program(t, "pgstrata")
	out = env.Run(t, pgstrata, "check", "--format=json", dir)
	assert.Equal(t, 1, out.Code)
	assert.Equal(t, want, found(out))

	out = env.Run(t, pgstrata, "check", "--format=sarif", dir)
	assert.Equal(t, 1, out.Code)
	var sarif struct {
		Runs []struct{ Results []any }
	}
	require.NoError(t, json.Unmarshal([]byte(out.Stdout), &sarif))
	assert.Len(t, sarif.Runs[0].Results, len(want))

	out = env.Buildx(t, "--check", "--build-arg", "BUILDKIT_SYNTAX=localhost:5000/pgstrata:dev", dir)
	assert.Equal(t, 1, out.Code)
	assert.Contains(t, out.Stdout, "WARNING: SerialMake - https://github.com/pgstrata/pgstrata/blob/main/docs/rules/SerialMake.md")
	assert.Contains(t, out.Stdout, "setup/scripts/02-compile.sh:6: make runs one compiler at a time")
	assert.Contains(t, out.Stdout, ">>> make # WANT")
}

func TestCheckReportsWhatIsNoBuildFile(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	dir := testenv.Tree(t, map[string]string{"Dockerfile": "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\nsetup: {scripts: [setup/missing.sh]}\n"})
	for _, args := range [][]string{{"--check", dir}, {"--call=check,format=json", dir}} {
		out := env.Buildx(t, args...)
		assert.Equal(t, 1, out.Code)
		assert.Contains(t, out.Stdout+out.Stderr, "setup/missing.sh is not in the build context")
	}
	out := env.Run(t, testenv.Program(t, "pgstrata"), "check", dir)
	assert.Equal(t, 1, out.Code)
	assert.Contains(t, out.Stderr, ">>> setup: {scripts: [setup/missing.sh]}")
}

// An ordinary build warns, with place and page; `# check=` and allowances
// silence it, or make it an error.
func TestWarningsInABuild(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	tree := func(directive, comment string) map[string]string {
		return map[string]string{
			"Dockerfile":               "# syntax=localhost:5000/pgstrata:dev\n" + directive + "\nbase: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\n",
			"setup/scripts/01-jobs.sh": "#!/bin/sh\nset -eu\n[ -e /x ] || exit 0\nmake -j4 " + comment + "\n",
		}
	}
	out := env.Run(t, "docker", "--debug", "buildx", "build", "--progress=plain", testenv.Tree(t, tree("# check=error=false", "")))
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stderr, "HardcodedJobs: 4 jobs are too many")
	assert.Contains(t, out.Stderr, "01-jobs.sh:4")
	assert.Contains(t, out.Stderr, ">>> make -j4")
	assert.Contains(t, out.Stderr, check.URL("HardcodedJobs"))

	out = env.Run(t, testenv.Program(t, "pgstrata"), "build", "--progress=plain", testenv.Tree(t, tree("# check=error=false", "")))
	require.Zero(t, out.Code, out.Stderr)
	assert.Contains(t, out.Stderr, "HardcodedJobs: 4 jobs are too many")
	assert.Contains(t, out.Stderr, ">>> make -j4")

	out = env.Buildx(t, "--progress=plain", testenv.Tree(t, tree("# check=error=true", "")))
	assert.NotZero(t, out.Code)
	assert.Contains(t, out.Stderr, "ERROR: failed")
	assert.Contains(t, out.Stderr, ">>> make -j4")

	for name, files := range map[string]map[string]string{
		"skipped": tree("# check=skip=HardcodedJobs;error=true", ""),
		"all":     tree("# check=skip=all;error=true", ""),
		"allowed": tree("# check=error=true", "# pgstrata: allow=HardcodedJobs this is a test"),
	} {
		out = env.Buildx(t, "--progress=plain", testenv.Tree(t, files))
		assert.Zero(t, out.Code, "%s: %s", name, out.Stderr)
		assert.NotContains(t, out.Stderr, "HardcodedJobs:", name)
	}
	out = env.Buildx(t, "--progress=plain", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=HardcodedJobs", testenv.Tree(t, tree("# check=error=true", "")))
	assert.Zero(t, out.Code, out.Stderr)
}

// contract is a tree whose entrypoint uses what only the built setup can tell
// of.
func contract(entrypoint string) map[string]string {
	return map[string]string{
		"Dockerfile":                 "# syntax=localhost:5000/pgstrata:dev\nbase: debian:bookworm-slim\nuser: {name: postgres, uid: 999}\n",
		"setup/scripts/01-tool.sh":   "#!/bin/sh\nset -eu\nprintf '#!/bin/sh\\n' >/usr/local/bin/tool\nchmod +x /usr/local/bin/tool\nln -s /usr/local/bin/tool /opt/link\n",
		"entrypoint.d/entrypoint.sh": "#!/bin/sh\n" + entrypoint,
	}
}

// What entrypoint scripts use is looked up in the built setup, and a mistake
// is an error at the script's line.
func TestContract(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	good := "tool\n/opt/link\nchown postgres /x\nawk 1\ncat /etc/passwd\ncommand -v jq && jq\n"
	for name, tc := range map[string]struct{ text, want, line string }{
		"good":         {text: good},
		"command":      {text: "tool\nmissing-tool --now\n", want: "missing-tool is not in the built setup", line: ">>> missing-tool --now"},
		"file":         {text: "sh /usr/local/missing.sh\n", want: "/usr/local/missing.sh is neither", line: ">>> sh /usr/local/missing.sh"},
		"user":         {text: "chown patroni /x\n", want: "user patroni has no account", line: ">>> chown patroni"},
		"allowed":      {text: "missing-tool # pgstrata: allow=EntrypointMissingCommand it comes with a volume\n"},
		"sourced file": {text: ". /usr/share/missing\n", want: "/usr/share/missing is neither", line: ">>> . /usr/share/missing"},
	} {
		t.Run(name, func(t *testing.T) {
			out := env.Buildx(t, "--progress=plain", testenv.Tree(t, contract(tc.text)))
			if tc.want == "" {
				assert.Zero(t, out.Code, out.Stderr)
				assert.NotContains(t, out.Stderr, "Entrypoint")
				return
			}
			assert.NotZero(t, out.Code)
			assert.Contains(t, out.Stderr, tc.want)
			assert.Contains(t, out.Stderr, "entrypoint.sh:")
			assert.Contains(t, out.Stderr, tc.line)
		})
	}
	t.Run("interpreter", func(t *testing.T) {
		tree := contract("tool\n")
		tree["entrypoint.d/report.py"] = "#!/usr/bin/env python9\n"
		out := env.Buildx(t, "--progress=plain", testenv.Tree(t, tree))
		assert.NotZero(t, out.Code)
		assert.Contains(t, out.Stderr, "report.py:1")
		assert.Contains(t, out.Stderr, "python9 is not in the built setup")
	})
}

// Looking into a setup that is only known from an imported cache would pull
// it, so nobody looks.
func TestContractPullsNothing(t *testing.T) {
	env := testenv.Shared(t)
	dir := testenv.Tree(t, contract("tool\n"))
	ref := env.Registry.Ref("contract:cache")
	cache := client.CacheOptionsEntry{Type: "registry", Attrs: map[string]string{"ref": ref, "mode": "max"}}
	build(t, env, dir, testenv.Request{Image: "contract", SolveOpt: client.SolveOpt{CacheExports: []client.CacheOptionsEntry{cache}}})

	fresh, err := testenv.StartDaemon(filepath.Join(t.TempDir(), "buildkit"), env.Registry)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, fresh.Close()) })
	request := func(options map[string]string) testenv.Request {
		return testenv.Request{
			Func: frontendBuild(), Context: dir, Image: "contract", Options: options,
			SolveOpt: client.SolveOpt{CacheImports: []client.CacheOptionsEntry{cache}},
		}
	}
	pulled := func() int64 {
		usage, err := fresh.Client.DiskUsage(t.Context())
		require.NoError(t, err)
		var size int64
		for _, u := range usage {
			size += u.Size
		}
		return size
	}
	result, err := fresh.Build(t.Context(), request(nil))
	require.NoError(t, err, "%s", result.Trace)
	assert.Empty(t, setupRan(result.Trace))
	assert.Less(t, pulled(), int64(10<<20), "the base alone has more")

	result, err = fresh.Build(t.Context(), request(map[string]string{"build-arg:BUILDKIT_DOCKERFILE_CHECK": "experimental=all"}))
	require.NoError(t, err, "%s", result.Trace)
	assert.Greater(t, pulled(), int64(10<<20), "who asks for it gets the check at its price")
}

// A symbolic link on setup's side is no way to an entrypoint file: it is
// handed to the script as a link, and leads nowhere there.
func TestSetupReachesNothingThroughLinks(t *testing.T) {
	env := testenv.Shared(t)
	const marker = "only-the-entrypoint-has-this"
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\nsetup:\n  scripts:\n" +
			"    - {path: setup/scripts/01-links.sh, inputs: [setup/link, setup/directory, setup/deep]}\n",
		"entrypoint.d/entrypoint.sh": "#!/bin/sh\n# " + marker + "\n",
		"setup/deep/plain":           "",
		"setup/scripts/01-links.sh":  "#!/bin/sh\ncd /context/setup\nls -lR\ncat link directory/entrypoint.sh deep/link /context/entrypoint.d/* 2>&1\necho end\n",
	})
	for link, to := range map[string]string{
		"setup/link":      "../entrypoint.d/entrypoint.sh",
		"setup/directory": "../entrypoint.d",
		"setup/deep/link": "../../entrypoint.d/entrypoint.sh",
	} {
		require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
	}
	result, err := attempt(t, env, dir, testenv.Request{})
	if err != nil {
		assert.ErrorContains(t, err, "SetupReadsEntrypoint")
		return
	}
	logs := result.Trace.Logs("01-links.sh")
	assert.NotContains(t, logs, marker)
	assert.Contains(t, logs, "end\n")
}
