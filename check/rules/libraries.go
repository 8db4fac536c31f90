package rules

import (
	"debug/elf"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/spec"
)

// missingLibraries are the shared libraries that a program was linked against
// and that the dynamic linker would not find. Those of its libraries are not
// looked at: they come with packages, which know what they need.
func missingLibraries(r check.Root, program, env string) []string {
	resolved, err := spec.Resolve(r.FS, program)
	if err != nil {
		return nil
	}
	file, err := r.FS.Open(resolved)
	if err != nil {
		return nil
	}
	defer file.Close()
	data, ok := file.(io.ReaderAt)
	if !ok {
		return nil
	}
	image, err := elf.NewFile(data)
	if err != nil { // a script
		return nil
	}
	needed, err := image.ImportedLibraries()
	if err != nil {
		return nil
	}
	dirs := slices.Concat(runPaths(image, path.Dir("/"+resolved)), strings.Split(env, ":"), libraryDirs(r))
	var out []string
	for _, name := range needed {
		found := strings.Contains(name, "/") || slices.ContainsFunc(dirs, func(dir string) bool {
			if !path.IsAbs(dir) {
				return false
			}
			_, err := r.Stat(path.Join(dir, name))
			return err == nil
		})
		if !found {
			out = append(out, name)
		}
	}
	return out
}

// runPaths are the directories that a program itself names.
func runPaths(image *elf.File, origin string) []string {
	var out []string
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		lists, _ := image.DynString(tag) // the others have been read from the same place
		for _, list := range lists {
			for dir := range strings.SplitSeq(list, ":") {
				out = append(out, strings.NewReplacer("${ORIGIN}", origin, "$ORIGIN", origin).Replace(dir))
			}
		}
	}
	return out
}

// libraryDirs are the directories of /etc/ld.so.conf, and those that the
// linker knows by itself.
func libraryDirs(r check.Root) []string {
	out := []string{"/lib", "/usr/lib", "/lib64", "/usr/lib64"}
	seen := map[string]bool{}
	var read func(name string)
	read = func(name string) {
		resolved, err := spec.Resolve(r.FS, name)
		if err != nil || seen[resolved] {
			return
		}
		seen[resolved] = true
		data, _ := fs.ReadFile(r.FS, resolved) // an unreadable one names nothing
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
			if pattern, ok := strings.CutPrefix(line, "include "); ok {
				pattern = path.Join("/etc", strings.TrimPrefix(strings.TrimSpace(pattern), "/etc/"))
				names, _ := fs.Glob(r.FS, strings.TrimPrefix(pattern, "/")) // a bad pattern matches nothing
				for _, n := range names {
					read(n)
				}
				continue
			}
			if path.IsAbs(line) {
				out = append(out, line)
			}
		}
	}
	read("/etc/ld.so.conf")
	return out
}
