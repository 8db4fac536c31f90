package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/internal/golden"
)

const pages = "../../docs/rules"

// blocks are the fenced code blocks of a part of a page: ```LANGUAGE FILE.
func blocks(text string) map[string]string {
	out, name := map[string]string{}, ""
	for line := range strings.Lines(text) {
		fence, ok := strings.CutPrefix(line, "```")
		switch {
		case ok && name == "":
			if _, file, ok := strings.Cut(strings.TrimSpace(fence), " "); ok {
				name = file
				out[name] = ""
			}
		case ok:
			name = ""
		case name != "":
			out[name] += line
		}
	}
	return out
}

// Each rule has a page whose examples are true: the bad one is found, the good
// one is not.
func TestPages(t *testing.T) {
	for _, r := range All() {
		t.Run(r.Name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(pages, r.Name+".md"))
			require.NoError(t, err)
			page := string(data)
			assert.True(t, strings.HasPrefix(page, "# "+r.Name+"\n\n"+r.Description+"\n\n"), "a page begins with name and description")
			assert.Equal(t, "https://github.com/pgstrata/pgstrata/blob/main/docs/rules/"+r.Name+".md", r.URL())
			_, examples, ok := strings.Cut(page, "\n## Bad\n")
			require.True(t, ok)
			bad, good, ok := strings.Cut(examples, "\n## Good\n")
			require.True(t, ok)
			find := func(text string) []check.Finding {
				files := blocks(text)
				require.NotEmpty(t, files)
				context, _ := split(files)
				if context["Dockerfile"] == nil {
					context["Dockerfile"] = &fstest.MapFile{Data: []byte("base: debian:bookworm-slim\n")}
				}
				in := input(t, context)
				in.Changes = map[string]int{}
				for name := range context {
					if strings.Contains(name, "busy") {
						in.Changes[name] = 20
					}
				}
				root := fstest.MapFS{
					"bin/sh":     {Mode: 0o755},
					"bin/cat":    {Mode: 0o755},
					"bin/chown":  {Mode: 0o755},
					"bin/bash":   {Mode: 0o755},
					"etc/passwd": {Data: []byte("postgres:x:999:999::/:/bin/sh\n")},
				}
				for _, pkg := range in.Graph.RuntimePackages() {
					root["usr/bin/"+pkg.Spec] = &fstest.MapFile{Mode: 0o755}
				}
				in.Setup = root
				return only(all(in), r.Name)
			}
			assert.NotEmpty(t, find(bad), "bad")
			assert.Empty(t, find(good), "good")
		})
	}
}

// No page outlives its rule, and the index lists them all.
func TestIndex(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pages, "*.md"))
	require.NoError(t, err)
	assert.Len(t, files, len(All())+1, "a page for each rule, and the index")

	var b strings.Builder
	b.WriteString(indexHead)
	for _, r := range All() {
		where := "text"
		switch {
		case r.History:
			where = "git history"
		case r.Contract != nil && r.Check != nil:
			where = "text, built setup"
		case r.Contract != nil:
			where = "built setup"
		}
		reads := ""
		if r.Dockerfile != nil {
			reads = "yes"
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s | %s | %s |\n", r.Name, r.Name, r.Severity, where, reads, r.Description)
	}
	index := filepath.Join(pages, "README.md")
	golden.File(t, index, b.String())
}

const indexHead = `# Rules

What pgstrata finds in a build file and its scripts, and tells with file and line.

    docker buildx build --check .          # the same as for a Dockerfile; also --call=check,format=json
    pgstrata check --format sarif .        # without a daemon; text, json or sarif

**How certain** a finding is, its level says, in each format:

| level | means | a build |
|---|---|---|
| error | it is sure to fail, or unsafe | ends |
| warning | it is certain, and costs something | warns (docker --debug shows the places) |
| note | it may be: the rule had to guess, and says "may" | says how many there are |

pgstrata check exits with 1 where there is a warning or worse, and Docker's command does the same; it has no word for
notes, so only pgstrata check shows them. With --fail-on=error or --fail-on=never the line is elsewhere. A build file that
cannot be read is an error like others, so a report is whole in any case.

**To apply cures** that are mechanical: pgstrata check --fix shows them as a diff, and edits the files. SARIF carries them
too, for services that offer them at the line.

**To skip rules**, begin the build file with a directive, or give a build argument of the same form:

    # syntax=ghcr.io/pgstrata/pgstrata:1
    # check=skip=SerialMake,UnpinnedBranch;error=true

    docker buildx build --build-arg BUILDKIT_DOCKERFILE_CHECK=skip=all .

With error=true every finding ends the build.

**To allow one finding**, say why, in the line itself or in a comment above it:

    make                # pgstrata: allow=SerialMake the documentation needs its order

Allowances that allow nothing are found too (UnusedAllowance).

**Evidence** says what a rule reads. Most read the text alone. Those of the *built setup* look into it in a build, once
setup is solved, and execute nothing. Those of the *git history* run in pgstrata check, inside of a repository.

**Dockerfile** says which rules read a Dockerfile, too, beside BuildKit's own checks:
[dockerfile-checks.md](../dockerfile-checks.md).

This list is written by ` + "`go test ./check/rules -update`" + `.

| Rule | Severity | Evidence | Dockerfile | What holds where it finds nothing |
|---|---|---|---|---|
`
