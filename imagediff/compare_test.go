package imagediff_test

import (
	"archive/tar"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/imagediff"
)

// Each field of a configuration counts, but for what two builds never share.
func TestConfigs(t *testing.T) {
	base := v1.ConfigFile{Architecture: "amd64", Config: v1.Config{Env: []string{"A=1", "B=2"}}}
	for name, change := range map[string]func(*v1.ConfigFile){
		"config.Env":        func(c *v1.ConfigFile) { c.Config.Env = []string{"B=2", "A=1"} },
		"config.User":       func(c *v1.ConfigFile) { c.Config.User = "1" },
		"config.Cmd":        func(c *v1.ConfigFile) { c.Config.Cmd = []string{"a"} },
		"config.Labels":     func(c *v1.ConfigFile) { c.Config.Labels = map[string]string{"a": "b"} },
		"config.OnBuild":    func(c *v1.ConfigFile) { c.Config.OnBuild = []string{"RUN a"} },
		"config.StopSignal": func(c *v1.ConfigFile) { c.Config.StopSignal = "INT" },
		"architecture":      func(c *v1.ConfigFile) { c.Architecture = "arm64" },
		"":                  func(c *v1.ConfigFile) { c.History = []v1.History{{CreatedBy: "x"}} },
	} {
		other := base.DeepCopy()
		change(other)
		found, err := imagediff.Configs(&base, other)
		require.NoError(t, err)
		if name == "" {
			assert.Empty(t, found)
			continue
		}
		if assert.Len(t, found, 1, name) {
			assert.Equal(t, name, found[0].Where)
			assert.NotEqual(t, found[0].Want, found[0].Got)
		}
	}
}

// A folder on disk is read with all that counts, and what is not there is told
// of either side.
func TestFolders(t *testing.T) {
	write := func() string {
		dir := t.TempDir()
		require.NoError(t, os.Chmod(dir, 0o755))
		for _, name := range []string{"var/cache/apt", "opt"} {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
		}
		for _, name := range []string{"opt/file", "opt/other", "var/cache/apt/x"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(filepath.Base(name)), 0o644))
		}
		require.NoError(t, os.Symlink("file", filepath.Join(dir, "opt/link")))
		require.NoError(t, os.Link(filepath.Join(dir, "opt/file"), filepath.Join(dir, "opt/same")))
		require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "opt/pipe"), 0o600))
		return dir
	}
	for name, tc := range map[string]struct {
		change func(dir string) error
		want   []string
	}{
		"nothing": {func(string) error { return nil }, nil},
		"time":    {func(dir string) error { return os.Chtimes(dir+"/opt/file", time.Unix(1, 0), time.Unix(1, 0)) }, nil},
		"cache":   {func(dir string) error { return os.Remove(dir + "/var/cache/apt/x") }, nil},
		"the cache's folder": {
			func(dir string) error { return os.RemoveAll(dir + "/var/cache/apt") }, []string{"/var/cache/apt"},
		},
		"mode":      {func(dir string) error { return syscall.Chmod(dir+"/opt/other", 0o4644) }, []string{"/opt/other"}},
		"content":   {func(dir string) error { return os.WriteFile(dir+"/opt/other", []byte("OTHER"), 0o600) }, []string{"/opt/other"}},
		"attribute": {func(dir string) error { return syscall.Setxattr(dir+"/opt/other", "user.a", []byte("b"), 0) }, []string{"/opt/other"}},
		"target": {func(dir string) error {
			return replaced(dir+"/opt/link", func(name string) error { return os.Symlink("other", name) })
		}, []string{"/opt/link"}},
		"hard link": {func(dir string) error {
			return replaced(dir+"/opt/same", func(name string) error { return os.WriteFile(name, []byte("file"), 0o600) })
		}, []string{"/opt/file", "/opt/same"}},
		"kind": {func(dir string) error {
			return replaced(dir+"/opt/pipe", func(name string) error { return os.Mkdir(name, 0o700) })
		}, []string{"/opt/pipe"}},
		"gone": {func(dir string) error { return os.Remove(dir + "/opt/other") }, []string{"/opt/other"}},
		"new":  {func(dir string) error { return os.WriteFile(dir+"/new", nil, 0o600) }, []string{"/new"}},
		"root": {func(dir string) error { return os.Chmod(dir, 0o700) }, []string{"/"}},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := write(), write()
			require.NoError(t, tc.change(b))
			for range 2 { // in both directions
				found, err := imagediff.Folders(a, b)
				require.NoError(t, err)
				var got []string
				for _, m := range found {
					got = append(got, m.Where)
				}
				assert.Equal(t, tc.want, got)
				a, b = b, a
			}
		})
	}
}

func replaced(name string, write func(string) error) error {
	if err := os.Remove(name); err != nil {
		return err
	}
	return write(name)
}

// The owner counts, as the kind does.
func TestRoots(t *testing.T) {
	want := imagediff.Root{"/a": {Kind: tar.TypeReg, UID: 1, GID: 2}, "/dev": {Kind: tar.TypeChar, Device: "1:3"}}
	for _, got := range []imagediff.Root{
		{"/a": {Kind: tar.TypeReg, UID: 2, GID: 2}, "/dev": want["/dev"]},
		{"/a": {Kind: tar.TypeReg, UID: 1, GID: 1}, "/dev": want["/dev"]},
		{"/a": want["/a"], "/dev": {Kind: tar.TypeChar, Device: "1:4"}},
	} {
		assert.Len(t, imagediff.Roots(want, got), 1)
	}
}
