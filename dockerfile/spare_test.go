package dockerfile_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// rewriteText rewrites a Dockerfile with the files of a tree.
func rewriteText(t *testing.T, text string, files map[string]string, opt dockerfile.Options) *dockerfile.Rewritten {
	t.Helper()
	tree := fstest.MapFS{}
	for name, content := range files {
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		tree[name] = &fstest.MapFile{Data: []byte(content), Mode: mode}
	}
	opt.Context, opt.Platform = tree, "linux/amd64"
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	require.NoError(t, err)
	r, err := dockerfile.Rewrite(f, opt)
	require.NoError(t, err)
	return r
}

// sees reports whether a step sees a file of the context: a COPY above it makes
// it, or it is mounted.
func sees(t *testing.T, text, step, file string) bool {
	t.Helper()
	seen := false
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "RUN" && strings.HasSuffix(strings.TrimSpace(line), step):
			return seen || strings.Contains(line, "source=/"+file+",")
		case words[0] == "COPY" && !strings.Contains(line, "--from"):
			if !hasExcluded(words, file) && copies(words, file) {
				seen = true
			}
		}
	}
	t.Fatalf("no step %s in\n%s", step, text)
	return false
}

func hasExcluded(words []string, file string) bool {
	for _, w := range words {
		if name, ok := strings.CutPrefix(w, "--exclude="); ok && strings.HasSuffix(file, name) {
			return true
		}
	}
	return false
}

func copies(words []string, file string) bool {
	for _, w := range words[1 : len(words)-1] {
		if w == "." || w == file || strings.HasPrefix(file, w+"/") {
			return true
		}
	}
	return false
}

// Each line stands in the first of three scripts. What a step must see of the
// second one, and of a file that nothing speaks of, follows from what the line
// may read.
func TestSpared(t *testing.T) {
	const (
		hidden = "hidden"         // the other script is not seen, the file is
		none   = "nothing at all" // neither is: all that it runs is known
		script = "script"         // the file is not
		all    = "all"
	)
	for _, c := range []struct{ line, want string }{
		{"echo a >/a", none},
		{"apt-get update && apt-get install -y curl", none},
		{"mkdir -p /opt/x && cp /etc/passwd /opt/x/", none},
		{"find / -name x", all},
		{"find /usr -name x", none},
		{"ls /opt", all},
		{"ls -R /opt/setup", all},
		{"cd /opt && find . -name '*.sh' | sort >/list", all},
		{"cd /opt && ls", all},
		{"cd /opt && ls -R .", all},
		{"cd /opt && du -a . >/du", all},
		{"cd /opt && grep -rl hi .", all},
		{"cd /opt && tar -cf - . | tar -tf - >/list", all},
		{"cd /opt && echo *", all},
		{"cd /opt/setup/scripts && echo *", all},
		{"chmod -R 700 /opt/setup/scripts", all},
		{"cat /opt/setup/scripts/*.sh >/all", script},
		{"stat /opt/setup", hidden}, // its directory is there
		{"stat /opt/setup/scripts/02.sh", script},
		{"D=/opt/setup/scripts; stat $D/02.sh", script},
		{"[ -e /opt/setup/scripts/02.sh ] && echo y >/flag", script},
		{"mytool", hidden},
		{"cd /opt && mytool", all},
		{"cd /opt/setup && mytool", all},
		{"mytool /opt", all},
		{"mytool -C /opt/setup", all},
		{"mytool --dir=/opt/setup", all},
		{"make", hidden},
		{"make -C /opt/setup", all},
		{"python3 -m build /opt/setup", all},
		{"curl -fsSL https://example.com/install | sh", hidden},
		{"./configure", hidden},
		{"sudo -u nobody mytool /opt/setup", all},
		{"ln /opt/setup/scripts/02.sh /hard", all},
		{"cp -rl /opt/setup /copy", all},
		{"sort -o /opt/setup/scripts/02.sh /etc/passwd", all},
		{`awk '{print > "/opt/setup/scripts/02.sh"}' /etc/passwd`, all},
		{"find /opt/setup -name '*.sh' | xargs rm", all},
		{"find /opt/setup -name '*.sh' | while read -r f; do rm \"$f\"; done", all},
		{"mktemp -p /opt/setup/scripts", all},
	} {
		t.Run(c.line, func(t *testing.T) {
			r := rewriteText(t, "FROM debian\nCOPY setup /opt/setup\nRUN /opt/setup/setup.sh\n", map[string]string{
				"setup/setup.sh":      "#!/bin/bash\nset -e\nbash /opt/setup/scripts/01.sh\nbash /opt/setup/scripts/02.sh\nbash /opt/setup/scripts/03.sh\n",
				"setup/scripts/01.sh": "#!/bin/bash\n" + c.line + "\n",
				"setup/scripts/02.sh": "#!/bin/bash\necho 2 >/2\n",
				"setup/scripts/03.sh": "#!/bin/bash\necho 3 >/3\n",
				"setup/extra":         "x",
			}, dockerfile.Options{})
			text := string(r.Text)
			if !strings.Contains(text, "setup/scripts/01.sh\n") { // kept whole: it sees everything
				assert.Equal(t, all, c.want, text)
				return
			}
			const step = "bash /opt/setup/scripts/01.sh"
			got := all
			switch other, file := sees(t, text, step, "setup/scripts/02.sh"), sees(t, text, step, "setup/extra"); {
			case other && !file:
				got = script
			case !other && file:
				got = hidden
			case !other:
				got = none
			}
			assert.Equal(t, c.want, got, text)
			assert.True(t, sees(t, text, step, "setup/scripts/01.sh"), text)
		})
	}
}

// What only other steps' scripts read, and lies apart from these, is hidden from steps of known programs alone.
func TestFilesApartFromScripts(t *testing.T) {
	for line, want := range map[string]bool{"echo a >/a": false, "make driver": true, "/usr/local/bin/tool": true, "cp /etc/passwd /p": false} {
		r := rewriteText(t, "FROM debian\nCOPY conf /root/app\nCOPY setup /setup\nRUN /setup/setup.sh\n", map[string]string{
			"setup/setup.sh":      "#!/bin/bash\nset -e\n/setup/scripts/01.sh\n/setup/scripts/02.sh\n",
			"setup/scripts/01.sh": "#!/bin/bash\n" + line + "\n",
			"setup/scripts/02.sh": "#!/bin/bash\ngrep -r key /root/app >/found\ncat /setup/data\n",
			"setup/data":          "x",
			"conf/other.conf":     "key = b",
		}, dockerfile.Options{})
		text := string(r.Text)
		assert.Equal(t, want, sees(t, text, "/setup/scripts/01.sh", "conf/other.conf"), "%s\n%s", line, text)
		assert.False(t, sees(t, text, "/setup/scripts/01.sh", "setup/data"), "%s\n%s", line, text)
	}
}
