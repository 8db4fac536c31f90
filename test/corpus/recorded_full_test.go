//go:build full

package corpus

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// TestRecorded builds random Dockerfiles of the shapes that public ones have,
// on an image whose programs write down all that they see (see recorder), and
// builds them once more after edits: what a step no longer sees, or sees as it
// was before, is in the image.
func TestRecorded(t *testing.T) {
	p := newProver(testenv.Shared(t))
	p.recorders(t)
	p.random(t, usualRecorded(), drawRecorded, succeeds)
}

// recorders pushes the image localhost:5000/corpus/recorders: busybox, and the
// recorder by each name that drawRecorded calls. It has the directories above all
// cache mounts, as images that have these programs do: while a step runs, they are
// there.
func (p *prover) recorders(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "usr/bin")
	require.NoError(t, os.MkdirAll(bin, 0o755)) //nolint:gosec // of an image
	program, err := os.ReadFile(testenv.Binary(t, "./test/corpus/recorder"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(bin, "recorder"), program, 0o755)) //nolint:gosec // a program
	for _, name := range recorderNames() {
		require.NoError(t, os.Symlink("recorder", filepath.Join(bin, name)))
	}
	records := filepath.Join(dir, "recorded")
	require.NoError(t, os.Mkdir(records, 0o777)) //nolint:gosec // any user records
	require.NoError(t, os.Chmod(records, 0o777|fs.ModeSticky))
	text := strings.Join([]string{"FROM busybox", "COPY recorded /recorded", "COPY usr/bin /usr/bin", "RUN echo app:x:1500:1500::/home/app:/bin/sh >>/etc/passwd && echo app:x:1500: >>/etc/group && mkdir -p /opt /usr/lib /usr/local/share && chmod 1777 /usr/lib"}, "\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o600))
	require.NoError(t, p.prebuild(t.Context(), dir, prebuilt{"recorders", "Dockerfile"}))
}

func recorderNames() []string {
	return []string{
		"make", "npm", "pip", "cargo", "curl", "git", "python3", "node", "go", "mvn", "cmake", "composer", "yarn", "gcc", "psql",
		"assemble", "frobnicate", "mirror", "seal", "tidy",
	}
}
