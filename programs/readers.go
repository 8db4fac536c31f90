package programs

import (
	"slices"
	"strings"
)

// Readers returns which programs are known to read a variable from their
// environment, although nothing that they are told speaks of it: CFLAGS is read
// by configure, PIP_INDEX_URL by pip, PATH by any. It is nil where none is known. See [Searched]
// and [Steers] for those that count without any call.
func Readers(variable string) func(program string) bool {
	switch strings.ToLower(variable) {
	case "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir":
		return func(p string) bool {
			return isFetcher(p) || isPackager(p)
		}
	}
	switch variable {
	case "PATH", "SOURCE_DATE_EPOCH":
		return func(string) bool { return true }
	case "CC", "CXX", "CPP", "AR", "AS", "LD", "NM", "RANLIB", "STRIP", "FC", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS",
		"LDLIBS", "LIBS", "FFLAGS", "CPATH", "LIBRARY_PATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH":
		return func(p string) bool { return isBuilder(p) || isCompiler(p) || isPip(p) }
	case "MAKEFLAGS", "GNUMAKEFLAGS", "MAKE", "DESTDIR", "PREFIX", "PG_CONFIG", "USE_PGXS", "CONFIG_SHELL":
		return isBuilder
	case "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR":
		return func(p string) bool { return p == "pkg-config" || isBuilder(p) || isPip(p) }
	case "DEBIAN_FRONTEND", "APT_CONFIG":
		return isDebian
	case "VIRTUAL_ENV":
		return isPip
	case "RUSTFLAGS":
		return anyOf("cargo", "rustc")
	}
	return readersByPrefix(variable)
}

func readersByPrefix(name string) func(program string) bool {
	prefix, _, ok := strings.Cut(name, "_")
	switch {
	case strings.HasPrefix(name, "PYTHON"):
		return isPip
	case strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_"):
		return anyOf("go")
	case strings.HasPrefix(name, "PG") && !ok:
		return isPostgres
	case !ok:
		return nil
	}
	switch prefix {
	case "DEBCONF", "DEB", "DPKG", "UCF":
		return isDebian
	case "PIP", "UV":
		return isPip
	case "NPM", "npm", "NODE", "YARN":
		return anyOf("npm", "npx", "node", "yarn", "pnpm")
	case "CARGO", "RUSTUP":
		return anyOf("cargo", "rustc", "rustup")
	case "GEM", "BUNDLE", "RUBY":
		return anyOf("gem", "bundle", "bundler", "ruby")
	case "GIT":
		return anyOf("git")
	case "CURL":
		return anyOf("curl")
	case "CCACHE", "SCCACHE":
		return func(p string) bool { return isBuilder(p) || isCompiler(p) }
	case "CMAKE":
		return anyOf("cmake")
	case "PATRONI":
		return anyOf("patroni", "patronictl")
	case "PGBACKREST":
		return anyOf("pgbackrest")
	case "WALG", "WALE", "AWS":
		return anyOf("wal-g", "wal-e", "aws", "envdir", "pgbackrest")
	}
	return nil
}

func anyOf(names ...string) func(string) bool {
	return func(p string) bool { return slices.Contains(names, p) }
}

func isFetcher(p string) bool {
	switch p {
	case "curl", "wget", "git", "go", "aria2c", "svn", "rustup":
		return true
	}
	return false
}

func isPackager(p string) bool {
	switch p {
	case "npm", "npx", "yarn", "pnpm", "cargo", "gem", "bundle", "apk", "dnf", "yum", "microdnf", "zypper":
		return true
	}
	return isDebian(p) || isPip(p)
}

func isDebian(p string) bool {
	switch p {
	case "apt", "apt-get", "aptitude", "dpkg", "dpkg-reconfigure", "dpkg-buildpackage", "debconf-set-selections", "debuild",
		"gdebi", "apt-key", "add-apt-repository", "mmdebstrap", "debootstrap":
		return true
	}
	return false
}

func isPip(p string) bool {
	return strings.HasPrefix(p, "pip") || strings.HasPrefix(p, "python") || p == "uv" || p == "poetry"
}

func isBuilder(p string) bool {
	switch p {
	case "make", "gmake", "configure", "config", "cmake", "meson", "ninja", "autoreconf", "cargo", "go", "npm", "gem", "bundle", "bootstrap":
		return true
	}
	return false
}

func isCompiler(p string) bool {
	switch p {
	case "gcc", "g++", "cc", "c++", "clang", "clang++", "cpp", "ld", "rustc":
		return true
	}
	return strings.HasPrefix(p, "gcc-") || strings.HasPrefix(p, "g++-") || strings.HasPrefix(p, "clang-")
}

func isPostgres(p string) bool {
	switch p {
	case "psql", "initdb", "postgres", "createdb", "dropdb", "createuser", "dropuser", "vacuumdb", "reindexdb", "clusterdb", "pgbench", "postmaster":
		return true
	}
	return strings.HasPrefix(p, "pg_")
}
