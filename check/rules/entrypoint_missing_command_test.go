package rules

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/pgstrata/pgstrata/check"
)

// What a command is that no directory of PATH has: an error where nothing else
// can be meant, a note where that is a guess, nothing where a function is.
func TestMissingCommandCertainty(t *testing.T) {
	const main = "entrypoint.d/entrypoint.sh"
	const lib = "entrypoint.d/lib/account.sh"
	const scripts = "/opt/container/entrypoint.d"
	const none = check.Severity("")
	defines := "take_account() { echo x; }\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  check.Severity
	}{
		{"nothing defines it", map[string]string{main: "#!/bin/bash\ntake_account\n"}, check.Error},
		{"in a function that is called", map[string]string{main: "#!/bin/bash\nf() { take_account; }\nf\n"}, check.Error},
		{"in a function that is never called", map[string]string{main: "#!/bin/bash\nf() { take_account; }\necho\n"}, none},
		{"in a function that an unknown name may be", map[string]string{main: "#!/bin/bash\nf() { take_account; }\n\"$1\"\n"}, check.Note},
		{"a file that is sourced defines it", map[string]string{main: "#!/bin/bash\n. " + scripts + "/lib/account.sh\ntake_account\n", lib: defines}, none},
		{"all files of a folder are sourced", map[string]string{main: "#!/bin/bash\nfor f in " + scripts + "/lib/*.sh; do . \"$f\"; done\ntake_account\n", lib: defines}, none},
		{"names out of a list are sourced", map[string]string{main: "#!/bin/bash\nfor f in account; do . \"" + scripts + "/lib/$f.sh\"; done\ntake_account\n", lib: defines}, none},
		{"a file with a name of the environment is sourced", map[string]string{main: "#!/bin/bash\n. \"$LIB\"\ntake_account\n", lib: defines}, none},
		{"so is one that nobody has", map[string]string{main: "#!/bin/bash\n. \"$LIB\"\ntake_account\n"}, check.Note},
		{"a mounted file is sourced", map[string]string{main: "#!/bin/bash\n. /run/secrets/lib.sh\ntake_account\n"}, check.Note},
		{"a file that cannot be there is sourced", map[string]string{main: "#!/bin/bash\n. /etc/absent\ntake_account\n"}, check.Error},
		{"a file of the setup is sourced, and has only values", map[string]string{main: "#!/bin/bash\n. /etc/os-release\ntake_account\n", "root/etc/os-release": "ID=debian\n"}, check.Error},
		{"a file of the setup is sourced, and has functions", map[string]string{main: "#!/bin/bash\n. /etc/lib.sh\ntake_account\n", "root/etc/lib.sh": defines}, check.Note},
		{"a file beside defines it, and is not sourced", map[string]string{main: "#!/bin/bash\ntake_account\n", lib: defines}, check.Note},
		{"an operator's script that sources only some of the files", map[string]string{
			main:                      "#!/bin/bash\n. " + scripts + "/lib/account.sh\n. " + scripts + "/lib/use.sh\nprepare\n",
			lib:                       defines,
			"entrypoint.d/lib/use.sh": "prepare() { take_account; }\nother() { :; }\n",
			"entrypoint.d/call.sh":    "#!/bin/bash\n. " + scripts + "/lib/use.sh\n\"$@\"\nother\n",
		}, none},
		{"a helper calls what its callers define", map[string]string{
			main:                      "#!/bin/bash\n. " + scripts + "/lib/account.sh\n. " + scripts + "/lib/use.sh\n",
			lib:                       defines,
			"entrypoint.d/lib/use.sh": "#!/bin/bash\ntake_account\n",
		}, none},
		{"a helper that a name made up may be", map[string]string{
			main:                      "#!/bin/bash\n. " + scripts + "/lib/account.sh\n. " + scripts + "/lib/\"$MODE\".sh\n",
			lib:                       defines,
			"entrypoint.d/lib/use.sh": "#!/bin/bash\ntake_account\n",
		}, none},
		{"a file for others to source, that nobody was seen to", map[string]string{main: "#!/bin/bash\necho\n", "entrypoint.d/lib/use.sh": "take_account\n"}, check.Note},
		{"a template of a script defines it", map[string]string{
			"Dockerfile": "base: debian:bookworm-slim\nentrypoint: {configuration_files: [{source: config/lib.template, target: /etc/lib.template}]}\n",
			main:         "#!/bin/bash\n. \"$LIB\"\ntake_account\n", "config/lib.template": "{% if x %}\ntake_account() {\n{% endif (\n",
		}, none},
		{"a configuration file defines it", map[string]string{
			"Dockerfile": "base: debian:bookworm-slim\nentrypoint: {configuration_files: [{source: config/lib, target: /etc/lib}]}\n",
			main:         "#!/bin/bash\n. \"$LIB\"\ntake_account\n", "config/lib": defines,
		}, none},
		{"a parent exports it", map[string]string{
			main:                    "#!/bin/bash\n" + defines + "export -f take_account\n" + scripts + "/child.sh\n",
			"entrypoint.d/child.sh": "#!/bin/bash\ntake_account\n",
		}, none},
		{"an alias", map[string]string{main: "#!/bin/bash\nshopt -s expand_aliases\nalias take_account=echo\ntake_account\n"}, check.Note},
		{"text is evaluated that is made up", map[string]string{main: "#!/bin/bash\neval \"$(cat /run/x)\"\ntake_account\n"}, check.Note},
		{"text is evaluated that is known", map[string]string{main: "#!/bin/bash\neval 'X=1'\ntake_account\n"}, check.Error},
		{"the shell reads a file of its own", map[string]string{main: "#!/bin/bash -l\ntake_account\n"}, check.Note},
		{"the environment names such a file", map[string]string{"Dockerfile": "base: debian:bookworm-slim\nimage: {env: {BASH_ENV: /run/env}}\n", main: "#!/bin/bash\ntake_account\n"}, check.Note},
		{"busybox has programs of its own", map[string]string{main: "#!/bin/sh\ntake_account\n", "root/bin/sh": "-> busybox", "root/bin/busybox": ""}, check.Note},
		{"a directory of PATH is a volume", map[string]string{"Dockerfile": "base: debian:bookworm-slim\nimage: {env: {PATH: \"/data/bin:${PATH}\"}, volumes: [/data]}\n", main: "#!/bin/bash\ntake_account\n"}, check.Note},
		{"a container installs packages", map[string]string{main: "#!/bin/bash\napt-get install -y x\ntake_account\n"}, check.Note},
		{"a container makes it", map[string]string{main: "#!/bin/bash\necho '#!/bin/sh' > /usr/local/bin/take_account\ntake_account\n"}, none},
		{"a function is asked for", map[string]string{main: "#!/bin/bash\nif declare -F take_account >/dev/null; then take_account; fi\n"}, none},
		{"a wrapper is asked for", map[string]string{main: "#!/bin/bash\nif command -v gosu; then gosu x true; fi\n"}, none},
		{"a wrapper is missing", map[string]string{main: "#!/bin/bash\ngosu x true\n"}, check.Error},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := map[string]string{
				"Dockerfile": "base: debian:bookworm-slim\n", "root/bin/bash": "", "root/bin/apt-get": "", "root/bin/true": "", "root/bin/cat": "",
			}
			maps.Copy(files, test.files)
			context, setup := split(files)
			in := input(t, context)
			in.Setup = setup
			got := only(Read(in).Contract(in.Setup, in.Path), "EntrypointMissingCommand")
			if test.want == none {
				assert.Empty(t, describe(got))
			} else if assert.Len(t, got, 1) {
				assert.Equal(t, test.want, got[0].Severity, describe(got))
			}
		})
	}
}
