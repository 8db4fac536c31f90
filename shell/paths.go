package shell

import (
	"path"
	"strings"
)

// path notes the file names in a word: the word itself when it is a path,
// what follows an equals sign or -I, the parts of a list like PATH.
func (in *interp) path(c *ctx, e *env, w Word, v value, access Access) {
	if v.isArr {
		return
	}
	for _, s := range v.choices() {
		if strings.IndexByte(s, '/') < 0 || strings.IndexByte(s, '\n') >= 0 {
			continue
		}
		for _, p := range candidates(s) {
			in.addPath(c, e, w, p, v.flags, access)
		}
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

func (in *interp) addPath(c *ctx, e *env, w Word, s string, flags flag, access Access) {
	p := value{s: s, flags: flags}
	abs := resolve(e.dir, p)
	out, ok := abs.single()
	if !ok || out == "" || out[0] != '/' || out == "/" || strings.HasPrefix(out, "/\x00") {
		return
	}
	ref := PathRef{Path: output(out), Glob: hasMark(out), Access: access, Pos: w.Pos}
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
	return path.Join(escapePattern(dir), output(abs[slash+1:])), true
}
