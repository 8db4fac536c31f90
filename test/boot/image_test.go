package boot

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// No layer holds what only the build needed: caches, package lists, archives,
// scratch space, the scripts.
func testLayers(t *testing.T, img *image) {
	scripts := scriptsOf(t, testenv.Example(t, img.folder))
	require.NotEmpty(t, scripts)
	unwanted := func(e testenv.Entry) bool {
		if e.Mode.IsDir() {
			// A folder of the base image is in a layer when something below
			// it changed meanwhile, be it there and gone again.
			return slices.Contains([]string{"/temp", "/build", "/context", "/setup", "/run/pgstrata", "/var/lib/pgstrata"}, e.Path)
		}
		for _, dir := range []string{
			"/var/cache/apt/", "/var/lib/apt/lists/", "/var/cache/sources/", "/root/", "/temp/", "/build/", "/tmp/", "/var/tmp/",
			"/context/", "/setup/", "/run/pgstrata/", "/var/lib/pgstrata/",
		} {
			if strings.HasPrefix(e.Path, dir) {
				return true
			}
		}
		size, script := scripts[path.Base(e.Path)]
		return strings.HasSuffix(e.Path, ".deb") || (script && size == e.Size) || strings.Contains(e.Path, "/.cache/")
	}
	base := img.env.Registry.Image(t, "library/"+img.base)
	require.Greater(t, len(img.Layers), len(base.Layers))
	for i, layer := range img.Layers {
		if i < len(base.Layers) {
			assert.Equal(t, base.Layers[i].Digest, layer.Digest, "the base's own layer")
			for _, e := range layer.Entries {
				list := e.Size > 0 && strings.HasPrefix(e.Path, "/var/lib/apt/lists/") // the lock is empty
				assert.False(t, list || strings.HasSuffix(e.Path, ".deb"), "%s in layer %d", e.Path, i)
			}
			continue
		}
		for _, entry := range layer.Entries {
			assert.False(t, unwanted(entry), "%s in layer %d", entry.Path, i)
		}
	}
}

// scriptsOf returns the setup scripts of a tree: their names and sizes.
func scriptsOf(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	scripts := map[string]int64{}
	err := filepath.WalkDir(filepath.Join(dir, "setup"), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			scripts[entry.Name()] = info.Size()
		}
		return err
	})
	require.NoError(t, err)
	return scripts
}

// The image's configuration says who runs it, how, and what it was made of.
func testConfiguration(t *testing.T, img *image) {
	config := img.Config.Config
	assert.Equal(t, []string{"/entrypoint.sh"}, config.Entrypoint)
	assert.Equal(t, []string{"postgres"}, config.Cmd)
	assert.Equal(t, "SIGINT", config.StopSignal)
	assert.Contains(t, config.Volumes, "/var/lib/postgresql")
	assert.Contains(t, config.ExposedPorts, "5432/tcp")
	assert.Contains(t, config.ExposedPorts, "8008/tcp")
	require.NotNil(t, config.Healthcheck)

	labels := config.Labels
	base, err := reference.ParseNormalizedNamed(labels["org.opencontainers.image.base.name"])
	require.NoError(t, err)
	assert.Equal(t, "docker.io/library/"+img.base, base.String())
	assert.Equal(t, img.env.Registry.Image(t, "library/"+img.base).Digest, labels["org.opencontainers.image.base.digest"])
	for _, name := range []string{"title", "description", "version", "licenses", "source"} {
		assert.NotEmpty(t, labels["org.opencontainers.image."+name], name)
	}
	assert.Equal(t, "999:999 postgres", img.shell(t, "", "echo $(id -u):$(id -g) $(id -un)"))
	assert.Equal(t, "1777 999:999", img.shell(t, "", "stat -c '%a %u:%g' $PGDATA"), "until the first start")
}

// LANG names a locale that is there, and a cluster is created with.
func testLocale(t *testing.T, img *image) {
	assert.Contains(t, strings.Fields(img.shell(t, "", "locale -a")), "en_US.utf8")
	assert.Empty(t, img.shell(t, "", "locale 2>&1 >/dev/null"))
	s := img.run(t, "--env=POSTGRES_PASSWORD="+password)
	s.awaitHealth("healthy")
	assert.Equal(t, "en_US.UTF-8", s.query("SELECT datcollate FROM pg_database WHERE datname = current_database()"))
	assert.Equal(t, "UTF8", s.query("SHOW server_encoding"))
	assert.Equal(t, "t", s.query("SELECT upper('äé') = 'ÄÉ'"))
}

// The package database tells the truth about the image, and more can be
// installed.
func testPackageManagerWorks(t *testing.T, img *image) {
	assert.Empty(t, img.shell(t, "0", "dpkg --audit"))
	// The slim base leaves documentation and translations out on purpose, and
	// so does the cleanup.
	assert.Empty(t, img.shell(t, "0", `dpkg --verify | grep -vE ' /usr/share/(doc|doc-base|man|info|locale|lintian)/' || true`))
	assert.Empty(t, img.shell(t, "0", "apt-get check -qq"))
	assert.Equal(t, "42", img.shell(t, "0",
		"{ apt-get update && apt-get install -y --no-install-recommends bc; } >/tmp/log 2>&1 || { cat /tmp/log; exit 1; }\n"+
			"echo 6*7 | bc"))
	assert.Contains(t, img.shell(t, "0", "cat /etc/apt/apt.conf.d/docker-clean"), "DPkg::Post-Invoke")
}

// shell runs a script in a new container, as root or as the image's own user,
// and returns what it prints.
func (i *image) shell(t *testing.T, user, script string) string {
	t.Helper()
	out := i.docker.CLI(t, "run", "--rm", "--network=host", "--user="+user, "--entrypoint=bash", i.ref, "-euo", "pipefail", "-c", script)
	require.Zero(t, out.Code, "%s\n%s%s", script, out.Stdout, out.Stderr)
	return strings.TrimSpace(out.Stdout)
}
