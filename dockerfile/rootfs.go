package dockerfile

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// rootfs is what is known of a stage's files at one place: those that were
// copied from the build context, and that nothing has changed since.
type rootfs struct {
	context fs.FS
	files   map[string]*CopiedFile // by absolute path
	// names are the paths of files, sorted; nil where they have changed since.
	names []string
	// dirs are the directories that exist for these files alone; one that a
	// step may have written to is not complete.
	dirs map[string]*copiedDir
	// made are the paths that steps have put something at.
	made map[string]bool
	// asked are the questions that were answered as if a copy's own directories
	// held nothing else; nil where they are not answered.
	asked asked
}

// CopiedFile is a file of the build context in a stage.
type CopiedFile struct {
	// Target is its path in the stage, Source that in the context.
	Target, Source string
	// Mode is its mode there: the context's, or the flag's.
	Mode fs.FileMode
	// By is the step that copied it, nil for a file that a RUN mounts, and in a
	// layout.
	By *Step

	// executable says that a later chmod makes it so; perm is the mode that it
	// gives, in octal, "" if none does or it is not known.
	executable bool
	perm       string
	// doubt is a program of which is not known what it writes, and that ran since
	// the file was copied; "" for none.
	doubt string
}

type copiedDir struct{ complete bool }

func newRootfs(context fs.FS) *rootfs {
	return &rootfs{context: context, files: map[string]*CopiedFile{}, dirs: map[string]*copiedDir{}, made: map[string]bool{}}
}

// madeAt reports whether a step may have put a program at a path.
func (r *rootfs) madeAt(name string) bool {
	for m := range r.made {
		if m != "/" && paths.Within(name, m) {
			return true
		}
	}
	return false
}

// madeNear reports whether a step may have made what a copy's destination leads
// to.
func (r *rootfs) madeNear(dest string) bool {
	for m := range r.made {
		if paths.Within(dest, m) || paths.Within(m, dest) {
			return true
		}
	}
	return false
}

// add notes a file that an instruction copies.
func (r *rootfs) add(name string, f *CopiedFile) {
	r.files[name], r.names = f, nil
	for dir := path.Dir(name); !paths.Shared(dir); dir = path.Dir(dir) {
		if r.dirs[dir] == nil {
			r.dirs[dir] = &copiedDir{complete: true}
		}
	}
}

// forget drops what a step may have changed: the path, and all below it.
func (r *rootfs) forget(touched string) {
	for name := range r.files {
		if paths.Within(name, touched) || paths.Within(touched, name) {
			r.drop(name)
		}
	}
	for name, d := range r.dirs {
		if paths.Within(name, touched) || paths.Within(touched, name) {
			d.complete = false
		}
	}
}

// forgetAll drops every file: a step may have put anything in any place.
func (r *rootfs) forgetAll() {
	r.forget("/")
	r.made["/"] = true
}

// drop forgets one file.
func (r *rootfs) drop(name string) {
	delete(r.files, name)
	r.names = nil
}

// sorted are the paths of all copied files, in order.
func (r *rootfs) sorted() []string {
	if r.names == nil {
		r.names = slices.Sorted(maps.Keys(r.files))
	}
	return r.names
}

// doubtful tells which program may have changed which of the files that a step
// reads; "" if they are as they were copied.
func (r *rootfs) doubtful(f *Facts) (program, file string) {
	for _, name := range f.Reads.Sorted() {
		if file := r.files[name]; file != nil && file.doubt != "" {
			return file.doubt, name
		}
	}
	return "", ""
}

// doubt notes that a program may have changed every file.
func (r *rootfs) doubt(program string) {
	for name, f := range r.files {
		c := *f
		c.doubt = program
		r.files[name] = &c
	}
	for _, d := range r.dirs {
		d.complete = false
	}
}

// below lists the copied files of a directory, sorted; of a file, itself.
func (r *rootfs) below(dir string) []string {
	var out []string
	if r.files[dir] != nil {
		out = append(out, dir)
	}
	prefix := strings.TrimSuffix(dir, "/") + "/"
	names := r.sorted()
	first, _ := slices.BinarySearch(names, prefix)
	for _, name := range names[first:] {
		if !strings.HasPrefix(name, prefix) {
			break
		}
		out = append(out, name)
	}
	return out
}

// matching lists the copied files that a pattern may match, at any depth, since
// a star stands for unknown text too.
func (r *rootfs) matching(pattern string) []string {
	var out []string
	for _, name := range r.sorted() {
		if glob.May(pattern, name) {
			out = append(out, name)
		}
	}
	return out
}

// stat answers for files of complete directories.
func (r *rootfs) stat(name string) (mode fs.FileMode, exists, known bool) {
	if f := r.files[name]; f != nil {
		mode := f.Mode
		if f.executable {
			mode |= 0o111
		}
		return mode, true, mode.IsRegular()
	}
	if r.dirs[name] != nil {
		return fs.ModeDir | 0o755, true, true
	}
	d := r.dirs[path.Dir(name)]
	return 0, false, d != nil && d.complete && r.asked.ask(name, nil)
}

// glob expands a pattern whose directory is complete.
func (r *rootfs) glob(pattern string) ([]string, bool) {
	dir := path.Dir(pattern)
	d := r.dirs[dir]
	if d == nil || !d.complete || strings.ContainsAny(dir, `*?[\`) {
		return nil, false
	}
	names := map[string]bool{}
	all := slices.Concat(slices.Collect(maps.Keys(r.files)), slices.Collect(maps.Keys(r.dirs)))
	for _, name := range all {
		if !paths.Within(name, dir) || name == dir {
			continue
		}
		first, _, _ := strings.Cut(name[len(dir)+1:], "/")
		child := path.Join(dir, first)
		if glob.Expands(pattern, child) {
			names[child] = true
		}
	}
	list := slices.Sorted(maps.Keys(names))
	return list, r.asked.ask(pattern, list)
}

// ordered is glob with the files in the order in which a shell has them.
func (r *rootfs) ordered(s *Scope) func(pattern string) ([]string, bool) {
	return func(pattern string) ([]string, bool) {
		names, ok := r.glob(pattern)
		return names, ok && (s.bytewise() || len(names) < 2 || anyOrder(names))
	}
}

// loader reads scripts as the stage has them.
func (r *rootfs) loader() *interp.Loader {
	return interp.NewLoader(func(name string) ([]byte, error) {
		f := r.files["/"+name]
		if f == nil {
			return nil, &fs.PathError{Op: "open", Path: "/" + name, Err: fs.ErrNotExist}
		}
		return fs.ReadFile(r.context, f.Source)
	}, func(pattern string) ([]string, error) {
		var out []string
		for _, name := range slices.Sorted(maps.Keys(r.files)) {
			if glob.Path(pattern, name[1:]) {
				out = append(out, name[1:])
			}
		}
		return out, nil
	})
}
