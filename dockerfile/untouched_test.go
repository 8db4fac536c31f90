package dockerfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// Of each RUN that calls scripts it is told why there is nothing taken apart in it:
// as kept whole, where it may run several.
func TestUntouched(t *testing.T) {
	const whole, untouched = dockerfile.Whole, dockerfile.Untouched
	for name, c := range map[string]struct {
		run  string
		all  string // the text of s/all.sh
		kind dockerfile.DecisionKind
		says string
	}{
		"eval of a list":         {"/s/all.sh", "#!/bin/sh\nset -e\nfor s in one two; do\n  c=$(cat /s/$s.cmd)\n  eval \"$c\"\ndone\n", whole, "kept whole: all.sh:5 runs a command whose name is known only when it runs; to split it, write its name out"},
		"eval of an argument":    {"/s/all.sh x", "#!/bin/sh\nset -e\neval \"$1\"\n", whole, "kept whole: all.sh:3 runs a command whose name is known only when it runs"},
		"a command of its own":   {"/s/all.sh", "#!/bin/sh\nset -e\n$RUNNER /srv\n", whole, "kept whole: all.sh:3 runs a command"},
		"a list in a file":       {"/s/all.sh", "#!/bin/sh\nset -e\nwhile read -r s; do sh \"$s\"; done </s/list\n", whole, "kept whole: all.sh:3 runs \"$s\", whose name is known only when it runs"},
		"a mistake":              {"/s/all.sh", "#!/bin/sh\nset -e\nif true; then\n/s/one.sh\n/s/two.sh\n", whole, "kept whole: all.sh:3 cannot be parsed; to split it, mend it"},
		"another language":       {"python3 /s/all.sh", "import subprocess\nsubprocess.check_call(['/s/one.sh'])\nsubprocess.check_call(['/s/two.sh'])\n", whole, "kept whole: all.sh is not a shell script; to split it, run its scripts from a shell script"},
		"make":                   {"make -C /s", "#!/bin/sh\n", whole, "kept whole: Makefile decides by the times of files which scripts it runs; to split it, run the scripts from a shell script"},
		"a shell that is no one": {"/s/all.sh", "#!/bin/sh\n/s/one.sh\n/s/two.sh\n", whole, "kept whole: its SHELL is not one that is read; to split it, set `SHELL` to one of these above it"},
		"one script":             {"/s/all.sh", "#!/bin/sh\ntouch /srv/x\n", untouched, "one step: all.sh does not run several scripts; to split it, let it run a script for each part that takes long"},
		"one that runs one":      {"/s/all.sh", "#!/bin/sh\nset -e\n/s/one.sh\n", untouched, "one step: all.sh does not run several scripts"},
		"one of the base":        {"sh /opt/base.sh", "#!/bin/sh\n", untouched, "one step: /opt/base.sh is no file of the build context, or was changed since it was copied"},
		"scripts in one shell":   {"/s/all.sh", "#!/bin/sh\nset -e\n. /s/one.sh\n. /s/two.sh\n", whole, "kept whole: all.sh:3 sources one.sh and others, which share one shell; to split it, run them as programs: `sh a.sh`"},
		"a driver in the shell":  {". /s/all.sh", "set -e\n/s/one.sh\n/s/two.sh\n", whole, "kept whole: its line runs one.sh in a shell that it does not leave"},
		"a shell of its own":     {"bash -c '/s/one.sh && /s/two.sh'", "#!/bin/sh\n", whole, "kept whole: its line runs one.sh in a shell that it does not leave"},
		"eval of each":           {"/s/all.sh", "#!/bin/sh\nset -e\nfor s in one two; do eval \"/s/$s.sh\"; done\n", whole, "kept whole: all.sh:3 runs one.sh by eval; to split it, call it without `eval`"},
		"no script":              {"touch /srv/x", "#!/bin/sh\n", "", ""},
		"a file of scripts":      {"cp -r /s /srv", "#!/bin/sh\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := "FROM debian\nCOPY s /s\n"
			if name == "a shell that is no one" {
				text += "SHELL [\"/usr/bin/fish\", \"-c\"]\n"
			}
			r := rewriteText(t, text+"RUN "+c.run+"\n", map[string]string{
				"s/all.sh": c.all, "s/one.sh": "#!/bin/sh\ntouch /srv/1\n", "s/two.sh": "#!/bin/sh\ntouch /srv/2\n", "s/Makefile": "all:\n\t./one.sh\n\t./two.sh\n",
			}, dockerfile.Options{})
			if c.says == "" {
				assert.Empty(t, r.Decisions)
				return
			}
			require.Len(t, r.Decisions, 1)
			assert.Equal(t, c.kind, r.Decisions[0].Kind)
			assert.Contains(t, r.Decisions[0].Text, c.says)
			assert.False(t, r.Changed)
		})
	}
}

