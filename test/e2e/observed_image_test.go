package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// manyFiles is a tree of which one step reads more files than are asked for one by
// one. Each step writes when it ran.
func manyFiles() map[string]string {
	tree := map[string]string{
		"Dockerfile": `# syntax=localhost:5000/pgstrata:dev
FROM debian:bookworm-slim
COPY . /app
RUN cat /app/src/*/*.c >/all && date +%s%N >/when-all
RUN cat /app/docs/*.md >/docs && date +%s%N >/when-docs
`,
		"README": "read me\n", "docs/a.md": "a\n", "src/bin/a": "b\n",
	}
	for i := range 250 {
		tree[fmt.Sprintf("src/%d/%d.c", i%7, i)] = fmt.Sprintln("file", i)
	}
	return tree
}

// A record is used by the frontend image, for docker buildx build, and by pgstrata
// build just so. Where it has many files, one step of the daemon's reads them.
func TestObservedByTheFrontendImage(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	program := testenv.Program(t, "pgstrata")
	dir := testenv.Tree(t, manyFiles())
	out := env.Run(t, program, "observe", "--write", "--progress=plain", dir)
	require.Zero(t, out.Code, "%s\n%s", out.Stdout, out.Stderr)
	record, err := os.ReadFile(filepath.Join(dir, "Dockerfile"+narrow.Suffix))
	require.NoError(t, err)
	require.Contains(t, string(record), "/app/src/0/0.c")

	const (
		reading = "[internal] read the files that steps were observed to read"
		all     = "Dockerfile:4: RUN cat /app/src/*/*.c >/all && date +%s%N >/when-all: sees "
		docs    = "Dockerfile:5: RUN cat /app/docs/*.md >/docs && date +%s%N >/when-docs: sees "
		only    = "only what it was observed to read ("
	)
	for name, with := range map[string]func(image string) testenv.Output{
		"docker buildx build": func(image string) testenv.Output {
			return env.Buildx(t, "--progress=plain", "--push", "--tag", env.Registry.Ref(image), dir)
		},
		"pgstrata build": func(image string) testenv.Output {
			return env.Run(t, program, "build", "--progress=plain", "--push", "--tag", env.Registry.Ref(image), dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			image := "observed-many-" + strings.Fields(name)[0]
			build := func() (told string, all, when string) {
				out := with(image)
				require.Zero(t, out.Code, "%s", out.Stderr)
				img := env.Registry.Image(t, image)
				read := func(file string) string {
					data, err := img.Read(file)
					require.NoError(t, err)
					return string(data)
				}
				return out.Stderr, read("/all"), read("/when-all") + read("/when-docs")
			}
			told, _, first := build()
			assert.Contains(t, told, all+only)
			assert.Contains(t, told, docs+only)
			assert.Contains(t, told, reading)

			write(t, dir, "README", "edited for "+name+"\n", "other/new", name+"\n")
			told, _, again := build()
			assert.Contains(t, told, all+only)
			assert.Equal(t, first, again, "no step ran")

			write(t, dir, "src/3/10.c", "edited for "+name+"\n")
			told, text, edited := build()
			assert.Contains(t, told, all+"all files: /app/src/3/10.c, which it reads, has changed")
			assert.NotEqual(t, first, edited)
			assert.Contains(t, text, "edited for "+name)

			write(t, dir, "src/3/10.c", manyFiles()["src/3/10.c"])
			told, text, back := build()
			assert.Contains(t, told, all+only)
			assert.Equal(t, first, back)
			assert.NotContains(t, text, "edited")
		})
	}
}
