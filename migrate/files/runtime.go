package files

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// atRuntime marks the copied files that a container needs, as far as that can be
// read: what ENTRYPOINT, CMD and HEALTHCHECK name, and what these scripts speak
// of.
func (m *Files) atRuntime() {
	last := map[string]*commands.Copied{}
	for _, f := range m.Copies {
		f.Runtime = false
		if !f.Removed && !f.Replaced {
			last[f.Target] = f
		}
	}
	r := &runtime{files: last, dirs: searchPath(m.End.Env["PATH"]), context: m.Bare}
	for _, step := range m.Configured() {
		for _, w := range commandWords(step.Command) {
			r.word(w, step.Scope.Dir)
		}
	}
	for len(r.queue) > 0 {
		f := r.queue[0]
		r.queue = r.queue[1:]
		r.read(f)
	}
}

// commandWords are the words of what a container runs.
func commandWords(cmd any) []string {
	split := func(line []string, shellForm bool) []string {
		if !shellForm {
			return line
		}
		return strings.FieldsFunc(strings.Join(line, " "), func(r rune) bool { return strings.ContainsRune(" \t;&|()\"'", r) })
	}
	switch c := cmd.(type) {
	case *instructions.EntrypointCommand:
		return split(c.CmdLine, c.PrependShell)
	case *instructions.CmdCommand:
		return split(c.CmdLine, c.PrependShell)
	case *instructions.HealthCheckCommand:
		if c.Health != nil && len(c.Health.Test) > 1 {
			return split(c.Health.Test[1:], c.Health.Test[0] == "CMD-SHELL")
		}
	}
	return nil
}

func searchPath(list string) []string {
	if list == "" {
		list = bases.DefaultPath
	}
	return strings.Split(list, ":")
}

// runtime finds what programs of a container speak of.
type runtime struct {
	files   map[string]*commands.Copied
	dirs    []string
	context fs.FS
	loader  *interp.Loader
	queue   []*commands.Copied
}

// need marks a file.
func (r *runtime) need(name string) {
	if f := r.files[name]; f != nil && !f.Runtime {
		f.Runtime = true
		r.queue = append(r.queue, f)
	}
}

// word marks the program that a word names.
func (r *runtime) word(w, dir string) {
	switch {
	case path.IsAbs(w):
		r.need(path.Clean(w))
	case strings.Contains(w, "/"):
		r.need(path.Join("/", dir, w))
	default:
		for _, d := range r.dirs {
			r.need(path.Join(d, w))
		}
	}
}

// read marks what a file that a container runs speaks of.
func (r *runtime) read(f *commands.Copied) {
	if r.loader == nil {
		r.loader = interp.NewLoader(func(name string) ([]byte, error) {
			f := r.files["/"+name]
			if f == nil {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return fs.ReadFile(r.context, f.Source)
		}, nil)
	}
	p, err := r.loader.Load(strings.TrimPrefix(f.Target, "/"), interp.Options{Mounts: []interp.Mount{{Target: "/"}}, Dir: "/"})
	if p == nil || err != nil && p.Main == nil {
		return
	}
	for _, s := range p.Scripts() {
		r.need("/" + s.Path)
		for _, ref := range s.Paths {
			r.path(ref)
		}
		for _, c := range s.Children {
			r.pattern(c.Absolute, c.Glob)
		}
		for _, src := range s.Sources {
			r.pattern(src.Absolute, src.Word.Glob)
		}
		for _, c := range s.Calls {
			if c.Kind == shell.CallProgram && c.Name != "" {
				r.word(c.Command.Value, c.Dir)
			}
		}
	}
}

func (r *runtime) path(ref shell.PathRef) {
	if ref.Bare {
		return
	}
	r.pattern(ref.Path, ref.Glob)
}

// pattern marks the files that a path or pattern names, or that lie below it.
func (r *runtime) pattern(name string, isGlob bool) {
	if name == "" || name == "/" {
		return
	}
	if !isGlob {
		r.need(name)
		if !paths.Everywhere(name) {
			for _, target := range slices.Sorted(maps.Keys(r.files)) {
				if paths.Within(target, name) {
					r.need(target)
				}
			}
		}
		return
	}
	for _, target := range slices.Sorted(maps.Keys(r.files)) {
		if glob.Path(name, target) {
			r.need(target)
		}
	}
}