// A script of which not all is known is one step among others: it sees all files, and
// none is hidden from it. If its driver looks at files after it, all is one step.
func TestScriptThatIsNotKnown(t *testing.T) {
	for name, c := range map[string]struct {
		two, driver string
		says        string
		steps       []string
	}{
		"a command":      {"#!/bin/sh\nset -e\n$RUNNER\n", "/s/one.sh\n/s/two.sh\n/s/three.sh", "all.sh split into 3 steps", []string{"/s/one.sh", "/s/two.sh", "/s/three.sh"}},
		"a helper":       {"#!/bin/sh\n. \"$LIB/x.sh\"\n", "/s/one.sh\n/s/two.sh\n/s/three.sh", "all.sh split into 3 steps", []string{"/s/one.sh", "/s/two.sh", "/s/three.sh"}},
		"a mistake":      {"#!/bin/sh\nif true; then\n", "/s/one.sh\n/s/two.sh\n/s/three.sh", "all.sh split into 3 steps", []string{"/s/one.sh", "/s/two.sh", "/s/three.sh"}},
		"a server":       {"#!/bin/sh\n$SERVER start\n", "/s/one.sh\n/s/two.sh\n/s/three.sh", "kept whole: two.sh:2 leaves", nil},
		"the last":       {"#!/bin/sh\n$RUNNER\n", "for f in /s/[ot]*.sh; do [ -x \"$f\" ] && \"$f\"; done", "split into 3 steps", []string{"/s/one.sh", "/s/three.sh", "/s/two.sh"}},
		"a test behind":  {"#!/bin/sh\n$RUNNER\n", "/s/two.sh\nif [ -f /s/one.sh ]; then /s/one.sh; fi", "kept whole: two.sh:2 runs a command", nil},
		"a list behind":  {"#!/bin/sh\n$RUNNER\n", "/s/two.sh\nfor f in /s/o*.sh /s/th*.sh; do \"$f\"; done", "kept whole: two.sh:2 runs a command", nil},
		"in its own way": {"#!/bin/sh\n", "/s/one.sh\n$RUNNER\n/s/three.sh", "kept whole: all.sh:4 runs a command", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := rewriteText(t, "FROM debian\nCOPY s /s\nRUN /s/all.sh\n", map[string]string{
				"s/all.sh": "#!/bin/bash\nset -e\n" + c.driver + "\n", "s/one.sh": "#!/bin/sh\ntouch /srv/1\n", "s/two.sh": c.two, "s/three.sh": "#!/bin/sh\ntouch /srv/3\n",
			}, dockerfile.Options{})
			said, steps := told(r)
			assert.Contains(t, said, c.says)
			if c.steps == nil {
				assert.Len(t, steps, 1)
				return
			}
			assert.Equal(t, c.steps, steps)
			assert.True(t, sees(t, string(r.Text), "/s/two.sh", "s/three.sh"), "%s", r.Text)
			assert.False(t, sees(t, string(r.Text), "/s/one.sh", "s/two.sh"), "%s", r.Text)
		})
	}
}
