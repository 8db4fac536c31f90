package programs

// tool is what most programs of a distribution are.
const tool = Closed | OwnCache

// traits is the table: all that is known of a program by its name. A program that
// stands nowhere here has none, and is taken to do anything.
func traits(name string) Trait {
	switch name {
	case "cmake", "config", "meson", "ninja":
		return Builder
	case "aptitude":
		return Closed | Debconf | Apt | UsesApt
	case "apt", "apt-get":
		return Closed | Debconf | NoFiles | Apt | UsesApt | PlainWords
	case "apk", "dnf", "microdnf", "yum", "zypper":
		return Closed | Packager
	case "[[":
		return Closed | ReadsFiles | NamesPaths
	case "c++", "cc", "clang", "clang++", "g++", "gcc":
		return Compiler
	case "debootstrap", "debuild", "mmdebstrap":
		return Debconf
	case "gdebi":
		return Debconf | UsesApt
	case "aria2c":
		return Fetcher
	case "go":
		return Fetcher | Builder
	case "R", "Rscript", "aclocal", "ar", "as", "autoconf", "autogen.sh", "autoheader", "automake", "autopoint", "autoupdate", "barman", "bc", "bison",
		"bower", "byacc", "bzr", "c_rehash", "cbuild", "ccache", "certutil", "chage", "chattr", "chfn", "chroot", "chsh", "config.guess", "config.sub",
		"corepack", "cpack", "cpan", "cpanm", "crontab", "csplit", "ctest", "dc", "deb-systemd-helper", "debconf-show", "depmod", "diff3", "dircolors",
		"dirmngr", "dpkg-architecture", "dpkg-deb", "dpkg-source", "ed", "env", "etcd", "etcdctl", "factor", "fc-cache", "fc-list", "flex", "flock", "ftp",
		"getfattr", "getopt", "gettext", "gfortran", "ghc", "git-lfs", "glib-compile-schemas", "gosu", "gpg-agent", "gpg2", "grunt",
		"gtk-update-icon-cache", "gulp", "hg", "iconv", "intltoolize", "invoke-rc.d", "ionice", "jar", "javac", "jest", "keytool", "killall",
		"ldconfig.real", "less", "lex", "libtool", "libtoolize", "lld", "llvm-config", "logger", "look", "lsattr", "lsblk", "lscpu", "luarocks", "lzcat",
		"lzma", "m4", "mandb", "more", "mount", "mountpoint", "msgfmt", "nawk", "newusers", "ng", "nice", "nm", "nohup", "numfmt", "nvcc", "objcopy",
		"objdump", "openssl", "patch", "patchelf", "pathchk", "patroni", "patronictl", "pecl", "pg_config", "pg_createcluster", "pg_ctl", "pg_dropcluster",
		"pg_dump", "pg_isready", "pg_lsclusters", "pg_restore", "pgbackrest", "pgbouncer", "pgrep", "phpize", "pidof", "pinky", "pkg-config", "pkgconf",
		"pkill", "pr", "protoc", "ptx", "pwd", "pyenv", "python2", "rake", "ranlib", "rdoc", "rename", "rpm2cpio", "rpmkeys", "runuser", "scons", "scp",
		"service", "setpriv", "setsid", "shuf", "size", "ssh", "ssh-keygen", "ssh-keyscan", "stdbuf", "strip", "stty", "su", "su-exec", "sudo", "swig",
		"sysctl", "systemctl", "taskset", "tic", "time", "timeout", "trust", "tsc", "tsort", "tzselect", "umask", "unexpand", "unlzma", "unshare",
		"update-desktop-database", "update-mime-database", "update-rc.d", "vipw", "virtualenv", "visudo", "vite", "waf", "wal-g", "webpack", "whereis",
		"who", "xargs", "yacc", "yq":
		return OwnCache
	case "autoreconf", "bootstrap", "configure", "gmake", "make":
		return OwnCache | Builder
	case "cpp", "ld", "rustc":
		return OwnCache | Compiler
	case "dpkg-buildpackage":
		return OwnCache | Debconf
	case "add-apt-repository":
		return OwnCache | Debconf | UsesApt
	case "git", "rustup", "svn":
		return OwnCache | Fetcher
	case "chcon":
		return OwnCache | MakesNoFile
	case "gpasswd":
		return OwnCache | PlainWords
	case "createdb", "createuser", "initdb", "pgbench", "postgres", "psql":
		return OwnCache | PostgreSQL
	case "locale", "printenv":
		return OwnCache | Pure
	case "envsubst", "jq":
		return OwnCache | ReadsFiles
	case "bash", "dash", "sh":
		return OwnCache | ReadsFiles | ReadsProgram
	case "ash", "ksh", "python3", "zsh":
		return OwnCache | ReadsProgram
	case "rsync", "zip":
		return OwnCache | Recurses
	case "fdupes", "hardlink", "mksquashfs", "rdfind", "restorecon":
		return Recurses
	case "java", "lua", "nodejs", "tclsh":
		return OwnCache | RunsFiles
	case "node", "perl", "php", "python", "ruby":
		return OwnCache | RunsFiles | ReadsProgram
	case "npx", "pip", "pip3", "pipx", "pnpm", "yarn":
		return Packager
	case "bundle", "cargo", "gem", "npm":
		return Packager | Builder
	case "command", "type":
		return PlainWords
	case "clusterdb", "dropdb", "dropuser", "postmaster", "reindexdb", "vacuumdb":
		return PostgreSQL
	case "mksh":
		return ReadsProgram
	case "apt-file", "dselect", "mk-build-deps", "tasksel":
		return UsesApt
	case "apt-config", "base32", "bunzip2", "bzip2", "dd", "dir", "expand", "fmt", "fold", "getcap", "getfacl", "gpg", "gpgconf", "gpgv", "groups",
		"gunzip", "gzip", "hexdump", "link", "logname", "mkfifo", "mknod", "mktemp", "rpm", "sed", "split", "strings", "sum", "unxz", "unzip", "unzstd",
		"uptime", "users", "vdir", "xz", "zstd", "zstdcat":
		return tool
	case "setcap", "setfattr", "shred", "tee", "touch", "truncate", "unlink":
		return tool | ChangesFiles
	case "mkdir", "rmdir":
		return tool | ChangesFiles | MakesNoFile
	case "mv":
		return tool | ChangesFiles | Recurses
	case "chgrp", "chmod", "chown", "rm", "setfacl":
		return tool | ChangesFiles | RecursesIfTold | MakesNoFile
	case "install", "ln":
		return tool | CopiesFiles
	case "cp":
		return tool | CopiesFiles | RecursesIfTold
	case "dpkg":
		return tool | Debconf | NoFiles
	case "debconf-set-selections", "dpkg-reconfigure":
		return tool | Debconf | NoFiles | PlainWords
	case "apt-key":
		return tool | Debconf | UsesApt
	case "wget":
		return tool | Fetcher
	case "curl":
		return tool | Fetcher | NoFiles
	case "chpasswd", "free", "ps", "sync":
		return tool | NoFiles
	case "deluser", "dpkg-query", "false", "groupdel", "groupmod", "kill", "ldconfig", "locale-gen", "localedef", "passwd", "true",
		"update-alternatives", "update-ca-certificates", "update-locale", "userdel":
		return tool | NoFiles | PlainWords
	case "addgroup", "adduser", "groupadd", "useradd", "usermod":
		return tool | NoFiles | PlainWords | MakesNoFile | MakesAccounts
	case "apt-cache", "apt-mark":
		return tool | NoFiles | UsesApt | PlainWords
	case "delgroup", "dpkg-divert", "dpkg-statoverride":
		return tool | PlainWords
	case "df", "getconf", "ldd", "lsb_release", "readelf", "tput", "tty", "yes":
		return tool | Pure
	case "arch", "date", "expr", "getent", "hostname", "id", "nproc", "seq", "sleep", "uname", "which", "whoami":
		return tool | Pure | NoFiles | PlainWords
	case "awk", "cmp", "comm", "cut", "diff", "egrep", "fgrep", "file", "head", "md5sum", "od", "sha256sum", "sort", "tac", "tail", "uniq", "wc":
		return tool | Pure | ReadsFiles
	case "cat":
		return tool | Pure | ReadsFiles | MakesNoFile
	case "readlink", "realpath":
		return tool | Pure | ReadsFiles | NamesPaths
	case "stat":
		return tool | Pure | ReadsFiles | NamesPaths | MakesNoFile
	case "basename", "dirname":
		return tool | Pure | ReadsFiles | NamesPaths | PlainWords
	case "tr":
		return tool | Pure | ReadsFiles | PlainWords
	case "du":
		return tool | Pure | ReadsFiles | Recurses
	case "grep":
		return tool | Pure | ReadsFiles | RecursesIfTold
	case "ls":
		return tool | Pure | ReadsFiles | RecursesIfTold | MakesNoFile
	case "b2sum", "base64", "bzcat", "cksum", "column", "gawk", "join", "mawk", "nl", "paste", "rev", "sha1sum", "sha224sum", "sha384sum", "sha512sum",
		"xxd", "xzcat", "zcat", "zgrep":
		return tool | ReadsFiles
	case "[", "test":
		return tool | ReadsFiles | NamesPaths | MakesNoFile
	case "echo", "printf":
		return tool | ReadsFiles | NamesPaths | PlainWords | MakesNoFile
	case "cpio", "tar", "tree":
		return tool | Recurses
	case "find":
		return tool | Recurses | MakesNoFile
	}
	return 0
}
