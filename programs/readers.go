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
		return having(Fetcher | Packager | Debconf | Pip)
	}
	switch variable {
	case "PATH", "SOURCE_DATE_EPOCH":
		return func(string) bool { return true }
	case "CC", "CXX", "CPP", "AR", "AS", "LD", "NM", "RANLIB", "STRIP", "FC", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS",
		"LDLIBS", "LIBS", "FFLAGS", "CPATH", "LIBRARY_PATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH":
		return having(Builder | Compiler | Pip)
	case "MAKEFLAGS", "GNUMAKEFLAGS", "MAKE", "DESTDIR", "PREFIX", "PG_CONFIG", "USE_PGXS", "CONFIG_SHELL":
		return having(Builder)
	case "PKG_CONFIG", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR":
		return func(p string) bool { return p == "pkg-config" || Is(p, Builder|Pip) }
	case "DEBIAN_FRONTEND", "APT_CONFIG":
		return having(Debconf)
	case "VIRTUAL_ENV":
		return having(Pip)
	case "RUSTFLAGS":
		return anyOf("cargo", "rustc")
	}
	return readersByPrefix(variable)
}

func readersByPrefix(name string) func(program string) bool {
	prefix, _, ok := strings.Cut(name, "_")
	switch {
	case strings.HasPrefix(name, "PYTHON"):
		return having(Pip)
	case strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "CGO_"):
		return anyOf("go")
	case strings.HasPrefix(name, "PG") && !ok:
		return having(PostgreSQL)
	case !ok:
		return nil
	}
	switch prefix {
	case "DEBCONF", "DEB", "DPKG", "UCF":
		return having(Debconf)
	case "PIP", "UV":
		return having(Pip)
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
		return having(Builder | Compiler)
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

func having(t Trait) func(string) bool { return func(p string) bool { return Is(p, t) } }
