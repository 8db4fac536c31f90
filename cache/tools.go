package cache

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// Tools are all tools that are known. Where a directory is and what is in it is
// what the tool's own manual says.
func Tools() []Tool {
	home := func(name string) []string { return []string{"$XDG_CACHE_HOME/" + name, "$HOME/.cache/" + name} }
	return []Tool{
		{
			// The archives alone. The lists beside them are what the next install
			// reads, and extended_states is a part of the package database.
			Name: "apt", Commands: programs.AptCommands(), Sharing: Locked,
			Dirs:  []Dir{{"archives", []string{"/var/cache/apt/archives"}}},
			fills: aptInstalls, wipes: func(c *shell.Call) bool { return programs.AptCleans(c.Verb()) },
			leaves:   func(c *shell.Call) bool { return programs.AptInstalls(c.Verb()) && !aptInstalls(c) },
			settings: []string{"/etc/apt/apt.conf", "/etc/apt/apt.conf.d"},
		},
		{
			// Indexes lie beside the packages, so each user has to ask for new ones.
			Name: "apk", Commands: []string{"apk"}, Sharing: Locked,
			Dirs:  []Dir{{"", []string{"/etc/apk/cache"}}},
			fills: apkUpdates, wipes: apkCleans, off: []string{"--no-cache", "--cache-dir"},
		},
		{
			Name: "dnf", Commands: []string{"dnf", "dnf4", "yum"}, Sharing: Locked,
			Dirs:  []Dir{{"", []string{"/var/cache/dnf"}}},
			fills: option("--refresh"), wipes: verbs("clean"), off: []string{"-C", "--cacheonly"},
			settings: []string{"/etc/dnf/dnf.conf", "/etc/yum.conf"},
		},
		{
			Name: "zypper", Commands: []string{"zypper"}, Sharing: Locked,
			Dirs:  []Dir{{"", []string{"/var/cache/zypp/packages"}}},
			fills: verbs("install", "in", "update", "up", "dist-upgrade", "dup", "patch"), wipes: verbs("clean", "cc"),
			settings: []string{"/etc/zypp"},
		},
		{
			Name: "pip", Commands: []string{"pip", "pip3", "pipx"}, Sharing: Shared,
			Dirs: []Dir{
				{"http", []string{"$PIP_CACHE_DIR/http", "$XDG_CACHE_HOME/pip/http", "$HOME/.cache/pip/http"}},
				{"http-v2", []string{"$PIP_CACHE_DIR/http-v2", "$XDG_CACHE_HOME/pip/http-v2", "$HOME/.cache/pip/http-v2"}},
			},
			fills: verbs("install", "download", "wheel", "inject", "upgrade", "run"), wipes: verbs("cache"),
			off: []string{"--no-cache-dir", "--cache-dir"}, offVars: []string{"PIP_NO_CACHE_DIR"},
		},
		{
			Name: "uv", Commands: []string{"uv", "uvx"}, Sharing: Shared, Built: true,
			Dirs:  []Dir{{"", append([]string{"$UV_CACHE_DIR"}, home("uv")...)}},
			wipes: verbs("cache", "clean"), off: []string{"--no-cache", "-n", "--cache-dir"}, offVars: []string{"UV_NO_CACHE"},
		},
		{
			// virtualenvs lies beside it: a project's own, which has to stay.
			Name: "poetry", Commands: []string{"poetry"}, Sharing: Shared,
			Dirs:  []Dir{{"", []string{"$POETRY_CACHE_DIR/cache", "$XDG_CACHE_HOME/pypoetry/cache", "$HOME/.cache/pypoetry/cache"}}},
			fills: verbs("install", "add", "update", "lock", "sync"), wipes: verbs("cache"), off: []string{"--no-cache"},
		},
		{
			Name: "conda", Commands: []string{"conda", "mamba", "micromamba"}, Sharing: Locked,
			Dirs:  []Dir{{"", []string{"$CONDA_PKGS_DIRS"}}},
			fills: verbs("install", "create", "update", "upgrade", "env"), wipes: verbs("clean"), off: []string{"--offline", "--use-index-cache"},
		},
		{
			Name: "npm", Commands: []string{"npm", "npx"}, Sharing: Shared,
			Dirs: []Dir{{"", []string{"$npm_config_cache/_cacache", "$NPM_CONFIG_CACHE/_cacache", "$HOME/.npm/_cacache"}}},
			fills: verbs("install", "i", "in", "add", "ci", "clean-install", "update", "up", "exec", "x", "init", "create", "audit", "dedupe",
				"install-ci-test", "install-test", "it", "cit"),
			wipes: verbs("cache"), off: []string{"--cache", "--offline", "--prefer-offline"},
		},
		{
			// Of yarn 1. What later ones keep is read when a program starts.
			Name: "yarn", Commands: []string{"yarn"}, Sharing: Locked,
			Dirs:  []Dir{{"", []string{"$YARN_CACHE_FOLDER/v6", "/usr/local/share/.cache/yarn/v6"}}},
			wipes: verbs("cache"), off: []string{"--offline", "--prefer-offline", "--cache-folder"},
		},
		{
			Name: "pnpm", Commands: []string{"pnpm", "pnpx"}, Sharing: Shared, Built: true,
			Dirs:  []Dir{{"", []string{"$PNPM_HOME/store", "$XDG_DATA_HOME/pnpm/store", "$HOME/.local/share/pnpm/store"}}},
			wipes: verbs("store"), off: []string{"--offline", "--prefer-offline", "--store-dir"},
		},
		{
			Name: "cargo", Commands: []string{"cargo"}, Sharing: Locked,
			Dirs: []Dir{
				{"index", []string{"$CARGO_HOME/registry/index", "$HOME/.cargo/registry/index"}},
				{"crates", []string{"$CARGO_HOME/registry/cache", "$HOME/.cargo/registry/cache"}},
				{"git", []string{"$CARGO_HOME/git/db", "$HOME/.cargo/git/db"}},
			},
			off: []string{"--offline"}, offVars: []string{"CARGO_NET_OFFLINE"},
		},
		{
			Name: "go", Commands: []string{"go"}, Sharing: Shared,
			Dirs:  []Dir{{"mod", []string{"$GOMODCACHE", "$GOPATH/pkg/mod", "$HOME/go/pkg/mod"}}},
			wipes: goCleans("-modcache"),
		},
		{
			// Finds what cgo compiled by its own sources, not by the system's headers.
			Name: "go-build", Commands: []string{"go"}, Sharing: Shared, Built: true,
			Dirs:  []Dir{{"", append([]string{"$GOCACHE"}, home("go-build")...)}},
			wipes: goCleans("-cache"),
		},
		{
			Name: "gem", Commands: []string{"gem", "bundle", "bundler"}, Sharing: Shared,
			Dirs: []Dir{
				{"specs", []string{"$XDG_CACHE_HOME/gem/specs", "$HOME/.cache/gem/specs"}},
				{"index", []string{"$BUNDLE_USER_CACHE/compact_index", "$BUNDLE_USER_HOME/cache/compact_index", "$HOME/.bundle/cache/compact_index"}},
			},
			fills: verbs("install", "update", "fetch", "add", "lock", "outdated"), off: []string{"--local", "--prefer-local"},
		},
		{
			Name: "composer", Commands: []string{"composer"}, Sharing: Shared,
			Dirs:  []Dir{{"", []string{"$COMPOSER_CACHE_DIR", "$XDG_CACHE_HOME/composer", "$HOME/.cache/composer"}}},
			fills: verbs("install", "update", "require", "create-project", "global"), wipes: verbs("clear-cache", "clearcache", "cc"), off: []string{"--no-cache"},
		},
		// What was installed locally lies between what was downloaded: whoever
		// wants them shared asks for it.
		{Name: "maven", Commands: []string{"mvn"}, Sharing: Locked, Built: true, Asked: true, Dirs: []Dir{{"", []string{"$HOME/.m2/repository"}}}},
		{
			Name: "gradle", Commands: []string{"gradle", "gradlew"}, Sharing: Locked, Built: true, Asked: true,
			Dirs: []Dir{{"", []string{"$GRADLE_USER_HOME/caches", "$HOME/.gradle/caches"}}},
		},
		// These have no cache of their own: a script that wants one keeps its
		// downloads and clones there (wget -N, git clone --reference-if-able).
		{Name: "downloads", Commands: []string{"curl", "wget", "aria2c"}, Sharing: Shared, Built: true, Dirs: []Dir{{"", []string{"/var/cache/downloads"}}}},
		{Name: "git", Commands: []string{"git"}, Sharing: Shared, Built: true, Dirs: []Dir{{"", []string{"/var/cache/git"}}}},
		{
			Name: "ccache", Sharing: Shared, Built: true,
			Commands: []string{"ccache", "gcc", "g++", "cc", "c++", "clang", "clang++", "make", "ninja", "cmake", "meson"},
			Dirs:     []Dir{{"", append([]string{"$CCACHE_DIR"}, home("ccache")...)}},
			wipes:    option("--clear", "--cleanup", "-C", "-c"), offVars: []string{"CCACHE_DISABLE"},
		},
	}
}

