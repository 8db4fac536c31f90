package lock

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRoundTrip(t *testing.T) {
	f := &File{
		Version: Version,
		Bases:   map[string]string{"debian:bookworm-slim": "sha256:00"},
		Platforms: map[string]Platform{"linux/amd64": {
			Requested: []string{"locales", "zstd=1.5.*"},
			Image:     map[string]string{"locales": "2.36-9+deb12u14", "adduser": "3.134", "tzdata": "2026a-0+deb12u1"},
			Build:     map[string]string{},
		}},
	}
	data, err := f.Marshal()
	require.NoError(t, err)
	assert.Equal(t, `# What the build file stood for. Written by `+"`pgstrata lock`"+`; commit it.
version: 1
bases:
  debian:bookworm-slim: sha256:00
platforms:
  linux/amd64:
    requested:
      - locales
      - zstd=1.5.*
    image:
      adduser: "3.134"
      locales: 2.36-9+deb12u14
      tzdata: 2026a-0+deb12u1
    build: {}
`, string(data))
	again, err := Parse(data)
	require.NoError(t, err)
	assert.Equal(t, f, again)
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"version: 2\n":             "its version is 2, and this pgstrata knows 1",
		"version: 1\nbasis: {}\n":  "basis",
		"version: 1\nbases: [a]\n": "bases",
		"":                         "it is empty",
		"platforms: {}\n":          "its version is 0",
		"version: 1\nplatforms: {x: {image: {a b: '1'}}}":     `"a b" with version "1" is no package`,
		"version: 1\nplatforms: {x: {build: {a: \"1\\nb\"}}}": "is no package",
		"version: 1\nplatforms: {x: {y: 1}}":                  "y",
	} {
		_, err := Parse([]byte(text))
		assert.ErrorContains(t, err, want, text)
	}
}

func TestDrift(t *testing.T) {
	locked := map[string]string{"a": "1", "b": "1", "c": "1"}
	assert.Nil(t, Drift(locked, locked))
	assert.Equal(t, []string{
		"a is locked at 1, and 2 was installed",
		"b 1 is locked, and not installed",
		"d 1 is installed, and not locked",
	}, Drift(locked, map[string]string{"a": "2", "c": "1", "d": "1"}))
}

func TestInstalled(t *testing.T) {
	status := `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9
Description: one
 Package: not a field
Conffiles:
 /etc/ld.so.conf.d/x 1

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-9

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: adduser
Status: install ok installed
Architecture: all
Version: 3.134`
	have := Installed([]byte(status))
	assert.Equal(t, map[string]string{"libc6": "2.36-9", "libc6:i386": "2.36-9", "adduser": "3.134"}, have)
	assert.Empty(t, Installed(nil))
	assert.Equal(t, map[string]string{"adduser": "3.134"}, Added(have, map[string]string{"libc6": "2.36-9", "libc6:i386": "2.36-9", "adduser": "3.0"}))
}

// What is to be looked up anew is left out; a package gets another version wherever it is.
func TestUpdate(t *testing.T) {
	f := &File{
		Version: Version,
		Bases:   map[string]string{"a": "1", "b": "2"},
		Sources: map[string]Source{"s": {"u", "3"}, "t": {"u", "4"}},
		Platforms: map[string]Platform{"linux/amd64": {
			Image: map[string]string{"p": "1", "q": "1"}, Build: map[string]string{"p": "1"},
		}},
	}
	got := f.Without(func(name string) bool { return name == "a" || name == "t" || name == "p" })
	assert.Equal(t, map[string]string{"b": "2"}, got.Bases)
	assert.Equal(t, map[string]Source{"s": {"u", "3"}}, got.Sources)
	got.Platforms["linux/amd64"].Move(map[string]string{"p": "2", "other": "1"})
	assert.Equal(t, map[string]string{"p": "2", "q": "1"}, got.Platforms["linux/amd64"].Image)
	assert.Equal(t, map[string]string{"p": "2"}, got.Platforms["linux/amd64"].Build)
	assert.Equal(t, "1", f.Platforms["linux/amd64"].Image["p"], "the file itself stays")
}
