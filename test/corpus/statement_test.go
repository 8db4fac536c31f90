package corpus

import (
	"strconv"
	"strings"
)

// statement draws one line of a script: something that reads or changes
// files, variables or what the shell knows of itself. N numbers its output.
func (a *artist) statement(n int) string {
	file := a.one(a.setup+"/data/a.txt", a.setup+"/data/b.conf", a.setup+"/lib.sh", a.app+"/x.conf", a.app+"/sub/y", a.app+"/run.sh", "/etc/x.conf")
	dir := a.one(a.setup, a.setup+"/data", a.setup+"/scripts", a.app, a.app+"/sub")
	other := a.setup + "/scripts/" + a.scripts[a.IntN(len(a.scripts))]
	text := strings.NewReplacer(
		"FILE", file, "DIR", dir, "OTHER", other, "SETUP", a.setup, "OUT", "/out."+strconv.Itoa(n), "NUMBER", strconv.Itoa(n),
		"VAR", a.one("ARG_ONE", "ARG_TWO", "ENV_ONE", "ENV_TWO"),
	).Replace(a.one(a.kind()...))
	if a.chance(85) {
		text = "{ " + text + "; } || echo failed >>/out." + strconv.Itoa(n)
	}
	return text
}

// kind draws what a statement does. Changes are rare: what is gone early leaves
// nothing to compare.
func (a *artist) kind() []string {
	switch n := a.IntN(100); {
	case n < 15:
		return variables()
	case n < 50:
		return reads()
	case n < 68:
		return looks()
	case n < 80:
		return changes()
	}
	return others()
}

// variables are statements: what a script takes from its environment.
func variables() []string {
	return []string{
		`echo "${VAR-unset}" >>OUT`,
		`echo "${VAR:-empty}" >>/order`,
		`v=VAR; eval "echo \"\${$v-}\"" >>OUT`,
		`printenv VAR >>OUT`,
		`env 2>/dev/null | grep ^VAR= >>OUT`,
	}
}

// reads are statements: how it reads files.
func reads() []string {
	return []string{
		`cat FILE >>OUT`,
		`cat FILE DIR/* >>OUT`,
		`cp FILE /opt/copied.NUMBER`,
		`cp -p FILE /opt/kept.NUMBER`,
		`cp -r DIR /opt/tree.NUMBER`,
		`install -m 0640 FILE /opt/installed.NUMBER`,
		`head -n 1 <FILE >>OUT`,
		`while read -r line; do echo "<$line>" >>OUT; done <FILE`,
		`grep -r a DIR 2>/dev/null | sort >>OUT`,
		`sed 's/a/A/' FILE >OUT.sed`,
		`d=DIR; cat "$d"/* >>OUT`,
		`cd DIR && cat * >>OUT`,
		`(cd DIR; ls) >>OUT`,
		`perl -e 'open(F, "<", "FILE") or exit 1; print <F>' >>OUT`,
		`tar -C DIR -cf - . 2>/dev/null | tar -tf - 2>/dev/null | sort >>OUT`,
		`head -n 2 OTHER >>OUT`,
		`. SETUP/lib.sh && note NUMBER`,
		`cat "$(dirname "$0")/../lib.sh" >>OUT`,
		`cat "${0%/*}/../data/a.txt" >>OUT`,
	}
}

// looks are statements: how it looks at files without reading them.
func looks() []string {
	return []string{
		`test -f FILE && echo there >>OUT`,
		`[ -x FILE ] && echo executable >>OUT`,
		`stat -c '%n %a %u:%g' FILE >>OUT`,
		`ls DIR >>OUT`,
		`ls -A SETUP/.. >>OUT`,
		`find SETUP -type f 2>/dev/null | sort >>OUT`,
		`for f in DIR/*; do echo "$f" >>OUT; done`,
		`echo DIR/* >>OUT`,
		`readlink -f FILE >>OUT`,
	}
}

// changes are statements: how it changes copied files.
func changes() []string {
	return []string{
		`echo more >>FILE`,
		`echo made >DIR/made.NUMBER`,
		`echo beside >"$(dirname "$0")/beside.NUMBER"`,
		`rm -f FILE`,
		`rm -rf DIR`,
		`chmod 0600 FILE`,
		`chmod -R o-r DIR`,
		`chown 33:44 FILE`,
		`chown -R 33 DIR`,
		`sed -i 's/a/b/' FILE`,
		`mv FILE /opt/moved.NUMBER`,
		`mkdir -p /opt/new.NUMBER && mv DIR /opt/new.NUMBER/`,
		`mkdir -p DIR/new`,
		`ln -s FILE /opt/link.NUMBER`,
		`ln -sfn DIR /opt/link`,
		`touch FILE`,
		`echo 'echo changed >>/order' >>OTHER`,
	}
}

// others are statements: what it does to the rest of the root, and asks the shell.
func others() []string {
	return []string{
		`cat /opt/link* >>OUT`,
		`cat /out.* 2>/dev/null | cksum >>/order`,
		`echo NUMBER >>/order`,
		`tool NUMBER`,
		`cp /bin/true /opt/suid.NUMBER && chmod 4755 /opt/suid.NUMBER`,
		`rm -rf /usr/share/common-licenses /etc/cron.daily`,
		`useradd -u 20NUMBER -m user.NUMBER`,
		`rm -rf /tmp/* /var/tmp/*`,
		`mkdir -p /opt/private.NUMBER && chmod 2700 /opt/private.NUMBER && chown 33:44 /opt/private.NUMBER`,
		`pwd >>OUT`,
		`echo "$0 $#" >>OUT`,
		`umask 027; echo masked >/opt/masked.NUMBER`,
		`cd /opt && pwd >>OUT`,
		`id -u >>OUT`,
	}
}