// verbs makes a test for calls by their first operand.
func verbs(names ...string) func(*shell.Call) bool {
	return func(c *shell.Call) bool { return slices.Contains(names, c.Verb()) }
}

// option makes a test for calls with one of some options.
func option(names ...string) func(*shell.Call) bool {
	return func(c *shell.Call) bool { return c.HasArg(names...) }
}

// aptInstalls reports whether apt fetches packages and installs them: then
// nothing is left of its archives. One that leaves them for later does not.
func aptInstalls(c *shell.Call) bool {
	for _, w := range c.Args {
		v := w.Value
		switch {
		case strings.HasPrefix(v, "--"):
			name, _, _ := strings.Cut(v, "=")
			if slices.Contains([]string{"--download-only", "--print-uris", "--no-download", "--config-file"}, name) {
				return false
			}
		case strings.HasPrefix(v, "-") && short(v, 'd'):
			return false
		}
		if strings.Contains(v, "::") && !harmless(v) {
			return false
		}
	}
	return programs.AptInstalls(c.Verb())
}

// harmless reports whether a setting of apt's concerns its archives not at all.
func harmless(setting string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(setting, "--option="), "-o"), "=")
	for _, prefix := range []string{"Acquire::", "DPkg::Options", "Dpkg::Options", "Dpkg::Use-Pty", "APT::Install-", "APT::Get::", "Debug::", "DPkg::Lock", "Dpkg::Lock"} {
		if strings.HasPrefix(name, prefix) && !strings.Contains(strings.ToLower(name), "download") {
			return true
		}
	}
	return false
}

// short reports whether an option in one dash holds a letter ahead of one that
// takes a value.
func short(option string, letter byte) bool {
	for i := 1; i < len(option); i++ {
		switch option[i] {
		case letter:
			return true
		case 'o', 't', 'c', 'a':
			return false
		}
	}
	return false
}

// apkUpdates reports whether apk installs by indexes that it asks for anew.
func apkUpdates(c *shell.Call) bool {
	switch c.Verb() {
	case "update":
		return true
	case "add", "upgrade":
	default:
		return false
	}
	for _, w := range c.Args {
		if w.Value == "--update-cache" || w.Value == "--update" || !strings.HasPrefix(w.Value, "--") && strings.HasPrefix(w.Value, "-") && strings.Contains(w.Value, "U") {
			return true
		}
	}
	return false
}

func apkCleans(c *shell.Call) bool { return c.Verb() == "cache" }

func goCleans(flag string) func(*shell.Call) bool {
	return func(c *shell.Call) bool { return c.Verb() == "clean" && c.HasArg(flag) }
}
