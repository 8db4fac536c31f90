package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// told returns what was decided, and the steps without their mounts.
func told(r *dockerfile.Rewritten) (said string, steps []string) {
	for _, d := range r.Decisions {
		said += d.Text + "; "
	}
	for line := range strings.Lines(string(r.Text)) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "RUN "); ok {
			for strings.HasPrefix(text, "--mount") {
				_, text, _ = strings.Cut(text, " ")
			}
			steps = append(steps, text)
		}
	}
	return said, steps
}

// TestSplitLines tells which RUN lines become several steps, and what is said of
// them.
func TestSplitLines(t *testing.T) {
	files := map[string]string{
		"b/one.sh": "#!/bin/sh\necho 1 >/1\n", "b/two.sh": "#!/bin/sh\nexport PATH=/opt/x:$PATH\necho 2 >/2\n", "b/three.sh": "#!/bin/sh\npython3 /b/gen.py >/3\n",
		"b/gen.py": "import os\nprint(os.getcwd())\n", "b/leaves.sh": "#!/bin/sh\nsleep 9 &\n",
		"b/all.sh": "#!/bin/sh\nset -e\n/b/one.sh\n/b/two.sh\n/b/three.sh\n",
	}
	for name, c := range map[string]struct {
		run, says string
		steps     []string
	}{
		"several scripts":           {"/b/one.sh && /b/two.sh && sh /b/three.sh", "a line of 3 scripts split into 3 steps", []string{"/b/one.sh", "/b/two.sh", "sh /b/three.sh"}},
		"commands between":          {"set -e; /b/one.sh; echo x >/x; /b/two.sh", "a line of 2 scripts split into 3 steps", []string{"set -e && /b/one.sh", "set -e; echo x >/x", "set -e && /b/two.sh"}},
		"one alone":                 {"/b/one.sh && echo x >/x", "", []string{"/b/one.sh", "echo x >/x"}},
		"one in a pipe":             {"/b/one.sh && /b/two.sh | tee /log", "", []string{"/b/one.sh", "/b/two.sh | tee /log"}},
		"a directory that is gone":  {"cd /srv && /b/one.sh && cd / && rmdir /srv && /b/two.sh", "split into 3 steps", []string{"cd /srv && /b/one.sh", "cd / && rmdir /srv", "/b/two.sh"}},
		"a value in a branch":       {"set -e; /b/one.sh; if [ -f /x ]; then V=1; fi; /b/two.sh $V", "not told apart: its line sets", []string{"set -e; /b/one.sh", "set -e; if [ -f /x ]; then V=1; fi; /b/two.sh $V"}},
		"an early end":              {"set -e; /b/one.sh; if [ -f /x ]; then exit 0; fi; /b/two.sh", "not told apart: its line sets", []string{"set -e; /b/one.sh", "set -e; if [ -f /x ]; then exit 0; fi; /b/two.sh"}},
		"one or the other":          {"/b/one.sh || /b/two.sh", "kept whole: its line does more", []string{"/b/one.sh || /b/two.sh"}},
		"one leaves something":      {"/b/leaves.sh && /b/two.sh", "kept whole: leaves.sh:2 leaves sleep running", []string{"/b/leaves.sh && /b/two.sh"}},
		"PATH and a helper's own":   {"/b/all.sh", "all.sh split into 3 steps", []string{"/b/one.sh", "/b/two.sh", "/b/three.sh"}},
		"a program of another kind": {"/b/three.sh && /b/one.sh", "a line of 2 scripts split into 2 steps", []string{"/b/three.sh", "/b/one.sh"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := rewriteText(t, "FROM debian\nCOPY b /b\nRUN "+c.run+"\n", files, dockerfile.Options{})
			all, steps := told(r)
			assert.Equal(t, c.steps, steps, string(r.Text))
			if c.says == "" {
				assert.NotContains(t, all, "split into")
			} else {
				assert.Contains(t, all, c.says)
			}
		})
	}
}

