// Package outputs finds what a script writes.
package outputs

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// outputReader finds all paths that a script writes, or that it cannot be told.
type outputReader struct {
	scratch []string
	outputs map[string]bool
	// prefix is where `make install` writes, dirs where it does besides.
	prefix string
	dirs   []string
}

// Of are the outputs of a script, but for what is in directories for scratch;
// nil if they are not all known, or if the script neither fetches nor builds anything:
// then nobody would wait for it.
func Of(p *shell.Program, scratch []string) []string {
	if p == nil || !slices.ContainsFunc(p.Calls(), func(c *shell.Call) bool {
		return slices.Contains([]string{"curl", "wget", "git", "make", "configure", "tar"}, c.Name)
	}) || len(p.Children) > 0 || len(p.Unresolved) > 0 || p.Incomplete {
		return nil
	}
	r := &outputReader{scratch: scratch, outputs: map[string]bool{}}
	for _, s := range p.Scripts() {
		for _, c := range s.Calls {
			if c.Unreached || shell.Never(c.Guards) {
				continue
			}
			if !r.redirects(c) || c.Kind == shell.CallDynamic || c.Kind == shell.CallProgram && !r.call(c) {
				return nil
			}
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(r.outputs)) {
		if !slices.ContainsFunc(out, func(dir string) bool { return paths.Within(name, dir) }) {
			out = append(out, name)
		}
	}
	return out
}

func (r *outputReader) isScratch(name string) bool {
	return slices.ContainsFunc(r.scratch, func(dir string) bool { return paths.Within(name, dir) })
}

// writes notes that a path is written; false if it cannot be an output.
func (r *outputReader) writes(name string) bool {
	name = path.Clean(name)
	switch {
	case !path.IsAbs(name):
		return false
	case r.isScratch(name) || name == "/dev/null" || name == "/dev/stderr" || name == "/dev/stdout":
		return true
	case slices.ContainsFunc(slices.Sorted(maps.Keys(r.outputs)), func(o string) bool { return paths.Within(name, o) }):
		return true
	case paths.Shared(name) && !paths.Within(name, "/usr/local") && !paths.Within(name, "/opt"), paths.Everywhere(name), paths.Within(name, "/etc"), paths.Within(name, "/var"), paths.Within(name, "/root"), paths.Within(name, "/home"):
		return false
	case paths.Within(name, "/usr/local") && strings.Count(name, "/") < 3:
		return false
	}
	r.outputs[name] = true
	return true
}

// word notes that the file that a word names is written.
func (r *outputReader) word(c *shell.Call, w shell.Word) bool {
	name, ok := w.Literal()
	if !ok || w.Glob && !r.isScratch(path.Dir(w.Value)) {
		return w.Known && w.Glob && r.isScratch(path.Dir(w.Value))
	}
	if !path.IsAbs(name) {
		if c.Dir == "" {
			return false
		}
		name = path.Join(c.Dir, name)
	}
	return r.writes(name)
}

func (r *outputReader) redirects(c *shell.Call) bool {
	for _, d := range c.Redirects {
		if !d.Writes() || strings.HasSuffix(d.Op, "&") {
			continue
		}
		if !r.word(c, d.Target) {
			return false
		}
	}
	return true
}

// call judges one program.
func (r *outputReader) call(c *shell.Call) bool {
	switch c.Name {
	case "set", "echo", "printf", "true", "false", "test", "nproc", "uname", "date", "sleep", "dpkg", "dpkg-architecture", "pkg-config", "getconf", "sha256sum", "sha512sum", "gpg", "gpgv":
		return true
	case "curl", "wget":
		return r.download(c)
	case "tar", "unzip":
		return r.unpack(c)
	case "git":
		return r.isScratch(c.Dir) || c.Verb() == "clone" && r.last(c)
	case "configure":
		return r.configure(c)
	case "make":
		return r.make(c)
	case "install", "cp", "mv", "ln":
		return r.last(c)
	case "mkdir", "rm", "rmdir", "chmod", "chown", "touch", "strip", "patch":
		return r.all(c)
	case "sed":
		return !c.HasArg("-i") || r.all(c)
	}
	return dockerfile.OnlyReads(c)
}

// last is a program that writes its last argument.
func (r *outputReader) last(c *shell.Call) bool {
	list := commands.Operands(c)
	if len(list) == 0 || slices.ContainsFunc(c.Args, func(w shell.Word) bool {
		return !w.Known || strings.HasPrefix(w.Value, "-t") || strings.HasPrefix(w.Value, "--target-directory")
	}) {
		return false
	}
	if c.Name == "install" && c.HasArg("-d") {
		return r.all(c)
	}
	sources, dest := list[:len(list)-1], list[len(list)-1]
	name, ok := dest.Literal()
	if !ok || len(sources) < 2 && !strings.HasSuffix(name, "/") && !paths.Everywhere(path.Clean(name)) {
		return ok && r.word(c, dest)
	}
	return !slices.ContainsFunc(sources, func(w shell.Word) bool { // into a directory
		source, known := w.Literal()
		return !known || !r.writes(path.Join(name, path.Base(source)))
	})
}

// all is a program that changes each of its arguments.
func (r *outputReader) all(c *shell.Call) bool {
	if c.Name == "patch" {
		return r.isScratch(c.Dir)
	}
	list := commands.Operands(c)
	if c.Name == "chmod" || c.Name == "chown" || c.Name == "sed" {
		list = list[min(1, len(list)):]
	}
	for _, w := range list {
		if !r.word(c, w) {
			return false
		}
	}
	return true
}

func (r *outputReader) download(c *shell.Call) bool {
	for i, w := range c.Args {
		switch {
		case w.Value == "-o" || w.Value == "--output" || w.Value == "-O" && c.Name == "wget":
			return i+1 < len(c.Args) && (c.Args[i+1].Value == "-" || r.word(c, c.Args[i+1]))
		case strings.HasPrefix(w.Value, "-") && !strings.HasPrefix(w.Value, "--") && strings.HasSuffix(w.Value, "o") && i+1 < len(c.Args):
			return r.word(c, c.Args[i+1])
		}
	}
	return r.isScratch(c.Dir) || c.Name == "curl" && c.Pipe.Stages > 0
}

func (r *outputReader) unpack(c *shell.Call) bool {
	for i, w := range c.Args {
		if (w.Value == "-C" || w.Value == "-d") && i+1 < len(c.Args) {
			return r.word(c, c.Args[i+1])
		}
	}
	return r.isScratch(c.Dir)
}

// configure notes where `make install` will write.
func (r *outputReader) configure(c *shell.Call) bool {
	for _, w := range c.Args {
		if prefix, ok := strings.CutPrefix(w.Value, "--prefix="); ok && w.Known {
			r.prefix = prefix
		}
		if flag, dir, ok := strings.Cut(w.Value, "="); ok && strings.HasSuffix(flag, "dir") && path.IsAbs(dir) && w.Known {
			r.dirs = append(r.dirs, dir)
		}
	}
	return r.isScratch(c.Dir) && r.prefix != ""
}

// make builds in scratch space, and installs below the prefix.
func (r *outputReader) make(c *shell.Call) bool {
	dir := c.Dir
	for i, w := range c.Args {
		if strings.HasPrefix(w.Value, "DESTDIR=") {
			return false
		}
		if w.Value == "-C" && i+1 < len(c.Args) {
			dir = c.Args[i+1].Value
		}
		for _, name := range []string{"PREFIX=", "prefix="} {
			if prefix, ok := strings.CutPrefix(w.Value, name); ok && w.Known {
				r.prefix = prefix
			}
		}
	}
	if !r.isScratch(dir) {
		return false
	}
	installs := slices.ContainsFunc(c.Args, func(w shell.Word) bool { return strings.HasPrefix(w.Value, "install") })
	return !installs || r.prefix != "" && r.writes(r.prefix) && !slices.ContainsFunc(r.dirs, func(dir string) bool { return !r.writes(dir) })
}
