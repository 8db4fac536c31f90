package dockerfile

import "strings"

// searches reports whether programs look for files in the places that a
// variable lists, by their manuals.
func searches(name string) bool {
	switch name {
	case "HOME", "BASH_ENV", "ENV", "CDPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PERL5LIB", "PERLLIB", "PERL5OPT", "PYTHONPATH", "PYTHONHOME",
		"PYTHONSTARTUP", "RUBYLIB", "NODE_PATH", "GEM_HOME", "GEM_PATH", "CLASSPATH", "JAVA_HOME", "AWKPATH", "MANPATH", "INFOPATH", "INPUTRC",
		"TERMINFO", "LOCPATH", "NLSPATH", "TZDIR", "GNUPGHOME", "CURL_HOME", "WGETRC", "PIP_CONFIG_FILE", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM",
		"GIT_TEMPLATE_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS",
		"XDG_DATA_HOME", "XDG_DATA_DIRS", "APT_CONFIG", "PKG_CONFIG_PATH", "ACLOCAL_PATH", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "COMPILER_PATH",
		"OPENSSL_CONF", "KRB5_CONFIG", "PGSYSCONFDIR", "PGSERVICEFILE", "PGPASSFILE":
		return true
	}
	return false
}

// steers reports whether many programs do something else for a variable,
// whether or not a script speaks of it.
func steers(name string) bool {
	switch name {
	case "POSIXLY_CORRECT", "QUOTING_STYLE", "TIME_STYLE", "BLOCK_SIZE", "BLOCKSIZE", "DF_BLOCK_SIZE", "DU_BLOCK_SIZE", "COLUMNS", "LINES", "TERM",
		"TZ", "LANG", "LANGUAGE", "TMPDIR", "TMP", "TEMP", "PS4", "IFS", "GLOBIGNORE", "BASHOPTS", "SHELLOPTS", "BASH_COMPAT", "TAR_OPTIONS",
		"GREP_OPTIONS", "GREP_COLORS", "GZIP", "XZ_DEFAULTS", "XZ_OPT", "ZSTD_CLEVEL", "TAPE", "MAKEFLAGS", "MFLAGS", "USER", "LOGNAME", "SHELL",
		"PAGER", "EDITOR", "VISUAL", "SIMPLE_BACKUP_SUFFIX", "VERSION_CONTROL", "PATCH_GET", "FIND_BLOCK_SIZE":
		return true
	}
	return strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "LS_") || strings.HasPrefix(name, "MALLOC_") || strings.HasPrefix(name, "LD_")
}
