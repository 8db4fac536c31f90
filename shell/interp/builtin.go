package interp

import (
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
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

// shellSets reports whether a variable has a value in any shell that a
// container runs, without anybody having given it one.
func shellSets(name string) bool {
	switch name {
	case "HOME", "PATH", "PWD", "OLDPWD", "HOSTNAME", "SHELL", "SHLVL", "IFS", "UID", "EUID", "PPID", "RANDOM", "SRANDOM",
		"SECONDS", "EPOCHSECONDS", "EPOCHREALTIME", "LINENO", "OPTIND", "REPLY", "OSTYPE", "HOSTTYPE", "MACHTYPE",
		"GROUPS", "DIRSTACK", "PIPESTATUS", "FUNCNAME", "COLUMNS", "LINES":
		return true
	}
	return strings.HasPrefix(name, "BASH")
}

// builtin runs the shell's own commands as far as they change what is known.
// It reports whether the call has been noted.
func (in *interp) builtin(c *ctx, e *env, inv *invocation, name string) bool {
	note := func() { in.note(c, e, inv, name, shell.CallBuiltin) }
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
		dir, known := e.dir.exact()
		in.effect(c, e, shell.Effect{Kind: shell.EffectChdir, Pos: pos, Value: dir, Known: known})
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
		in.leave(c, e, inv, name)
	case "shopt", "umask", "ulimit", "alias":
		note()
		if name == "shopt" && hasWord(inv.words, "-s") && hasWord(inv.words, "lastpipe") {
			in.lastpipe = true
		}
		in.effect(c, e, shell.Effect{Kind: shell.EffectOption, Name: name, Pos: pos})
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

func hasWord(words []shell.Word, s string) bool {
	return slices.ContainsFunc(words, func(w shell.Word) bool { return w.Is(s) })
}

// operands are the indexes of the words that are no options.
func operands(words []shell.Word) []int {
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
			e.put(s, variable{unset: true})
			e.funcs = e.funcs.own()
			delete(e.funcs.m, s)
			in.effect(c, e, shell.Effect{Kind: shell.EffectUnset, Name: s, Pos: w.Pos})
		}
	}
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
	lines := linesOf(e.stdin)
	for _, n := range names {
		switch {
		case name == "mapfile" || name == "readarray":
			e.assign(n, lines)
		case name == "read" && len(names) == 1 && !hasLetter(words, "a"):
			e.assign(n, oneOf(lines))
		default:
			e.assign(n, unknown())
		}
	}
}

// linesOf are the lines of a text, as an array.
func linesOf(text value) value {
	s, ok := text.single()
	if !ok || s == holeText {
		return unknownArray()
	}
	flags := text.flags
	var elems []value
	for line := range strings.Lines(s) {
		line = strings.TrimSuffix(line, "\n")
		if hasMark(line) {
			flags |= flagOpen // a pattern may be many lines, or none
		}
		elems = append(elems, value{s: line, flags: text.flags})
		if len(elems) > maxChoices {
			return unknownArray()
		}
	}
	return array(elems, flags)
}

// oneOf is a value that may be any of an array's elements.
func oneOf(lines value) value {
	var list []string
	for _, line := range lines.elems() {
		if line.s == holeText {
			return unknown()
		}
		if s := strings.Trim(line.s, " \t"); s != "" {
			list = append(list, s)
		}
	}
	return fromChoices(list, lines.flags&^flagOpen)
}

// leave is exit, return, break and continue.
func (in *interp) leave(c *ctx, e *env, inv *invocation, name string) {
	if e.stop != stopNone {
		return
	}
	arg := ""
	if len(inv.words) > 1 {
		arg = inv.words[1].Value
	}
	pos := inv.words[0].Pos
	switch name {
	case "exit":
		in.effect(c, e, shell.Effect{Kind: shell.EffectExit, Name: arg, Pos: pos})
		e.stop = stopExit
	case "return":
		in.effect(c, e, shell.Effect{Kind: shell.EffectSkip, Name: name, Pos: pos})
		e.stop = stopReturn
		status, err := strconv.Atoi(arg)
		fails := c.failed || err == nil && status%256 != 0
		switch {
		case fails && e.errexit && !c.tested && c.subst.Kind == shell.SubstNone:
			e.stop = stopExit // where the function was called, errexit ends the shell
		case c.returns != nil:
			*c.returns = append(*c.returns, e.clone())
		}
	default:
		in.effect(c, e, shell.Effect{Kind: shell.EffectSkip, Name: name, Pos: pos})
		e.stop = stopLoop
		c.loop.leave(e, name, arg)
	}
}

// leave notes a state that leaves a loop, or as many as arg says.
func (l *loopExits) leave(e *env, name, arg string) {
	levels, err := strconv.Atoi(arg)
	if err != nil {
		levels = 1
	}
	for ; levels > 1 && l != nil && l.outer != nil; levels-- {
		l = l.outer
	}
	switch {
	case l == nil:
	case name == "break":
		l.breaks = append(l.breaks, e.clone())
	default:
		l.next = append(l.next, e.clone())
	}
}
