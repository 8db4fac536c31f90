package spec

import (
	"fmt"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func tree(names ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, n := range names {
		fsys[n] = &fstest.MapFile{Data: []byte("#!/bin/sh\n"), Mode: 0o755}
	}
	return fsys
}

func scriptPaths(list []Script) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.Path.Value)
	}
	return out
}

func TestDiscoverConventionalTree(t *testing.T) {
	f := load(t, "base: a", Options{})
	require.NoError(t, f.Discover(tree(
		"setup/scripts/02-b.sh", "setup/scripts/01-a.sh", "setup/scripts/99-cleanup.sh",
		"setup/scripts/README.md", "setup/scripts/helper.sh",
		"entrypoint.d/entrypoint.sh", "entrypoint.d/scripts/utils/log.sh",
		"entrypoint.d/scripts/runtime/start.sh", "entrypoint.d/scripts/init/dirs.sh",
		"config/patroni.yml",
	)))
	assert.Equal(t, []string{"setup/scripts/01-a.sh", "setup/scripts/02-b.sh"}, scriptPaths(f.Setup.Scripts))
	assert.Equal(t, []string{"setup/scripts/99-cleanup.sh"}, scriptPaths(f.Setup.FinalCleanup))
	assert.Equal(t, "entrypoint.d/entrypoint.sh", f.Entrypoint.Script.Value)
	assert.Equal(t, []string{"entrypoint.d/scripts/utils/log.sh"}, texts(f.Entrypoint.UtilityScripts))
	assert.Equal(t, []string{"entrypoint.d/scripts/init/dirs.sh", "entrypoint.d/scripts/runtime/start.sh"}, texts(f.Entrypoint.RuntimeScripts))
	assert.Equal(t, "/opt/container/config/patroni.yml", f.Entrypoint.ConfigurationFiles[0].Target.Value)
}

func TestDiscoverKeepsToTheText(t *testing.T) {
	f := load(t, `
base: a
setup: {scripts: [setup/scripts/*.sh], final_cleanup: []}
entrypoint:
  runtime_scripts: [entrypoint.d/scripts]
  configuration_files: []
`, Options{})
	require.NoError(t, f.Discover(tree("setup/scripts/1.sh", "setup/scripts/99-cleanup.sh", "entrypoint.d/scripts/utils/log.sh", "entrypoint.d/scripts/a.sh", "config/x", "entrypoint.sh")))
	assert.Equal(t, []string{"setup/scripts/1.sh", "setup/scripts/99-cleanup.sh"}, scriptPaths(f.Setup.Scripts))
	assert.Empty(t, f.Setup.FinalCleanup)
	assert.Empty(t, f.Entrypoint.UtilityScripts, "the text has claimed them as runtime scripts")
	assert.Len(t, f.Entrypoint.RuntimeScripts, 2)
	assert.Empty(t, f.Entrypoint.ConfigurationFiles)
	assert.Equal(t, "entrypoint.sh", f.Entrypoint.Script.Value)
}

// A pattern that names cleanup scripts too has claimed them.
func TestDiscoverCleanupScriptsOnce(t *testing.T) {
	f := load(t, "base: a\nsetup: {scripts: ['setup/scripts/*.sh']}", Options{})
	require.NoError(t, f.Discover(tree("setup/scripts/01-a.sh", "setup/scripts/99-cleanup.sh")))
	assert.Equal(t, []string{"setup/scripts/01-a.sh", "setup/scripts/99-cleanup.sh"}, scriptPaths(f.Setup.Scripts))
	assert.Empty(t, f.Setup.FinalCleanup)
}

func TestDiscoverNothing(t *testing.T) {
	f := load(t, "base: a", Options{})
	require.NoError(t, f.Discover(tree()))
	assert.Empty(t, f.Setup.Scripts)
	assert.Nil(t, f.Entrypoint.Script)
}

func TestDiscoverReportsMissingFiles(t *testing.T) {
	f := load(t, `base: a
setup:
  scripts: [setup/one.sh, setup/dir, setup/*.py]
entrypoint:
  entrypoint_script: entrypoint.d/entry.sh
  configuration_files: [{source: config/x.yml, target: /x}]
tests: [{name: n, run: test/t.sh}]
`, Options{})
	err := f.Discover(tree("setup/onr.sh", "setup/dir/x", "entrypoint.d/entrypoint.sh"))
	assert.EqualError(t, err, `build.yaml:3:13: setup script setup/one.sh is not in the build context; did you mean setup/onr.sh?
build.yaml:3:27: setup script setup/dir is a directory
build.yaml:3:38: no setup script matches setup/*.py in the build context
build.yaml:5:22: entrypoint script entrypoint.d/entry.sh is not in the build context; is its name right, or does .dockerignore exclude it?
build.yaml:6:34: configuration file config/x.yml is not in the build context; is its name right, or does .dockerignore exclude it?
build.yaml:7:24: test script test/t.sh is not in the build context; is its name right, or does .dockerignore exclude it?`)
}

