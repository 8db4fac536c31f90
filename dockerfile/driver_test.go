package dockerfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// TestDriverStaysWhole tells each reason why a driver stays one step, by one of its
// own, and that nothing else keeps it whole.
func TestDriverStaysWhole(t *testing.T) {
	for name, c := range map[string]struct{ driver, why string }{
		"nothing":                     {"/s/1.sh\n/s/2.sh", ""},
		"a name that is not known":    {"/s/1.sh\nsh \"$(cat /etc/hostname)\"\n/s/2.sh", "whose name is known only when it runs"},
		"a pattern":                   {"/s/1.sh\nfor f in /opt/x/*.sh; do sh \"$f\"; done", "whose files are not all known"},
		"a loop":                      {"while read -r x; do /s/1.sh; done </etc/fstab\n/s/2.sh", "in a loop, how often is known only when it runs"},
		"a condition":                 {"if [ -f /etc/x ]; then /s/1.sh; fi\n/s/2.sh", "under a condition that is decided when it runs"},
		"in the background":           {"/s/1.sh &\n/s/2.sh", "runs something in the background"},
		"a pipe":                      {"/s/1.sh | wc -l\n/s/2.sh", "pipes the output of 1.sh"},
		"another program":             {"timeout 9 /s/1.sh\n/s/2.sh", "runs 1.sh through another program"},
		"a directory":                 {"cd \"$(cat /etc/dir)\"\n/s/1.sh\n/s/2.sh", "in a directory that is known only when it runs"},
		"no interpreter":              {"/s/none.sh\n/s/2.sh", "none.sh:1 has no #! line that works"},
		"a failure that is looked at": {"/s/1.sh || echo failed\n/s/2.sh", "decides what to do if 1.sh fails"},
		"no set -e":                   {"set +e\n/s/1.sh\n/s/2.sh", "changes the shell's options"},
		"an argument":                 {"/s/1.sh \"$(date)\"\n/s/2.sh", "arguments that are known only when it runs"},
		"a function":                  {"f() { :; }\nexport -f f\n/s/1.sh\n/s/2.sh", "exports the function f()"},
		"a value":                     {"export V=\"$(date)\"\n/s/v.sh\n/s/2.sh", "exports V, whose value is known only when it runs"},
		"what is in a file":           {"V=$(</s/2.sh)\nexport V\n/s/v.sh\n/s/2.sh", "exports V, whose value is known only when it runs"},
		"the last instead of itself":  {"/s/1.sh\nexec /s/2.sh", ""},
		"another name for it":         {"/s/1.sh\nexec -a x /s/2.sh", "runs 2.sh through another program"},
		"a value nobody reads":        {"export V=\"$(date)\"\n/s/1.sh\n/s/2.sh", ""},
		"a value that programs read":  {"export XZ_OPT=\"$(date)\"\n/s/1.sh\n/s/2.sh", "exports XZ_OPT, whose value is known only when it runs"},
		"an early end":                {"/s/1.sh\n[ -f /etc/x ] && exit 0\n/s/2.sh", "may end it early"},
		"an end at last":              {"/s/1.sh\n/s/2.sh\nexit 0", ""},
		"an end after a failure":      {"/s/1.sh || exit 3\n/s/2.sh", ""},
		"a skip":                      {"f() { [ -f /etc/x ] && return; /s/1.sh; }\nf\n/s/2.sh", "may skip a script"},
		"unset":                       {"/s/1.sh\nunset PATH\n/s/2.sh", "unsets PATH"},
		"a trap":                      {"trap '' HUP\n/s/1.sh\n/s/2.sh", "sets a trap"},
		"a redirection":               {"exec >/dev/null\n/s/1.sh\n/s/2.sh", "redirects all output"},
		"something beside":            {"sleep 9 &\n/s/1.sh\n/s/2.sh", "runs something in the background"},
		"a file":                      {"/s/1.sh\n: >/x\n/s/2.sh", "writes /x between its scripts"},
		"a file of /dev":              {"/s/1.sh\n: >/dev/stderr\n/s/2.sh", ""},
		"a command of its own":        {"/s/1.sh\nmkdir /x\n/s/2.sh", ""},
		"a command in a branch":       {"/s/1.sh\nif [ -f /etc/x ]; then mkdir /x; fi\n/s/2.sh", "runs mkdir between its scripts"},
		"a command with a value":      {"/s/1.sh\nmkdir \"$(date)\"\n/s/2.sh", "runs mkdir between its scripts, with arguments that are known only when it runs"},
		"a command that is not known": {"/s/1.sh\n\"$(cat /etc/x)\" y\n/s/2.sh", "whose name is known only when it runs"},
		"a file that is read in":      {". /opt/settings.sh\n/s/1.sh\n/s/2.sh", "all.sh:3 sources /opt/settings.sh"},
		"hard links":                  {"/s/links.sh\n/s/2.sh", "links.sh:2 makes hard links"},
		"a mount":                     {"/s/mounts.sh\n/s/2.sh", "mounts.sh:2 mounts a file system"},
		"memory":                      {"/s/memory.sh\n/s/2.sh", "memory.sh:2 uses /dev/shm/x, which does not outlive a step"},
		"what runs on":                {"/s/leaves.sh\n/s/2.sh", "leaves.sh:2 leaves sleep running"},
	} {
		t.Run(name, func(t *testing.T) {
			r := rewriteText(t, "FROM debian\nCOPY s /s\nRUN /s/all.sh\n", map[string]string{
				"s/all.sh": "#!/bin/bash\nset -e\n" + c.driver + "\n",
				"s/1.sh":   "#!/bin/sh\necho 1\n", "s/2.sh": "#!/bin/sh\necho 2\n", "s/v.sh": "#!/bin/sh\necho $V\n", "s/none.sh": "echo none\n",
				"s/links.sh": "#!/bin/sh\nln /etc/fstab /x\n", "s/mounts.sh": "#!/bin/sh\nmount -t tmpfs x /mnt\n",
				"s/memory.sh": "#!/bin/sh\necho >/dev/shm/x\n", "s/leaves.sh": "#!/bin/sh\nsleep 9 &\n",
			}, dockerfile.Options{})
			var said []string
			for _, d := range r.Decisions {
				said = append(said, d.Text)
			}
			all := strings.Join(said, "; ")
			if c.why == "" {
				assert.Contains(t, all, "all.sh split into")
				return
			}
			assert.Contains(t, all, "kept whole: ")
			assert.Contains(t, all, c.why)
			assert.Contains(t, all, "; to split it, ")
			assert.Empty(t, r.Squashes)
		})
	}
}
