package cache_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// use reads a script that runs as root with some variables.
func use(t *testing.T, text string, env ...string) cache.Use {
	t.Helper()
	loader := interp.NewFSLoader(fstest.MapFS{"helper.sh": {Data: []byte("#!/bin/sh\napt-get install -y x\n"), Mode: 0o755}})
	p, err := loader.LoadText("x.sh", []byte(text), interp.Options{Mounts: []interp.Mount{{Target: "/"}}, Dir: "/", Interpreter: "sh", Follow: true})
	require.NoError(t, err)
	return cache.Use{Program: p, Vars: func(name string) (string, bool) {
		for _, e := range env {
			if n, v, _ := strings.Cut(e, "="); n == name {
				return v, v != "?"
			}
		}
		if name == "HOME" {
			return "/root", true
		}
		return "", true
	}}
}

func targets(mounts []cache.Mount) string {
	var out []string
	for _, m := range mounts {
		out = append(out, m.Target)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

const (
	apt     = "/var/cache/apt/archives"
	pip     = "/root/.cache/pip/http /root/.cache/pip/http-v2"
	install = "apt-get install -y x\n"
)

// TestMounts has what a build file's script gets, and what a Dockerfile's step
// gets: only that of which it is proven that nothing changes.
func TestMounts(t *testing.T) {
	for _, c := range []struct {
		name, text     string
		env            string
		script, proven string
	}{
		{name: "install", text: "apt-get update && " + install, script: apt, proven: apt},
		{name: "options first", text: "apt-get -o Dpkg::Options::=--force-confold -qq install x", script: apt, proven: apt},
		{name: "update alone", text: "apt-get update"},
		{name: "wiped", text: install + "apt-get clean", script: apt},
		{name: "emptied", text: install + "rm -rf /var/cache/apt/archives/*.deb", script: apt},
		{name: "removed", text: install + "rm -rf /var/cache/apt"},
		{name: "removed by a pattern", text: install + "rm -rf /var/cache/*"},
		{name: "copied out", text: install + "cp /var/cache/apt/archives/*.deb /debs/"},
		{name: "installed by hand", text: install + "dpkg -i /var/cache/apt/archives/*.deb"},
		{name: "looked at from inside", text: install + "cd /var/cache/apt/archives && sha256sum *.deb"},
		{name: "shown by find", text: install + "find / -name '*.deb' >/found"},
		{name: "packed", text: install + "tar cf /var.tar /var"},
		{name: "listed above", text: install + "ls /var/cache", script: apt, proven: apt},
		{name: "download only", text: "apt-get install -y --download-only x"},
		{name: "download only, short", text: "apt-get -yd install x"},
		{name: "installed, then download only", text: install + "apt-get install -yd y", script: apt},
		{name: "other archives", text: "apt-get install -y -o Dir::Cache::archives=/x y"},
		{name: "docker-clean removed", text: "rm -f /etc/apt/apt.conf.d/docker-clean\n" + install},
		{name: "docker-clean written", text: ": >/etc/apt/apt.conf.d/docker-clean\n" + install},
		{name: "docker-clean added to", text: "echo x >>/etc/apt/apt.conf.d/docker-clean\n" + install},
		{name: "docker-clean edited", text: "sed -i s/a/b/ /etc/apt/apt.conf.d/docker-clean\n" + install},
		{name: "all settings removed", text: "rm -rf /etc/apt\n" + install},
		{name: "settings among what is copied", text: "cp -r /files/etc /\n" + install},
		{name: "settings among what is unpacked", text: "tar xf /files.tar -C /\n" + install},
		{name: "settings moved away", text: "mv /etc/apt/apt.conf.d/docker-clean /x\n" + install},
		{name: "settings by a pattern", text: "rm -f /etc/apt/apt.conf.d/*\n" + install},
		{name: "sources are no settings", text: "echo deb x >/etc/apt/sources.list.d/x.list\n" + install, script: apt, proven: apt},
		{name: "unknown program", text: install + "frobnicate", script: apt},
		{name: "unknown script", text: install + "/usr/local/bin/own.sh", script: apt},
		{name: "known child", text: "/helper.sh", script: apt, proven: apt},
		{name: "known program with a version", text: install + "python3.11 -m venv /v", script: apt, proven: apt},
		{name: "another user", text: `su postgres -c "pip install x"`},
		{name: "pip", text: "pip3 install x", script: pip, proven: pip},
		{name: "pip as a module", text: "python3 -m pip install x", script: pip, proven: pip},
		{name: "pip without", text: "pip install --no-cache-dir x"},
		{name: "pip without by its variable", text: "pip install x", env: "PIP_NO_CACHE_DIR=1"},
		{name: "pip moved", text: "pip install x", env: "PIP_CACHE_DIR=/pip", script: "/pip/http /pip/http-v2", proven: "/pip/http /pip/http-v2"},
		{name: "pip moved by the script", text: "export PIP_CACHE_DIR=/pip\npip install x", script: "/pip/http /pip/http-v2", proven: "/pip/http /pip/http-v2"},
		{name: "pip moved in front of it", text: "PIP_CACHE_DIR=/pip pip install x", script: "/pip/http /pip/http-v2", proven: "/pip/http /pip/http-v2"},
		{name: "pip moved nobody knows where", text: "pip install x", env: "PIP_CACHE_DIR=?"},
		{name: "pip moved at run time", text: "export PIP_CACHE_DIR=$(mktemp -d)\npip install x"},
		{name: "moved with all", text: "pip install x", env: "XDG_CACHE_HOME=/c", script: "/c/pip/http /c/pip/http-v2", proven: "/c/pip/http /c/pip/http-v2"},
		{name: "home moved", text: "pip install x", env: "HOME=/home/x", script: "/home/x/.cache/pip/http /home/x/.cache/pip/http-v2", proven: "/home/x/.cache/pip/http /home/x/.cache/pip/http-v2"},
		{name: "home removed", text: "pip install x\nrm -rf /root/.cache"},
		{name: "uv", text: "uv pip install x", script: "/root/.cache/uv"},
		{name: "uv moved", text: "uv sync", env: "UV_CACHE_DIR=/uv", script: "/uv"},
		{name: "uv moved to what holds more", text: "uv sync", env: "UV_CACHE_DIR=/opt"},
		{name: "npm", text: "npm ci", script: "/root/.npm/_cacache", proven: "/root/.npm/_cacache"},
		{name: "npm moved", text: "npm ci", env: "npm_config_cache=/n", script: "/n/_cacache", proven: "/n/_cacache"},
		{name: "npm offline", text: "npm ci --prefer-offline"},
		{name: "npm run", text: "npm run build"},
		{name: "yarn", text: "yarn install", script: "/usr/local/share/.cache/yarn/v6", proven: "/usr/local/share/.cache/yarn/v6"},
		{name: "pnpm", text: "pnpm install", script: "/root/.local/share/pnpm/store"},
		{name: "go", text: "go build ./...", script: "/root/.cache/go-build /root/go/pkg/mod", proven: "/root/go/pkg/mod"},
		{name: "go moved", text: "go build ./...", env: "GOPATH=/go", script: "/go/pkg/mod /root/.cache/go-build", proven: "/go/pkg/mod"},
		{
			name: "cargo moved", text: "cargo build", env: "CARGO_HOME=/usr/local/cargo",
			script: "/usr/local/cargo/git/db /usr/local/cargo/registry/cache /usr/local/cargo/registry/index",
			proven: "/usr/local/cargo/git/db /usr/local/cargo/registry/cache /usr/local/cargo/registry/index",
		},
		{name: "apk without", text: "apk add --no-cache x"},
		{name: "apk by old indexes", text: "apk add x"},
		{name: "apk", text: "apk add -U x", script: "/etc/apk/cache", proven: "/etc/apk/cache"},
		{name: "dnf by old metadata", text: "dnf install -y x"},
		{name: "dnf", text: "dnf install -y --refresh x", script: "/var/cache/dnf", proven: "/var/cache/dnf"},
		{name: "dnf wiped", text: "dnf install -y --refresh x && dnf clean all", script: "/var/cache/dnf"},
		{name: "zypper", text: "zypper -n install x", script: "/var/cache/zypp/packages", proven: "/var/cache/zypp/packages"},
		{name: "poetry", text: "poetry install", script: "/root/.cache/pypoetry/cache", proven: "/root/.cache/pypoetry/cache"},
		{name: "composer", text: "composer install", script: "/root/.cache/composer", proven: "/root/.cache/composer"},
		{name: "gem", text: "bundle install", script: "/root/.bundle/cache/compact_index /root/.cache/gem/specs", proven: "/root/.bundle/cache/compact_index /root/.cache/gem/specs"},
		{name: "conda", text: "conda install x"},
		{name: "conda moved", text: "conda install x", env: "CONDA_PKGS_DIRS=/pkgs", script: "/pkgs", proven: "/pkgs"},
		{name: "maven is asked for", text: "mvn package"},
		{name: "compiler", text: "gcc x.c", script: "/root/.cache/ccache"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := use(t, c.text, c.env)
			assert.Equal(t, c.script, targets(u.Mounts()), "a build file's script")
			u.Proven = true
			assert.Equal(t, c.proven, targets(u.Mounts()), "a Dockerfile's step")
		})
	}
}

// Whoever may install sees the lists of packages, unless it removes them.
func TestInstalls(t *testing.T) {
	for text, want := range map[string]bool{
		install:                                   true,
		"apt-get update":                          true,
		"apt-cache policy x":                      true,
		"frobnicate":                              true,
		"python3 x.py":                            true,
		"/usr/local/bin/own.sh":                   true,
		"/helper.sh":                              true,
		"rm -rf /var/lib/apt/lists/*":             false,
		install + "rm -rf /var/lib/apt/lists/*":   true,
		install + "rm -rf /var/lib/apt/lists":     false,
		install + "rm -rf /var/lib/apt":           false,
		"mkdir /x && cp a /x && make -C /x":       false,
		"if false; then apt-get update; fi; ls":   false,
		"su postgres -c 'apt-get update' && ls x": true,
	} {
		assert.Equal(t, want, use(t, text).Installs(), text)
	}
}

// A mount of a RUN's own is one that its steps can do without, or not.
func TestCacheOfItsOwn(t *testing.T) {
	for dir, want := range map[string]bool{
		"/var/cache/apt": true, apt: true, "/root/.cache/pip": true, "/root/.cache/pip/http": true, "/root/.npm": true, "/root/.cache/ccache": true,
		"/root/.cache/go-build": true, "/root/.cargo/registry": true,
		"/var/lib/apt": false, cache.ListsDir: false, "/work": false, "/root/.cache": false, "/root/.m2/repository": false, "/": false, "/var/cache": false,
	} {
		assert.Equal(t, want, use(t, "true").IsCache(dir), dir)
	}
	for text, want := range map[string]bool{
		install:                                    false,
		"apt-get clean":                            false,
		"rm -rf /var/cache/apt/archives/*":         false,
		"apt-get install --no-download x":          true,
		"dpkg -i /var/cache/apt/archives/x.deb":    true,
		"cp /x /var/cache/apt/archives/x":          true,
		"rm -rf /var/cache/apt":                    true,
		"npm ci --offline":                         true,
		"pip install --no-index --find-links /w x": true,
	} {
		assert.Equal(t, want, use(t, text).Needs("/var/cache/apt"), text)
	}
}

// TestTable holds what every entry has to have.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, tool := range cache.Tools() {
		assert.NotEmpty(t, tool.Commands, tool.Name)
		assert.Contains(t, []cache.Sharing{cache.Shared, cache.Locked}, tool.Sharing, tool.Name)
		for _, d := range tool.Dirs {
			assert.False(t, seen[tool.ID(d)], "two mounts of one id: %s", tool.ID(d))
			seen[tool.ID(d)] = true
			assert.NotEmpty(t, d.Places, tool.Name)
		}
		found, ok := cache.Find(tool.Name)
		assert.True(t, ok)
		assert.Equal(t, tool.Name, found.Name)
	}
	_, ok := cache.Find("nothing")
	assert.False(t, ok)
}