func TestContextPatterns(t *testing.T) {
	f := load(t, `
base: a
setup: {scripts: [{path: scripts/x.sh, inputs: ["lib/**/*.sh", data]}]}
entrypoint: {entrypoint_script: run.sh, runtime_scripts: ["*.{sh,py}"], configuration_files: []}
cache_boundary: {stable_files: ["scripts/**"], volatile_files: ["*.conf"]}
`, Options{})
	globs, paths := f.ContextPatterns()
	assert.Equal(t, []string{"**", "*.conf"}, globs)
	assert.Equal(t, []string{"data", "entrypoint.d", "lib", "run.sh", "scripts", "scripts/x.sh", "setup/scripts"}, paths)
}

func TestDiscoverLimits(t *testing.T) {
	files := tree()
	for i := range 300 {
		files[fmt.Sprintf("setup/scripts/%03d.sh", i)] = &fstest.MapFile{}
	}
	for i := range 12_000 {
		files[fmt.Sprintf("config/%d", i)] = &fstest.MapFile{}
	}
	f := load(t, "base: a", Options{})
	err := f.Discover(files)
	assert.ErrorContains(t, err, "300 setup scripts are more than the 256")
	assert.ErrorContains(t, err, "12000 entrypoint files are more than the 10000")
}

func TestNoEntrypointScript(t *testing.T) {
	context := fstest.MapFS{"entrypoint.sh": {}, "entrypoint.d/entrypoint.sh": {}}
	for _, text := range []string{"entrypoint_script:", "entrypoint_script: ''"} {
		f := load(t, "base: debian\nentrypoint: {runtime_scripts: [], utility_scripts: [], configuration_files: []}\n", Options{})
		require.NoError(t, f.Discover(context))
		require.NotNil(t, f.Entrypoint.Script)
		f = load(t, "base: debian\nentrypoint:\n  "+text+"\n", Options{})
		globs, paths := f.ContextPatterns()
		assert.NotContains(t, globs, "**")
		assert.NotContains(t, paths, "entrypoint.sh")
		require.NoError(t, f.Discover(context))
		assert.Nil(t, f.Entrypoint.Script, text)
		assert.Len(t, f.Entrypoint.RuntimeScripts, 1)
	}
}

// A directory of configuration files stands for its files, those of its own
// directories too. What another entry names is that entry's.
func TestConfigurationDirectory(t *testing.T) {
	f := load(t, `base: a
entrypoint:
  configuration_files:
    - {source: conf/, target: /etc/x/, mode: "0640"}
    - {source: conf/deep/b, target: /etc/x/deep/b}
    - {source: other, target: /etc/x/c}
`, Options{})
	_, paths := f.ContextPatterns()
	assert.Subset(t, paths, []string{"conf", "conf/deep/b", "other"})
	require.NoError(t, f.Discover(tree("conf/a", "conf/deep/b", "conf/deep/[c]", "conf/c", "conf.d/z", "other", "entrypoint.d/entrypoint.sh")))
	var got []string
	for _, c := range f.Entrypoint.ConfigurationFiles {
		mode := "0644"
		if c.Mode != nil {
			mode = fmt.Sprintf("%04o", c.Mode.Bits)
		}
		assert.False(t, c.Tree)
		got = append(got, c.Source.Value+" "+c.Target.Value+" "+mode)
	}
	assert.Equal(t, []string{
		"conf/a /etc/x/a 0640", "conf/deep/[c] /etc/x/deep/[c] 0640", "conf/deep/b /etc/x/deep/b 0644", "other /etc/x/c 0644",
	}, got)

	f = load(t, `base: a
entrypoint: {configuration_files: [{source: one, target: /etc/}, {source: nowhere, target: /y/}, {source: empty, target: /z/}]}
`, Options{})
	context := tree("one")
	context["empty"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	assert.EqualError(t, f.Discover(context), `build.yaml:2:45: configuration file one is one file, so its target has no / at its end
build.yaml:2:75: configuration directory nowhere is not in the build context; is its name right, or does .dockerignore exclude it?
build.yaml:2:107: configuration directory empty has no file`)

	f = load(t, "base: a\nentrypoint: {configuration_files: [{source: ., target: /all/}], runtime_scripts: []}\n", Options{})
	require.NoError(t, f.Discover(tree("a", "b/c")))
	assert.Equal(t, "/all/b/c", f.Entrypoint.ConfigurationFiles[1].Target.Value)
}
