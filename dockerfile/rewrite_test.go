package dockerfile_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/internal/golden"
)

// want is what a case's archive ends with.
const want = "want"

// TestRewrite rewrites the Dockerfile of each archive and compares it, and what
// is said of it, with the archive's last file.
func TestRewrite(t *testing.T) {
	files, err := filepath.Glob("testdata/rewrite/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			require.NoError(t, err)
			got := rewrite(t, a)
			for range 10 {
				require.Equal(t, got, rewrite(t, a), "the same input gives the same text")
			}
			at := len(a.Files) - 1
			if a.Files[at].Name != want {
				at++
				a.Files = append(a.Files, txtar.File{Name: want})
			}
			if golden.Updating() {
				a.Files[at].Data = []byte(got)
				require.NoError(t, os.WriteFile(name, txtar.Format(a), 0o600))
			}
			assert.Equal(t, string(a.Files[at].Data), got)
		})
	}
}

func rewrite(t *testing.T, a *txtar.Archive) string {
	t.Helper()
	tree, text := fstest.MapFS{}, []byte(nil)
	for _, f := range a.Files {
		switch f.Name {
		case "Dockerfile":
			text = f.Data
		case want:
			continue
		}
		mode := fs.FileMode(0o644)
		if bytes.HasPrefix(f.Data, []byte("#!")) && !strings.Contains(string(a.Comment), "not executable") {
			mode = 0o755
		}
		tree[f.Name] = &fstest.MapFile{Data: f.Data, Mode: mode}
	}
	opt := dockerfile.Options{Context: tree, Platform: "linux/amd64", Args: map[string]string{}}
	for line := range strings.Lines(string(a.Comment)) { // such as "arg: NAME=value"
		if arg, ok := strings.CutPrefix(strings.TrimSpace(line), "arg: "); ok {
			name, value, _ := strings.Cut(arg, "=")
			opt.Args[name] = value
		}
	}
	f, err := dockerfile.Parse("Dockerfile", text)
	require.NoError(t, err)
	r, err := dockerfile.Rewrite(f, opt)
	require.NoError(t, err)
	lines := bytes.Split(bytes.TrimSuffix(r.Text, []byte("\n")), []byte("\n"))
	require.Len(t, r.Lines, len(lines))
	var out strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&out, "%2d| %s\n", r.Lines[i].Start, line)
	}
	for _, s := range r.Squashes {
		fmt.Fprintf(&out, "%s = %s..%s\n", s.Name, s.Lower, s.Upper)
	}
	for _, d := range r.Decisions {
		fmt.Fprintf(&out, "Dockerfile:%d: %s\n", d.Line, d.Text)
	}
	return out.String()
}
