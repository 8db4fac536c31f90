package interp

import (
	"io/fs"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
)

// Limits that keep reading cheap whatever the input is.
const (
	// DefaultMaxSize is the largest script that is read unless the caller says
	// otherwise.
	DefaultMaxSize = 1 << 20
	// defaultMount is where the context is taken to be mounted unless the
	// caller says otherwise.
	defaultMount = "/context"
)

// Options tell how a script will be run. The zero value reads a script whose
// context is mounted at /context and whose working directory is unknown.
type Options struct {
	// Mounts tell where parts of the context are in the script's file system;
	// the longest match counts. Default: the whole of it at /context.
	Mounts []Mount
	// Dir is the absolute working directory, "" when it is unknown.
	Dir string
	// Vars are the values of environment variables, build args among them.
	// Others are taken to be unknown, or unset where the script has a default.
	Vars map[string]string
	// Interpreter is used for text without a shebang: the shell of a RUN line,
	// or bash by default.
	Interpreter string
	// Args are the script's own arguments; nil when they are unknown.
	Args []string
	// MaxSize is the largest file that is read, in bytes.
	MaxSize int
	// Follow makes Load read the context's scripts among the children as well.
	Follow bool
	// Stat tells of a file by its absolute path whether it will be there, so
	// that [ -f x ] has an answer; known is false where nobody can tell. May be
	// nil.
	Stat func(absolute string) (mode fs.FileMode, exists, known bool)
	// Glob returns the files, in order, that an absolute pattern will match,
	// so that a loop over it is followed file by file; known is false where
	// nobody can tell. May be nil.
	Glob func(absolute string) (files []string, known bool)
}

// Mount tells where a part of the context is in the script's file system.
type Mount struct {
	// Source is a path relative to the context root, "" for all of it.
	Source string
	// Target is the absolute path where it is.
	Target string
}

func (o *Options) mounts() []Mount {
	if o.Mounts != nil {
		return o.Mounts
	}
	return []Mount{{Source: "", Target: defaultMount}}
}

func (o *Options) maxSize() int {
	if o.MaxSize > 0 {
		return o.MaxSize
	}
	return DefaultMaxSize
}

// Absolute returns the path that a file of the context has in the script's
// file system.
func (o *Options) Absolute(context string) (string, bool) {
	context = paths.Inside(context)
	best, out := -1, ""
	for _, m := range o.mounts() {
		src := paths.Inside(m.Source)
		if rest, ok := below(context, src); ok && len(src) > best {
			best, out = len(src), path.Join(m.Target, rest)
		}
	}
	return out, best >= 0
}

// Context returns the path relative to the context root of an absolute path in
// the script's file system, when it lies within one of the mounts.
func (o *Options) Context(absolute string) (string, bool) {
	absolute = path.Clean(absolute)
	best, out := -1, ""
	for _, m := range o.mounts() {
		target := path.Clean(m.Target)
		rest, ok := below(strings.TrimPrefix(absolute, "/"), strings.TrimPrefix(target, "/"))
		if ok && len(target) > best {
			best, out = len(target), paths.Inside(path.Join(m.Source, rest))
		}
	}
	return out, best >= 0
}

// below reports whether p is dir or lies in it, and what remains.
func below(p, dir string) (string, bool) {
	if dir == "" {
		return p, true
	}
	if p == dir {
		return "", true
	}
	if strings.HasPrefix(p, dir) && p[len(dir)] == '/' {
		return p[len(dir)+1:], true
	}
	return "", false
}
