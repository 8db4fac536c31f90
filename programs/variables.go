package programs

import (
	"slices"
	"strings"
)

// Searched reports whether programs look for files in the places that a
// variable lists, by their manuals.
func Searched(variable string) bool { return slices.Contains(searched(), variable) }

func searched() []string {
	return []string{
		"HOME", "BASH_ENV", "ENV", "CDPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PERL5LIB", "PERLLIB", "PERL5OPT", "PYTHONPATH", "PYTHONHOME",
		"PYTHONSTARTUP", "RUBYLIB", "NODE_PATH", "GEM_HOME", "GEM_PATH", "CLASSPATH", "JAVA_HOME", "AWKPATH", "MANPATH", "INFOPATH", "INPUTRC",
		"TERMINFO", "LOCPATH", "NLSPATH", "TZDIR", "GNUPGHOME", "CURL_HOME", "WGETRC", "PIP_CONFIG_FILE", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
		"GIT_TEMPLATE_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS",
		"XDG_DATA_HOME", "XDG_DATA_DIRS", "APT_CONFIG", "PKG_CONFIG_PATH", "ACLOCAL_PATH", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH",
		"OPENSSL_CONF", "KRB5_CONFIG", "PGSYSCONFDIR", "PGSERVICEFILE", "PGPASSFILE",
	}
}

// Steers reports whether many programs do something else for a variable,
// whether or not a script speaks of it.
func Steers(variable string) bool {
	return slices.Contains(steering(), variable) || hasPrefix(variable, "LC_", "LS_", "MALLOC_", "LD_")
}

func steering() []string {
	return []string{
		"POSIXLY_CORRECT", "QUOTING_STYLE", "TIME_STYLE", "BLOCK_SIZE", "BLOCKSIZE", "DF_BLOCK_SIZE", "DU_BLOCK_SIZE", "COLUMNS", "LINES", "TERM",
		"TZ", "LANG", "LANGUAGE", "TMPDIR", "TMP", "TEMP", "PS4", "IFS", "GLOBIGNORE", "BASHOPTS", "SHELLOPTS", "BASH_COMPAT", "TAR_OPTIONS",
		"GREP_OPTIONS", "GREP_COLORS", "GZIP", "XZ_DEFAULTS", "XZ_OPT", "ZSTD_CLEVEL", "TAPE", "MAKEFLAGS", "MFLAGS", "USER", "LOGNAME", "SHELL",
		"PAGER", "EDITOR", "VISUAL", "SIMPLE_BACKUP_SUFFIX", "VERSION_CONTROL", "PATCH_GET", "FIND_BLOCK_SIZE",
	}
}

// Conventional reports whether a variable has a name that programs, and the
// files that they read (a Makefile, package.json), know by convention. A program
// that is not known may read such a variable although something else speaks of
// it by name; docs/dockerfile.md shows the list.
func Conventional(variable string) bool {
	name := strings.ToUpper(variable)
	switch name {
	case "VERSION", "RELEASE", "REVISION", "COMMIT", "BRANCH", "TAG", "BUILD", "BUILD_DATE", "BUILD_TYPE", "BUILD_ID", "BUILD_NUMBER", "NAME", "NODE_ENV",
		"PREFIX", "EXEC_PREFIX", "BINDIR", "SBINDIR", "LIBDIR", "INCLUDEDIR", "DATADIR", "SYSCONFDIR", "LOCALSTATEDIR", "MANDIR", "DESTDIR", "SRCDIR",
		"CC", "CXX", "CPP", "LD", "AR", "AS", "NM", "RANLIB", "STRIP", "OBJCOPY", "FC", "LDLIBS", "LIBS", "MAKE", "MAKEFLAGS", "JOBS", "NPROC", "V",
		"ARCH", "HOST", "OS", "PLATFORM", "MACHINE", "DEBUG", "VERBOSE", "QUIET", "TRACE", "LOG_LEVEL", "LOGLEVEL", "RUST_LOG", "RUST_BACKTRACE", "CI", "ENV",
		"ENVIRONMENT", "APP_ENV", "MODE", "PROFILE", "PORT", "TZ", "USER", "HOME", "SHELL", "PATH", "TERM", "NO_COLOR", "FORCE_COLOR", "DEBIAN_FRONTEND", "PGDATA",
		"PG_CONFIG", "USE_PGXS", "OPTIMIZE", "COPT", "PROFILING", "WITH_LLVM", "SOURCE_DATE_EPOCH",
		"GOPATH", "GOROOT", "GOBIN", "GOOS", "GOARCH", "GOARM", "GOAMD64", "GOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOCACHE",
		"GOMODCACHE", "GOTOOLCHAIN", "GOEXPERIMENT":
		return true
	}
	if strings.HasSuffix(name, "FLAGS") || strings.HasSuffix(name, "_PROXY") {
		return true
	}
	return hasPrefix(name, "TARGET", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT", "VITE_", "NEXT_", "NUXT_", "REACT_APP_", "VUE_APP_", "NPM_",
		"YARN_", "NODE_", "PIP_", "UV_", "POETRY_", "PYTHON", "CARGO_", "RUST", "CGO_", "CMAKE_", "CTEST_", "MESON_", "NINJA_", "CCACHE_", "SCCACHE_",
		"MAVEN_", "MVN_", "GRADLE_", "JAVA_", "JDK_", "BUNDLE_", "GEM_", "RUBY", "RAILS_", "RACK_", "COMPOSER_", "PHP_", "DOTNET_", "NUGET_", "MIX_", "HEX_",
		"GIT_", "CURL_", "SSL_", "AWS_", "AZURE_", "GOOGLE_", "GCLOUD_", "GITHUB_", "GITLAB_", "SENTRY_", "DOCKER_", "BUILDKIT_", "DEB_", "DEBCONF_", "DPKG_",
		"PKG_CONFIG", "LC_", "LD_", "XDG_", "TURBO_", "VCPKG_", "CONAN_")
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
