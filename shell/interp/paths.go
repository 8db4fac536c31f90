package interp

import (
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/shell"
)

// argPaths notes the file names among a command's words.
func (in *interp) argPaths(c *ctx, e *env, inv *invocation, name string) {
	in.path(c, e, &inv.words[0], inv.vals[0], shell.AccessRead)
	access := shell.AccessMention
	bare := in.inContext(e)
	switch name {
	case "dirname", "basename", "readlink", "realpath":
		return // names are taken apart, no file is used
	case "echo", "printf", "set", "export", "readonly", "local", "declare", "typeset", "exit", "return", "trap", "kill":
		bare = false
	case "[", "test", "[[":
		access = shell.AccessTest
	case "cat", "source", ".", "grep", "head", "tail", "wc", "sha256sum", "md5sum", "bash", "sh":
		access = shell.AccessRead
	case "mkdir", "touch", "tee", "rm", "rmdir", "truncate":
		access = shell.AccessWrite
	case "cd", "pushd":
		access = shell.AccessDir
	}
	for i := range inv.words[1:] {
		w, v := &inv.words[1+i], inv.vals[1+i]
		in.path(c, e, w, v, access)
		if s, ok := v.single(); bare && ok && isBare(s) {
			in.addPath(c, e, w, s, v.flags, access, true)
		}
	}
}

// inContext reports whether the working directory is in the context, so that a
// plain word may name one of its files.
func (in *interp) inContext(e *env) bool {
	dir, ok := e.dir.exact()
	if !ok {
		return false
	}
	_, ok = in.opts.Context(dir)
	return ok
}

// isBare reports whether a word may be a file name without a slash.
func isBare(s string) bool {
	return s != "" && s != "." && s != holeText && s[0] != '-' && !strings.ContainsAny(s, "/ \t\n=;{}()<>!")
}

// path notes the file names in a word: the word itself when it is a path,
// what follows an equals sign or -I, the parts of a list like PATH.
func (in *interp) path(c *ctx, e *env, w *shell.Word, v value, access shell.Access) {
	if v.isArr() {
		return
	}
	if s, ok := v.single(); ok {
		in.pathIn(c, e, w, s, v.flags, access)
		return
	}
	for _, s := range v.choices() {
		in.pathIn(c, e, w, s, v.flags, access)
	}
}

func (in *interp) pathIn(c *ctx, e *env, w *shell.Word, s string, flags flag, access shell.Access) {
	if strings.IndexByte(s, '/') < 0 || strings.IndexByte(s, '\n') >= 0 {
		return
	}
	for _, p := range candidates(s) {
		in.addPath(c, e, w, p, flags, access, false)
	}
}

// candidates are the parts of a word that may be paths.
func candidates(s string) []string {
	if strings.ContainsAny(s, " \t") && !strings.HasPrefix(s, "/") {
		var out []string
		for _, part := range strings.Fields(s) {
			if strings.IndexByte(part, '/') >= 0 {
				out = append(out, candidates(part)...)
			}
		}
		return out
	}
	if strings.Contains(s, "://") {
		return nil
	}
	if strings.HasPrefix(s, "-") {
		if _, val, ok := strings.Cut(s, "="); ok {
			return candidates(val)
		}
		if len(s) > 2 && s[1] != '-' {
			return candidates(s[2:])
		}
		return nil
	}
	if name, val, ok := strings.Cut(s, "="); ok && !strings.ContainsAny(name, "/") {
		return candidates(val)
	}
	if strings.IndexByte(s, ':') >= 0 {
		var out []string
		for _, part := range strings.Split(s, ":") {
			if strings.IndexByte(part, '/') >= 0 {
				out = append(out, part)
			}
		}
		return out
	}
	return []string{s}
}

func (in *interp) addPath(c *ctx, e *env, w *shell.Word, s string, flags flag, access shell.Access, bare bool) {
	given := pathKey{pos: w.Pos, path: s, access: access}
	if c.rec.given[given] && s[0] == '/' {
		return
	}
	c.rec.given[given] = true
	abs := resolve(e.dir, value{s: s, flags: flags})
	out, ok := abs.single()
	if !ok || out == "" || out[0] != '/' || out == "/" || strings.HasPrefix(out, "/\x00") {
		return
	}
	ref := shell.PathRef{Path: output(out), Glob: hasMark(out), Access: access, Pos: w.Pos, Bare: bare}
	key := pathKey{pos: ref.Pos, path: ref.Path, access: access}
	if _, seen := c.rec.paths[key]; seen || len(c.rec.paths) > maxSteps {
		return
	}
	ref.Context, ref.InContext = in.contextOf(out)
	c.rec.paths[key] = len(c.rec.script.Paths)
	c.rec.script.Paths = append(c.rec.script.Paths, ref)
}

// contextOf is the context path of an absolute one with marks. The part before
// the first mark has to lie in a mount.
func (in *interp) contextOf(abs string) (string, bool) {
	if !hasMark(abs) {
		return in.opts.Context(abs)
	}
	i := strings.IndexFunc(abs, func(r rune) bool { return r < 4 })
	slash := strings.LastIndexByte(abs[:i], '/')
	if slash < 0 {
		return "", false
	}
	dir, ok := in.opts.Context(abs[:max(slash, 1)])
	if !ok {
		return "", false
	}
	return path.Join(glob.Escape(dir), output(abs[slash+1:])), true
}
