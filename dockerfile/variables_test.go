package dockerfile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// given are the names of the scripts whose steps have an ARG in their
// environment.
func given(text, name string) []string {
	var out []string
	declared := false
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "FROM":
			declared = false
		case words[0] == "ARG" && (words[1] == name || strings.HasPrefix(words[1], name+"=")):
			declared = true
		case words[0] == "RUN" && declared:
			last := words[len(words)-1]
			out = append(out, last[strings.LastIndex(last, "/")+1:])
		}
	}
	return out
}

// TestArgs tells which steps an ARG is given to, by what its name is and who
// speaks of it.
func TestArgs(t *testing.T) {
	for name, c := range map[string]struct {
		arg, one, two, three string
		want                 []string
		says                 string
	}{
		"a script speaks of it":             {"PG_MAJOR", "mytool", "echo $PG_MAJOR", "mytool", []string{"2.sh", "3.sh"}, "depend on PG_MAJOR"},
		"the last one does":                 {"PG_MAJOR", "mytool", "make", "echo $PG_MAJOR", []string{"3.sh"}, "depend on PG_MAJOR"},
		"nobody does":                       {"CACHEBUST", "true", "true", "true", []string{"1.sh", "2.sh", "3.sh"}, "CACHEBUST: nothing speaks of it"},
		"programs know the name":            {"VERSION", "true", "make", "echo $VERSION", []string{"2.sh", "3.sh"}, "VERSION: make may read it"},
		"they do, and all are known":        {"VERSION", "apt-get update", "cat /etc/passwd", "echo $VERSION", []string{"3.sh"}, "depend on VERSION"},
		"a prefix that programs know":       {"VITE_API", "echo 1", "npm run build", "echo $VITE_API", []string{"2.sh", "3.sh"}, "VITE_API: npm may read it"},
		"a compiler's":                      {"CFLAGS", "true", "./configure", "echo $CFLAGS", []string{"2.sh", "3.sh"}, "CFLAGS: "},
		"tar's":                             {"XZ_OPT", "true", "tar cJf /x.tar.xz /etc", "echo $XZ_OPT", []string{"1.sh", "2.sh", "3.sh"}, ""},
		"the whole environment":             {"PG_MAJOR", "true", "env >/env", "echo $PG_MAJOR", []string{"2.sh", "3.sh"}, ""},
		"a name that is put together":       {"PG_MAJOR", "true", `n=PG; m=${n}_MA; eval "echo \$${m}JOR"`, "echo $PG_MAJOR", []string{"2.sh", "3.sh"}, ""},
		"a sourced file of the image":       {"DEBUG", "true", "[ -f /etc/profile ] && . /etc/profile", "echo $DEBUG", []string{"2.sh", "3.sh"}, "DEBUG: /etc/profile may read it"},
		"awk looks at the environment":      {"VERSION", "true", `awk 'BEGIN{for (v in ENVIRON) print v}'`, "echo $VERSION", []string{"2.sh", "3.sh"}, "VERSION: awk"},
		"a program at a path of its own":    {"VERSION", "true", "/opt/x/cat", "echo $VERSION", []string{"2.sh", "3.sh"}, "VERSION: /opt/x/cat"},
		"a shell that reads its input":      {"VERSION", "true", "curl -fsSL https://example.com | sh", "echo $VERSION", []string{"2.sh", "3.sh"}, "VERSION: sh"},
		"the driver alone, to no end":       {"CACHEBUST", "true", "true", "true", []string{"1.sh", "2.sh", "3.sh"}, "CACHEBUST: nothing speaks of it"},
		"the driver alone, in what it does": {"PASSED", "true", "true", "echo $GIVEN", nil, "depend on PASSED"},
	} {
		t.Run(name, func(t *testing.T) {
			passes := ""
			if c.arg == "PASSED" {
				passes = "export GIVEN=$PASSED\n"
			}
			r := rewriteText(t, "FROM debian\nARG "+c.arg+"=1\nCOPY setup /setup\nRUN /setup/setup.sh\n", map[string]string{
				"setup/setup.sh": "#!/bin/bash\nset -e\necho $CACHEBUST\n" + passes + "bash /setup/1.sh\nbash /setup/2.sh\nbash /setup/3.sh\n",
				"setup/1.sh":     "#!/bin/bash\n" + c.one + "\n",
				"setup/2.sh":     "#!/bin/bash\n" + c.two + "\n",
				"setup/3.sh":     "#!/bin/bash\n" + c.three + "\n",
			}, dockerfile.Options{})
			assert.Equal(t, c.want, given(string(r.Text), c.arg), string(r.Text))
			assert.True(t, c.says == "" || slices.ContainsFunc(r.Decisions, func(d dockerfile.Decision) bool { return strings.Contains(d.Text, c.says) }), "%v", r.Decisions)
		})
	}
}

// Without a driver that is split, an ARG passes only what is known with all that
// it reads, and a COPY passes nothing.
func TestNothingMovesWithoutADriver(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"make":            {"FROM b\nCOPY . .\nARG VERSION=1\nRUN make\nRUN echo $VERSION\n", ""},
		"an unknown tool": {"FROM b\nCOPY . .\nARG PG=1\nRUN mytool\nRUN echo $PG\n", ""},
		"nobody reads it": {"FROM b\nCOPY f /f\nARG CACHEBUST=1\nRUN cat /proc/sys/kernel/random/uuid >/id\n", ""},
		"known":           {"FROM b\nARG PG=1\nRUN apt-get update\nRUN echo $PG\n", "FROM b\nRUN apt-get update\nARG PG=1\nRUN echo $PG\n"},
		"stat":            {"FROM b\nCOPY f /data/f\nRUN stat /data\n", ""},
		"a hard link":     {"FROM b\nCOPY f /data/f\nRUN ln /data/f /f\n", ""},
		"relative":        {"FROM b\nWORKDIR /opt\nCOPY f d/f\nRUN chmod -R 700 .\n", ""},
		"known programs":  {"FROM b\nCOPY f /data/f\nRUN apt-get update\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := rewriteText(t, c.text, map[string]string{"f": "x", "Makefile": "all:\n"}, dockerfile.Options{})
			text := strings.ReplaceAll(string(r.Text), "--mount=type=cache,id=apt-apt-stable-linux-amd64", "")
			var lines []string
			for line := range strings.Lines(text) { // caches are another matter
				if i := strings.LastIndex(line, "docker-clean "); strings.HasPrefix(line, "RUN --mount") && i > 0 {
					line = "RUN " + line[i+len("docker-clean "):]
				} else if i := strings.LastIndex(line, "sharing=locked "); strings.HasPrefix(line, "RUN --mount") && i > 0 {
					line = "RUN " + line[i+len("sharing=locked "):]
				}
				lines = append(lines, line)
			}
			want := c.want
			if want == "" {
				want = c.text
			}
			assert.Equal(t, want, strings.Join(lines, ""))
		})
	}
}
