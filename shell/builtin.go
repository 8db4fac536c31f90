package shell

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// isBuiltin reports whether shells have the command built in.
func isBuiltin(name string) bool {
	switch name {
	case ".", ":", "[", "[[", "alias", "bg", "bind", "break", "builtin", "caller", "cd", "command", "compgen",
		"complete", "compopt", "continue", "declare", "dirs", "disown", "echo", "enable", "eval", "exec", "exit",
		"export", "false", "fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local",
		"logout", "mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "readonly", "return", "set",
		"shift", "shopt", "source", "suspend", "test", "times", "trap", "true", "type", "typeset", "ulimit",
		"umask", "unalias", "unset", "wait":
		return true
	}
	return false
}

// builtin runs the shell's own commands as far as they change what is known.
// It reports whether the call has been noted.
func (in *interp) builtin(c *ctx, e *env, inv *invocation, name string) bool {
	note := func() { in.note(c, e, inv, name, CallBuiltin) }
	pos := inv.words[0].Pos
	switch name {
	case "source", ".":
		note()
		in.source(c, e, inv)
	case "eval":
		note()
		in.eval(c, e, inv)
	case "trap":
		note()
		in.trap(c, e, inv)
	case "cd", "pushd", "popd":
		note()
		in.chdir(c, e, inv, name)
		in.effect(c, e, Effect{Kind: EffectChdir, Pos: pos, Value: dirWord(e)})
	case "pwd":
		note()
		e.print(e.dir)
	case "echo", "printf":
		note()
		in.print(e, inv, name)
	case "export", "readonly", "local", "declare", "typeset":
		note()
		in.declare(c, e, inv, name)
	case "unset":
		note()
		in.unset(c, e, inv)
	case "set":
		note()
		in.setBuiltin(c, e, inv)
	case "shift":
		note()
		shift(e, inv)
	case "read", "mapfile", "readarray", "getopts":
		note()
		in.readBuiltin(e, inv, name)
	case "exit", "return", "break", "continue":
		note()
		in.leave(c, e, name, pos)
	case "shopt", "umask", "ulimit", "alias":
		note()
		in.effect(c, e, Effect{Kind: EffectOption, Name: name, Pos: pos})
	case "compgen":
		note()
		for _, w := range inv.words[1:] {
			if w.Is("-v") || w.Is("-e") || w.Is("variable") || w.Is("export") {
				in.readsAllAt(c, pos)
			}
		}
	default:
		return false
	}
	return true
}

func dirWord(e *env) Word {
	var w Word
	fill(&w, e.dir)
	return w
}

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
	if s, ok := target.exact(); ok && s == "-" {
		v, _ := in.lookup(e, "OLDPWD")
		e.dir = v.val
		return
	}
	old := e.dir
	e.dir = resolve(e.dir, target)
	e.vars["OLDPWD"] = variable{val: old, exported: true}
}

// operands are the indexes of the words that are no options.
func operands(words []Word) []int {
	var out []int
	for i, w := range words {
		if w.Is("--") {
			for j := i + 1; j < len(words); j++ {
				out = append(out, j)
			}
			break
		}
		if !strings.HasPrefix(w.Value, "-") || w.Value == "-" {
			out = append(out, i)
		}
	}
	return out
}