// TestDriversThatReport tells what a driver may do around its scripts: give them other
// priorities and variables, keep what they print, report failures.
func TestDriversThatReport(t *testing.T) {
	for name, c := range map[string]struct {
		driver, says string
		steps        []string
	}{
		"priority":                {"nice -n 5 /b/one.sh\nionice -c3 nice /b/two.sh", "split into 2 steps", []string{"nice -n 5 /b/one.sh", "ionice -c3 nice /b/two.sh"}},
		"variables":               {"env A=1 /b/one.sh\nenv B=2 nice /b/two.sh", "split into 2 steps", []string{"A=1 env 'A=1' /b/one.sh", "B=2 env 'B=2' nice /b/two.sh"}},
		"no variables":            {"env -i /b/one.sh\n/b/two.sh", "runs one.sh through another program", nil},
		"a limit":                 {"timeout 5 /b/one.sh\n/b/two.sh", "runs one.sh through another program", nil},
		"a log":                   {"/b/one.sh | tee /log\n/b/two.sh", "split into 2 steps", []string{"bash -c '/b/one.sh | tee /log'", "/b/two.sh"}},
		"a log of failures":       {"set -o pipefail\nbash /b/one.sh 2>&1 | tee -a /log\n/b/two.sh", "split into 2 steps", []string{"bash -c 'set -o pipefail; bash /b/one.sh 2>&1 | tee -a /log'", "/b/two.sh"}},
		"a log of another name":   {"/b/one.sh | tee /log.$(date +%s)\n/b/two.sh", "gives one.sh arguments that are known only when it runs", nil},
		"a log that is counted":   {"/b/one.sh | tee /log | wc -l\n/b/two.sh", "pipes the output of one.sh", nil},
		"what a script reads":     {"echo x | /b/one.sh\n/b/two.sh", "pipes the output of one.sh", nil},
		"a report":                {"trap 'echo failed >&2' ERR\n/b/one.sh\n/b/two.sh", "split into 2 steps", []string{"/b/one.sh", "/b/two.sh"}},
		"a trap that writes":      {"trap 'echo failed >/failed' ERR\n/b/one.sh\n/b/two.sh", "writes /failed between its scripts", nil},
		"a trap that ends it":     {"trap 'exit 0' ERR\n/b/one.sh\n/b/two.sh", "may end it early", nil},
		"a trap of a function":    {"f() { rm -f /x; }\ntrap f EXIT\n/b/one.sh\n/b/two.sh", "runs rm between its scripts", nil},
		"a trap that is not read": {"trap \"$ON_END\" EXIT\n/b/one.sh\n/b/two.sh", "runs a command whose name is known only when it runs", nil},
		"a signal ignored":        {"trap '' HUP\n/b/one.sh\n/b/two.sh", "sets a trap", nil},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"b/one.sh": "#!/bin/sh\necho 1 >/1\n", "b/two.sh": "#!/bin/sh\necho 2 >/2\n", "b/all.sh": "#!/bin/bash\nset -e\n" + c.driver + "\n"}
			r := rewriteText(t, "FROM debian\nCOPY b /b\nRUN /b/all.sh\n", files, dockerfile.Options{})
			said, steps := told(r)
			assert.Contains(t, said, c.says)
			if c.steps == nil {
				assert.Len(t, steps, 1)
				return
			}
			assert.Equal(t, c.steps, steps)
		})
	}
}

// TestSettingsAroundADriver tells which settings of an image keep a driver whole: only
// those above it, so that one that comes later runs nothing again.
func TestSettingsAroundADriver(t *testing.T) {
	files := map[string]string{"b/one.sh": "#!/bin/sh\n", "b/two.sh": "#!/bin/sh\n", "b/all.sh": "#!/bin/sh\nset -e\n/b/one.sh\n/b/two.sh\n"}
	const driver = "COPY b /b\nRUN /b/all.sh\n"
	for name, c := range map[string]struct {
		text, says string
		last       string // what has to be in the last stage
	}{
		"a command above":           {"FROM debian\nCMD [\"x\"]\n" + driver + "ENTRYPOINT [\"y\"]\n", "split into 2 steps", "CMD [\"x\"]"},
		"a command, and its shell":  {"FROM debian\nCMD x\nSHELL [\"/bin/bash\", \"-c\"]\n" + driver, "Dockerfile:3 has SHELL, between CMD and it", ""},
		"a trigger below":           {"FROM debian\n" + driver + "ONBUILD RUN true\n", "split into 2 steps", "ONBUILD RUN true"},
		"a trigger above":           {"FROM debian\nONBUILD RUN true\n" + driver, "Dockerfile:2 has ONBUILD, and comes before it", ""},
		"a trigger of the base":     {"FROM debian AS base\nARG A\nONBUILD COPY c /b\nFROM base\n" + driver, "Dockerfile:3 has ONBUILD, in the stage that it builds on", ""},
		"a command of a base stage": {"FROM debian AS base\nARG A\nCMD [\"x\"]\nFROM base\n" + driver + "ENTRYPOINT [\"y\"]\n", "split into 2 steps", "ENTRYPOINT [\"y\"]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := rewriteText(t, c.text, files, dockerfile.Options{})
			text := string(r.Text)
			said, _ := told(r)
			assert.Contains(t, said, c.says)
			assert.Contains(t, text[strings.LastIndex(text, "FROM "):], c.last)
			if strings.Contains(c.text, "AS base") && c.last != "" {
				assert.NotContains(t, text, "CMD", "the ENTRYPOINT has taken it away")
			}
		})
	}
}
