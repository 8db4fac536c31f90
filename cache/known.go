package cache

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// Unknown returns a program that is called and not known, "" where there is
// none. It may install anything, and read any cache.
func (u Use) Unknown() string {
	followed := map[string]bool{}
	for _, p := range append([]*shell.Program{u.Program}, u.Program.Programs...) {
		followed[p.Main.Path] = true
	}
	read := map[string]bool{}
	for _, p := range append([]*shell.Program{u.Program}, u.Program.Programs...) {
		for i := range p.Children {
			c := &p.Children[i]
			switch {
			case shell.Never(c.Guards):
			case c.InContext && !c.Glob && followed[c.Path], c.Glob && len(u.Program.Programs) > 0:
				read[path.Base(c.Absolute)] = true
			default:
				return c.Word.Text
			}
		}
	}
	for _, c := range calls(u.Program) {
		switch {
		case c.Kind == shell.CallDynamic:
			return c.Command.Text
		case c.Kind == shell.CallProgram && !IsKnown(c.Name) && !read[c.Name]:
			return c.Name
		}
	}
	return ""
}

// IsKnown reports whether it is known of a program that it reads no cache but its
// own, and installs no packages but by what the table has. make and the like read
// their directory and the environment.
func IsKnown(name string) bool {
	isIt := func(name string) bool {
		return slices.Contains(known(), name) || slices.ContainsFunc(Tools(), func(t Tool) bool { return slices.Contains(t.Commands, name) })
	}
	return isIt(name) || isIt(unversioned(name))
}

// unversioned is a program's name without the version that follows it:
// python3.11, gcc-12.
func unversioned(name string) string { return strings.TrimRight(name, "0123456789.-") }

// runsOthers reports whether a program runs what a file tells it, so that it may
// install packages as well. Those that build do not: who installs by make is told
// by its name.
func runsOthers(name string) bool {
	switch unversioned(name) {
	case "python", "perl", "ruby", "node", "nodejs", "php", "java", "lua", "tclsh":
		return true
	}
	return false
}

func known() []string {
	return []string{
		// coreutils, findutils, util-linux and their like
		"[", "arch", "awk", "b2sum", "base32", "base64", "basename", "bc", "bzcat", "bzip2", "bunzip2", "cat", "chattr", "chcon", "chgrp", "chmod",
		"chown", "cksum", "cmp", "column", "comm", "cp", "cpio", "csplit", "cut", "date", "dc", "dd", "df", "diff", "diff3", "dir", "dircolors", "dirname", "du", "echo",
		"ed", "egrep", "env", "envsubst", "expand", "expr", "factor", "false", "fgrep", "file", "find", "flock", "fmt", "fold", "free", "gawk", "getconf",
		"getent", "getopt", "gpg", "gpg2", "gpgconf", "gpg-agent", "gpgv", "dirmngr", "grep", "groups", "gunzip", "gzip", "head", "hexdump", "hostname", "iconv", "id", "install",
		"join", "jq", "kill", "killall", "less", "link", "ln", "locale", "logger", "logname", "look", "ls", "lsattr", "lsb_release", "lsblk", "lscpu", "lzcat", "lzma", "make",
		"mawk", "md5sum", "mkdir", "mkfifo", "mknod", "mktemp", "more", "mount", "mountpoint", "mv", "nawk", "nice", "nl", "nohup", "nproc", "numfmt", "od", "openssl", "paste",
		"patch", "pathchk", "pgrep", "pidof", "pinky", "pkill", "pr", "printenv", "printf", "ps", "ptx", "pwd", "readlink", "realpath", "rename", "rev", "rm", "rmdir",
		"rsync", "runuser", "sed", "seq", "setfacl", "getfacl", "setfattr", "getfattr", "setcap", "getcap", "setsid", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum",
		"shred", "shuf", "sleep", "sort", "split", "stat", "stdbuf", "strings", "stty", "su", "sudo", "gosu", "su-exec", "setpriv", "sum", "sync", "tac", "tail", "tar", "tee", "test", "time",
		"timeout", "touch", "tput", "tr", "tree", "true", "truncate", "tsort", "tty", "umask", "uname", "unexpand", "uniq", "unlink", "unlzma", "unxz", "unzip", "update-locale",
		"users", "vdir", "wc", "whereis", "which", "who", "whoami", "xargs", "xxd", "xz", "xzcat", "yes", "yq", "zcat", "zgrep", "zip", "zstd", "zstdcat", "unzstd", "chroot", "ionice", "taskset",
		// shells
		"ash", "bash", "dash", "ksh", "sh", "zsh",
		// accounts, system
		"addgroup", "adduser", "chage", "chfn", "chpasswd", "chsh", "delgroup", "deluser", "gpasswd", "groupadd", "groupdel", "groupmod", "newusers", "passwd", "useradd", "userdel", "usermod",
		"vipw", "ldconfig", "ldd", "locale-gen", "localedef", "update-ca-certificates", "c_rehash", "update-alternatives", "dpkg-divert", "dpkg-statoverride", "update-rc.d", "invoke-rc.d",
		"systemctl", "service", "sysctl", "ssh-keygen", "ssh-keyscan", "ssh", "scp", "certutil", "trust", "fc-cache", "fc-list", "mandb", "depmod", "crontab", "tzselect", "glib-compile-schemas",
		"gtk-update-icon-cache", "update-mime-database", "update-desktop-database", "ccache", "tic", "unshare", "visudo",
		// Debian's own, which read no archives
		"apt-cache", "apt-config", "apt-key", "apt-mark", "debconf-set-selections", "debconf-show", "deb-systemd-helper", "dpkg", "dpkg-architecture", "dpkg-deb", "dpkg-query",
		"dpkg-reconfigure", "dpkg-source", "dpkg-buildpackage", "add-apt-repository", "rpm", "rpm2cpio", "rpmkeys", "pg_createcluster", "pg_dropcluster", "pg_lsclusters",
		// fetching, building
		"aclocal", "ar", "as", "autoconf", "autoheader", "automake", "autopoint", "autoreconf", "autoupdate", "bison", "byacc", "bzr", "cbuild", "config.guess", "config.sub", "configure", "cpp", "curl",
		"flex", "ftp", "gettext", "git", "git-lfs", "gmake", "hg", "intltoolize", "ld", "ldconfig.real", "libtool", "libtoolize", "lex", "m4", "msgfmt", "nm", "objcopy", "objdump", "patchelf", "pkg-config",
		"pkgconf", "protoc", "ranlib", "readelf", "rustc", "rustup", "scons", "size", "strip", "svn", "swig", "waf", "wget", "yacc", "autogen.sh", "bootstrap", "llvm-config", "lld", "gfortran", "ctest", "cpack", "nvcc",
		// languages
		"node", "nodejs", "corepack", "perl", "cpan", "cpanm", "php", "pecl", "phpize", "python", "python2", "python3", "ruby", "rake", "rdoc", "java", "javac", "jar", "keytool", "lua", "luarocks", "tclsh", "R", "Rscript", "ghc", "virtualenv", "pyenv",
		"tsc", "ng", "vite", "webpack", "gulp", "grunt", "bower", "jest",
		// PostgreSQL
		"createdb", "createuser", "initdb", "pg_ctl", "pg_config", "pg_dump", "pg_isready", "pg_restore", "postgres", "psql", "patroni", "patronictl", "etcd", "etcdctl", "pgbackrest", "pgbouncer", "pgbench", "barman", "wal-g",
	}
}