// resolve makes a path absolute and clean, as far as it is known.
func resolve(dir, p value) value {
	if p.isArr {
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

// print is echo and printf within a substitution.
func (in *interp) print(e *env, inv *invocation, name string) {
	if !e.capturing && name == "echo" {
		return
	}
	vals := inv.vals[1:]
	words := inv.words[1:]
	if name == "printf" {
		if len(words) > 1 && words[0].Is("-v") {
			if s, ok := words[1].Literal(); ok && syntax.ValidName(s) {
				e.assign(s, unknown())
			}
			return
		}
		e.print(formatted(words, vals))
		return
	}
	for len(words) > 0 && (words[0].Is("-n") || words[0].Is("-e")) {
		words, vals = words[1:], vals[1:]
	}
	var out value
	for i, v := range vals {
		if i > 0 {
			out = concat(out, literal(" "))
		}
		if words[i].Splits {
			v = unknown()
		}
		out = concat(out, v)
	}
	e.print(out)
}

// formatted is printf for formats of plain text and %s alone.
func formatted(words []Word, vals []value) value {
	if len(words) == 0 {
		return unknown()
	}
	format, ok := words[0].Literal()
	if !ok {
		return unknown()
	}
	format = strings.ReplaceAll(format, `\n`, "\n")
	if strings.Contains(format, `\`) {
		return unknown()
	}
	var out value
	args := vals[1:]
	for {
		before, after, found := strings.Cut(format, "%")
		out = concat(out, literal(before))
		if !found {
			break
		}
		if !strings.HasPrefix(after, "s") || len(args) == 0 || words[len(words)-len(args)].Splits {
			return unknown()
		}
		out = concat(out, args[0])
		args, format = args[1:], after[1:]
	}
	if len(args) > 0 {
		return unknown()
	}
	return out
}

// declare is export and its kin where they are parsed as ordinary commands.
func (in *interp) declare(c *ctx, e *env, inv *invocation, name string) {
	flags, names := "", 0
	for i, w := range inv.words[1:] {
		if s, ok := w.Literal(); ok && strings.HasPrefix(s, "-") {
			flags += s[1:]
			continue
		}
		names++
		in.declWord(c, e, w, inv.vals[1+i], declKind(name, flags, c.fn))
	}
	if names == 0 {
		in.readsAllAt(c, inv.words[0].Pos)
	}
}

func (in *interp) unset(c *ctx, e *env, inv *invocation) {
	for _, w := range inv.words[1:] {
		s, ok := w.Literal()
		switch {
		case !ok:
			e.forget()
		case strings.HasPrefix(s, "-"):
		default:
			e.vars[s] = variable{unset: true}
			delete(e.funcs, s)
			in.effect(c, e, Effect{Kind: EffectUnset, Name: s, Pos: w.Pos})
		}
	}
}

// setBuiltin is set: options, or new positional parameters.
func (in *interp) setBuiltin(c *ctx, e *env, inv *invocation) {
	words := inv.words[1:]
	if len(words) == 0 {
		in.readsAllAt(c, inv.words[0].Pos)
		return
	}
	for i := 0; i < len(words); i++ {
		s, ok := words[i].Literal()
		switch {
		case ok && len(s) > 1 && (s[0] == '-' || s[0] == '+') && strings.HasSuffix(s, "o"):
			i++ // -o and -euo take the option's name
		case ok && (s == "--" || s == "-"):
			e.setArgs(arguments(c, inv, i+2))
			return
		case ok && s != "" && (s[0] == '-' || s[0] == '+'):
		default:
			e.setArgs(arguments(c, inv, i+1))
			return
		}
	}
	in.effect(c, e, Effect{Kind: EffectOption, Name: "set " + words[0].Value, Pos: inv.words[0].Pos})
}

func shift(e *env, inv *invocation) {
	n := 1
	if len(inv.words) > 1 {
		s, _ := inv.words[1].Literal()
		n = 0
		for _, c := range s {
			if c < '0' || c > '9' || n > maxElements {
				n = -1
				break
			}
			n = n*10 + int(c-'0')
		}
		if s == "" {
			n = -1
		}
	}
	if n < 0 || n > e.argsFixed {
		if n < 0 || !e.argsKnown() {
			e.setArgs(noArgs())
		}
		return
	}
	e.setArgs(e.args[n:], e.argsFixed-n)
}

// readBuiltin is read and its kin: what they set comes from standard input.
func (in *interp) readBuiltin(e *env, inv *invocation, name string) {
	words := inv.words[1:]
	var names []string
	takes := "dinNptu" // options that take a value
	if name != "read" {
		takes = "dnOsuCc"
	}
	for i := 0; i < len(words); i++ {
		s, ok := words[i].Literal()
		if !ok {
			continue
		}
		if strings.HasPrefix(s, "-") && len(s) > 1 {
			last := s[len(s)-1:]
			if name != "getopts" && last == "a" && i+1 < len(words) {
				i++
				names = append(names, words[i].Value)
			} else if strings.Contains(takes, last) {
				i++
			}
			continue
		}
		if syntax.ValidName(s) {
			names = append(names, s)
		}
	}
	for _, n := range names {
		v := unknown()
		if len(names) == 1 && name != "getopts" {
			v = e.stdin
			v.isArr = false
		}
		if name == "mapfile" || name == "readarray" {
			v = value{isArr: true, arr: []value{v}, flags: flagOpen}
		}
		e.assign(n, v)
	}
}

// leave is exit, return, break and continue.
func (in *interp) leave(c *ctx, e *env, name string, pos Pos) {
	if e.stop != stopNone {
		return
	}
	switch name {
	case "exit":
		in.effect(c, e, Effect{Kind: EffectExit, Pos: pos})
		e.stop = stopExit
	case "return":
		e.stop = stopReturn
		if c.returns != nil {
			r := e.clone()
			*c.returns = append(*c.returns, r)
		}
	default:
		e.stop = stopLoop
	}
}
