package spec

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/tonistiigi/fsutil"
)

// FuzzLoad: whatever the text, reading it ends, and gives a file or mistakes
// with places inside the text, the same twice. What discovery makes of a file
// stays within the context.
func FuzzLoad(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		opt := Options{BuildArgs: map[string]string{"PG": "16"}, Predefined: map[string]string{"TARGETARCH": "amd64"}}
		file, err := Load("fuzz", data, opt)
		if (file == nil) == (err == nil) {
			t.Fatalf("file %v and error %v", file, err)
		}
		again, err2 := Load("fuzz", data, opt)
		if !reflect.DeepEqual(file, again) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("two readings differ: %v, %v", err, err2)
		}
		if err == nil {
			file.Undeclared(opt)
			checkTransferred(t, file)
			err = file.Discover(hostileTree())
		}
		if err == nil {
			checkDiscovered(t, file)
		}
		// A carriage return alone ends a line too.
		lines := strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + 2
		for _, e := range AsErrors(err) {
			if e.At.Start.Line > lines {
				t.Fatalf("%v is beyond the text's %d lines", e, lines)
			}
		}
	})
}

// FuzzGlobs: a pattern ends, finds the same files by walking the context as by
// their names, and everything that it finds is transferred.
func FuzzGlobs(f *testing.F) {
	dir, names := hostileFolder(f)
	context := os.DirFS(dir)
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if !utf8.ValidString(pattern) { // Load refuses such a text
			return
		}
		p := &Problems{}
		text := Text{Value: pattern}
		relative(p, &text, "a pattern")
		if p.Err() != nil {
			return
		}
		Matches([]Text{text}, name)
		file := &File{CacheBoundary: CacheBoundary{StableFiles: []Text{text}}}
		checkTransferred(t, file)
		found, err := Files(context, text.Value)
		if err != nil {
			return
		}
		sent := transferred(t, dir, file)
		for _, name := range found {
			if !Matches([]Text{text}, name) {
				t.Fatalf("%q finds %q, and does not match it", text, name)
			}
			if !sent[name] {
				globs, paths := file.ContextPatterns()
				t.Fatalf("%q finds %q, which is not transferred: %q %q", text, name, globs, paths)
			}
		}
		if !isGlob(text.Value) {
			return
		}
		for _, name := range names {
			asFolder := Matches([]Text{text}, name+"/x") // as a/** matches a, and finds what is in it
			if Matches([]Text{text}, name) && !slices.Contains(found, name) && !asFolder {
				t.Fatalf("%q matches %q, and does not find it: %q", text, name, found)
			}
		}
	})
}

// hostileTree is a context with names of all kinds, and links in circles.
func hostileTree() fstest.MapFS {
	files := tree(
		"setup/scripts/01-a.sh", "setup/scripts/99-cleanup.sh", "entrypoint.d/entrypoint.sh",
		"entrypoint.d/scripts/utils/log.sh", "config/x.conf", "a b/'c'.sh", "a\nb.sh", "ü/é.sh", "[x].sh", "{a,b}.sh",
		`back\slash`, "*", "!not", "!/x", "#comment", " space ", "deep/er/and/deeper/x",
	)
	for name, to := range map[string]string{"deep/up": "..", "self": "self", "config/here": "."} {
		files[name] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
	}
	return files
}

// hostileFolder is hostileTree as a folder, and the names of its files.
func hostileFolder(tb testing.TB) (string, []string) {
	tb.Helper()
	dir := tb.TempDir()
	var names []string
	for name, file := range hostileTree() {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if file.Mode&fs.ModeSymlink != 0 {
			if err := os.Symlink(string(file.Data), path); err != nil {
				tb.Fatal(err)
			}
			continue
		}
		names = append(names, name)
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	slices.Sort(names)
	return dir, names
}

// transferred returns what a client sends of a folder: this is the code that
// it filters by.
func transferred(t *testing.T, dir string, f *File) map[string]bool {
	t.Helper()
	all, err := fsutil.NewFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	globs, paths := f.ContextPatterns()
	some, err := fsutil.NewFilterFS(all, &fsutil.FilterOpt{IncludePatterns: globs, FollowPaths: paths})
	if err != nil {
		t.Fatalf("%q, %q: %v", globs, paths, err)
	}
	sent := map[string]bool{".": true}
	err = some.Walk(t.Context(), "/", func(name string, _ fs.DirEntry, err error) error {
		sent[name] = true
		return err
	})
	if err != nil {
		t.Fatalf("%q, %q: %v", globs, paths, err)
	}
	return sent
}

// checkTransferred fails when a file asks for what is not in its context.
func checkTransferred(t *testing.T, f *File) {
	t.Helper()
	globs, paths := f.ContextPatterns()
	if !slices.IsSorted(globs) || !slices.IsSorted(paths) {
		t.Fatalf("not in order: %q %q", globs, paths)
	}
	for _, p := range paths {
		if !fs.ValidPath(p) {
			t.Fatalf("%q is no path in a context", p)
		}
	}
}

// checkDiscovered fails when a completed file names what is outside.
func checkDiscovered(t *testing.T, f *File) {
	t.Helper()
	var names []Text
	for _, s := range slices.Concat(f.Setup.Scripts, f.Setup.FinalCleanup) {
		names = append(append(names, s.Path), s.Inputs...)
	}
	names = append(append(names, f.Entrypoint.RuntimeScripts...), f.Entrypoint.UtilityScripts...)
	for _, c := range f.Entrypoint.ConfigurationFiles {
		names = append(names, c.Source)
		if !path.IsAbs(c.Target.Value) || path.Clean(c.Target.Value) != c.Target.Value {
			t.Fatalf("target %q", c.Target)
		}
	}
	for _, n := range names {
		if isGlob(n.Value) {
			n.Value, _ = doublestar.SplitPattern(n.Value)
		}
		if !fs.ValidPath(n.Value) {
			t.Fatalf("%q is no path in a context", n)
		}
	}
}
