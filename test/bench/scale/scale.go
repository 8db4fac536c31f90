// Package scale makes build trees of any size, to see how the time that a frontend needs grows with them.
package scale

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Sizes are the numbers of files that are measured.
func Sizes() []int { return []int{10, 100, 1_000, 10_000} }

// Setup is how many of n files are setup scripts: half of them, up to about what one image can have (256). All others are
// entrypoint scripts.
func Setup(n int) int { return min(n/2, 250) }

// Tree is a tree of n scripts, by path, each with content of its own, a helper, and a build file that leaves everything to
// discovery. Its Dockerfile.v0 describes the same build to BuildKit's own frontend.
func Tree(n int) map[string]string {
	files := map[string]string{
		"Dockerfile":          "base: debian:bookworm-slim\nargs: {VERSION: \"15\", UNUSED: \"1\"}\n# check=skip=ArgUnused\n",
		"Dockerfile.v0":       Dockerfile(n),
		"setup/lib/common.sh": helper,
	}
	for i := range Setup(n) {
		files[setup(i)] = fmt.Sprintf(setupScript, i, i)
	}
	for i := range n - Setup(n) - 1 {
		files[runtime(i)] = fmt.Sprintf(runtimeScript, i)
	}
	files["entrypoint.d/entrypoint.sh"] = "#!/bin/sh\nset -eu\nexec \"$@\"\n"
	return files
}

// Write writes a tree of n files into a folder.
func Write(dir string, n int) error {
	for name, text := range Tree(n) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Benchmark measures what is done to trees of all sizes. Prepare gets the folder of one, and returns what is measured. The
// time for each file, which is told, must not grow with their number.
func Benchmark(b *testing.B, prepare func(b *testing.B, dir string) func()) {
	b.Helper()
	for _, n := range Sizes() {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			if err := Write(dir, n); err != nil {
				b.Fatal(err)
			}
			measured := prepare(b, dir)
			b.ReportAllocs()
			for b.Loop() {
				measured()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/file")
		})
	}
}

// Dockerfile builds the tree of n files as one would who knows BuildKit: a step a script, which sees that script and the
// helper alone, and copies that do not depend on them.
func Dockerfile(n int) string {
	var text strings.Builder
	text.WriteString("FROM debian:bookworm-slim\nARG VERSION=15\n")
	for i := range Setup(n) {
		fmt.Fprintf(&text, "RUN --mount=type=bind,source=setup/lib,target=/context/setup/lib"+
			" --mount=type=bind,source=%[1]s,target=/context/%[1]s"+
			" --mount=type=cache,target=/var/cache/apt,sharing=locked --mount=type=cache,target=/var/lib/apt/lists,sharing=locked"+
			" /context/%[1]s\n", setup(i))
	}
	text.WriteString("COPY --link --chmod=0755 entrypoint.d/scripts /opt/container/entrypoint.d/scripts\n" +
		"COPY --link --chmod=0755 entrypoint.d/entrypoint.sh /entrypoint.sh\nENTRYPOINT [\"/entrypoint.sh\"]\n")
	return text.String()
}

func setup(i int) string   { return fmt.Sprintf("setup/scripts/%05d-install.sh", i) }
func runtime(i int) string { return fmt.Sprintf("entrypoint.d/scripts/runtime/%05d-start.sh", i) }

const helper = `# shellcheck shell=sh
say() { printf '%s\n' "$*"; }
install_packages() { apt-get install --yes --no-install-recommends "$@"; }
`

const setupScript = `#!/bin/sh
# Installs part %d.
set -eu
. /context/setup/lib/common.sh

say "part %d for version $VERSION"
apt-get update
install_packages "postgresql-$VERSION-part"
for directory in /etc/part /var/lib/part; do
    [ -d "$directory" ] || mkdir -p "$directory"
done
cat >/etc/part/settings.conf <<CONF
version = $VERSION
CONF
`

const runtimeScript = `#!/bin/sh
# Starts part %d.
set -eu
if [ -n "${PART_DISABLED:-}" ]; then
    echo "part is disabled" >&2
    exit 0
fi
echo "part is up"
`
