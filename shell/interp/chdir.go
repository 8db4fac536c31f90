package interp

import (
	"path"
	"strings"
)

// chdir is cd, pushd and popd.
func (in *interp) chdir(_ *ctx, e *env, inv *invocation, name string) {
	if name == "popd" {
		e.dir = unknown()
		if n := len(e.stack); n > 0 {
			e.dir, e.stack = e.stack[n-1], e.stack[:n-1]
		}
		return
	}
	ops := operands(inv.words[1:])
	if len(ops) == 0 {
		if name == "cd" {
			v, _ := in.lookup(e, "HOME")
			e.dir = v.val
		}
		return
	}
	if name == "pushd" {
		e.stack = append(e.stack[:len(e.stack):len(e.stack)], e.dir)
	}
	target := inv.vals[1+ops[0]]
	if name == "pushd" && strings.HasPrefix(target.s, "+") {
		e.dir, e.stack = unknown(), nil
		return
	}
	if s, ok := target.exact(); ok && s == "-" {
		v, _ := in.lookup(e, "OLDPWD")
		e.dir = v.val
		return
	}
	old := e.dir
	e.dir = resolve(e.dir, target)
	e.put("OLDPWD", variable{val: old, exported: true})
}

// resolve makes a path absolute and clean, as far as it is known.
func resolve(dir, p value) value {
	if p.isArr() {
		return unknown()
	}
	out := p.mapped(func(s string) (string, bool) {
		switch {
		case s == "":
			return "", false
		case s[0] == '/':
			return cleanMarked(s)
		case s[0] == markHole:
			return "", false
		}
		d, ok := dir.single()
		if !ok || d == "" || d[0] != '/' {
			return "", false
		}
		return cleanMarked(d + "/" + s)
	})
	out.flags |= dir.flags & flagRooted
	return out
}

// cleanMarked is path.Clean, unless ".." follows an unknown part.
func cleanMarked(s string) (string, bool) {
	if hasHole(s) && strings.Contains(s[strings.IndexByte(s, markHole):], "/..") {
		return "", false
	}
	return path.Clean(s), true
}
