package draft

import (
	"bytes"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// Context is a build context, with files that are generated for it.
type Context struct {
	// Bare is the context as it is sent, Generated are the files by their paths.
	Bare      fs.FS
	Generated map[string]*buildfile.File
	// Values are those of the args that its scripts see, programs the scripts
	// that were read.
	Values   map[string]string
	programs map[string]*shell.Program
}

// NewContext is a build context without generated files.
func NewContext(context fs.FS, values map[string]string) *Context {
	return &Context{Bare: context, Generated: map[string]*buildfile.File{}, Values: values, programs: map[string]*shell.Program{}}
}

// FS is the context with the generated files as they are now.
func (c *Context) FS() fs.FS {
	out := overlay{c.Bare, fstest.MapFS{}}
	for name, f := range c.Generated {
		out.generated[name] = &fstest.MapFile{Data: f.Data, Mode: f.Mode}
	}
	return out
}

// Loader reads scripts of the context, and generated ones.
func (c *Context) Loader() *interp.Loader { return interp.NewFSLoader(c.FS()) }

// Load reads a script as pgstrata will: below /context.
func (c *Context) Load(source string) *shell.Program {
	if p, ok := c.programs[source]; ok {
		return p
	}
	p, err := c.Loader().Load(source, interp.Options{Dir: "/", Vars: c.Values, MaxSize: graph.MaxScriptSize, Follow: true})
	if err != nil {
		p = nil
	}
	c.programs[source] = p
	return p
}

// Interpreter is what runs a script of the context, as its first line says.
func (c *Context) Interpreter(source string) string {
	if p := c.Load(source); p != nil && p.Main.Shebang.Program != "" {
		return strings.Join(append([]string{p.Main.Shebang.Program}, p.Main.Shebang.Args...), " ")
	}
	return "/bin/sh"
}

// Startable reports whether the kernel starts a file: it names an interpreter.
func (c *Context) Startable(source string) bool {
	p := c.Load(source)
	return p != nil && p.Main.Shebang.Line != "" && !p.Main.CRLF.IsValid() && !p.Main.BOM
}

// IsScript reports whether a file is a script, by its name or first line.
func (c *Context) IsScript(source string) bool {
	if path.Ext(source) == ".sh" || path.Ext(source) == ".bash" {
		return true
	}
	data, err := fs.ReadFile(c.FS(), source)
	return err == nil && bytes.HasPrefix(data, []byte("#!"))
}

// IsDir reports whether a path of the context is a directory.
func (c *Context) IsDir(name string) bool {
	if name == "" {
		return true
	}
	info, err := fs.Stat(c.Bare, name)
	return err == nil && info.IsDir()
}

// Has reports whether the context has a file or directory of that very name.
func (c *Context) Has(name string) bool {
	found, err := spec.Files(c.FS(), notation.EscapedGlob(name))
	return err == nil && len(found) > 0 || c.IsDir(name)
}

// InTheWay reports whether the context has another file of that name. One that
// an earlier migration has written is none.
func (c *Context) InTheWay(name string, f *buildfile.File) bool {
	data, err := fs.ReadFile(c.Bare, name)
	return err == nil && !bytes.Equal(data, f.Data) || c.Generated[name] != nil
}

// Below are the files below a path of the context, or the file that is there, with
// what cannot be read.
func (c *Context) Below(name string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		_ = fs.WalkDir(c.FS(), name, func(name string, d fs.DirEntry, err error) error { // its error is handed on
			if (err != nil || !d.IsDir()) && !yield(name, err) {
				return fs.SkipAll
			}
			return nil
		})
	}
}

// Joined names directories in place of all of their files, where they have so many
// at least. others are files that need not be among those that are named.
func (c *Context) Joined(files []string, others map[string]bool, least int) []string {
	var out []string
	listed := maps.Clone(others)
	if listed == nil {
		listed = map[string]bool{}
	}
	for _, name := range files {
		listed[name] = true
	}
	for _, name := range files {
		if slices.ContainsFunc(out, func(o string) bool { return paths.Within(name, strings.TrimSuffix(o, "/")) }) {
			continue
		}
		at := name
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			n, all := c.count(dir, listed)
			if !all {
				break
			}
			if n >= least {
				at = dir + "/"
			}
		}
		out = append(out, at)
	}
	return out
}

// count is how many files a directory has, and whether all of them are listed.
func (c *Context) count(dir string, listed map[string]bool) (n int, all bool) {
	for name, err := range c.Below(dir) {
		if err != nil || !listed[name] {
			return n, false
		}
		n++
	}
	return n, true
}

// overlay is a build context with generated files in it.
type overlay struct {
	fs.FS
	generated fstest.MapFS
}

// of is the one of both that has a path: a generated file hides another, and a
// directory is the context's where that has it.
func (o overlay) of(name string) fs.FS {
	if o.generated[name] != nil {
		return o.generated
	}
	if _, err := fs.Lstat(o.FS, name); err != nil {
		if _, err := o.generated.Lstat(name); err == nil {
			return o.generated
		}
	}
	return o.FS
}

// Open implements fs.FS.
func (o overlay) Open(name string) (fs.File, error) { return o.of(name).Open(name) }

// Lstat implements fs.ReadLinkFS.
func (o overlay) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(o.of(name), name) }

// ReadLink implements fs.ReadLinkFS.
func (o overlay) ReadLink(name string) (string, error) { return fs.ReadLink(o.of(name), name) }

// ReadDir implements fs.ReadDirFS.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(o.FS, name)
	generated, none := o.generated.ReadDir(name)
	if err != nil && none != nil {
		return nil, err
	}
	for _, own := range generated {
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == own.Name() })
		switch {
		case i < 0:
			entries = append(entries, own)
		case !own.IsDir():
			entries[i] = own
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}
