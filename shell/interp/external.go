package interp

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// external is a program: what it prints and which script it runs.
func (in *interp) external(c *ctx, e *env, inv *invocation, base string) {
	if out, ok := printed(e, inv, base); ok {
		e.print(out)
	} else {
		e.print(unknown())
	}
	in.externalReads(c, inv, base)
	if base == "cat" && len(inv.hdocs) == 1 && len(inv.words) == 1 {
		e.outDoc = &hereDoc{redirect: inv.hdocs[0], ctx: c}
	}
	var interpreted bool
	switch base {
	case "run-parts":
		in.runParts(c, e, inv)
		return
	case "perl", "ruby", "node", "php":
		interpreted = true
	default:
		interpreted = strings.HasPrefix(base, "python")
	}
	if interpreted {
		if ops := operands(inv.words[1:]); len(ops) > 0 && ops[0] == leadingOptions(inv.words[1:]) {
			in.child(c, e, inv, 1+ops[0], base, inv.words[1:1+ops[0]])
			return
		}
	}
	if in.child(c, e, inv, 0, "", nil) {
		return
	}
	if !isBuiltin(base) {
		dir, _ := e.dir.exact()
		in.effect(c, e, shell.Effect{Kind: shell.EffectCommand, Name: base, Pos: inv.words[0].Pos, Pure: programs.Is(base, programs.Pure), Args: slices.Clone(inv.words[1:]), Dir: dir})
	}
}

// leadingOptions counts the options that take no value of their own before the
// first operand; -c and -m stop it, since no script follows them.
func leadingOptions(words []shell.Word) int {
	for i, w := range words {
		if !strings.HasPrefix(w.Value, "-") {
			return i
		}
		switch w.Value {
		case "-c", "-m", "-e", "-r", "-":
			return -1
		}
	}
	return -1
}

// printed is what a few programs print whose output is a path or a name.
func printed(e *env, inv *invocation, base string) (value, bool) {
	if !e.capturing {
		return value{}, false
	}
	ops := operands(inv.words[1:])
	arg := func(i int) value {
		if i < len(ops) && !inv.words[1+ops[i]].Splits {
			return inv.vals[1+ops[i]]
		}
		return unknown()
	}
	switch base {
	case "dirname":
		return arg(0).mapped(dirName), len(ops) == 1
	case "basename":
		if len(ops) != len(inv.words)-1 {
			break // options that change what is printed
		}
		v := arg(0).mapped(func(s string) (string, bool) {
			i := strings.LastIndexByte(s, '/')
			return s[i+1:], !hasHole(s[i+1:])
		})
		if len(ops) == 2 {
			suffix, ok := arg(1).exact()
			if !ok {
				return unknown(), true
			}
			v = v.mapped(func(s string) (string, bool) { return strings.TrimSuffix(s, suffix), true })
		}
		return v, len(ops) > 0
	case "realpath", "readlink":
		return resolve(e.dir, arg(0)), len(ops) == 1 && printsPath(base, inv.words[1:])
	case "cat":
		return e.stdin, len(ops) == 0
	case "sort":
		return sorted(e.stdin, inv.words[1:])
	case "ls":
		if len(ops) == 1 && hasGlob(inv.vals[1+ops[0]].s) && !hasLetter(inv.words[1:], "lrtSs") {
			return inv.vals[1+ops[0]], true
		}
	case "cut":
		return cut(e.stdin, inv.words[1:])
	}
	return value{}, false
}

// printsPath reports whether realpath or readlink prints the absolute path.
func printsPath(base string, words []shell.Word) bool {
	whole := base == "realpath"
	for _, w := range words {
		switch {
		case strings.HasPrefix(w.Value, "--relative"):
			return false
		case strings.HasPrefix(w.Value, "--canonicalize"):
			whole = true
		}
	}
	return whole || hasLetter(words, "fem")
}

// hasLetter reports whether one of the short options is among words.
func hasLetter(words []shell.Word, letters string) bool {
	return slices.ContainsFunc(words, func(w shell.Word) bool {
		return len(w.Value) > 1 && w.Value[0] == '-' && w.Value[1] != '-' && strings.ContainsAny(w.Value, letters)
	})
}

// sorted is sort of names that match one pattern: the order in which a shell
// lists them as well. Of other text nobody says the order.
func sorted(stdin value, opts []shell.Word) (value, bool) {
	s, ok := stdin.single()
	if !ok || strings.Contains(s, "\n") || hasLetter(opts, "rRkth") || len(operands(opts)) > 0 {
		return value{}, false
	}
	stdin.flags &^= flagUnordered
	return stdin, true
}

// dirName is dirname, unless the last slash may be in an unknown part.
func dirName(s string) (string, bool) {
	i := strings.LastIndexByte(s, '/')
	if i >= 0 && !hasHole(s[i:]) {
		return path.Clean(s[:max(i, 1)]), true
	}
	if i < 0 && !hasMark(s) {
		return ".", true
	}
	return "", false
}

// runParts is run-parts DIR: every script in it, in order.
func (in *interp) runParts(c *ctx, e *env, inv *invocation) {
	ops := operands(inv.words[1:])
	if len(ops) == 0 {
		return
	}
	at := 1 + ops[len(ops)-1]
	one := *inv
	one.vals = slices.Clone(inv.vals)
	one.words = slices.Clone(inv.words)
	one.vals[at] = concat(inv.vals[at], value{s: "/\x01"})
	fill(&one.words[at], one.vals[at])
	in.child(c.with(shell.Guard{Kind: shell.GuardFor, Text: "run-parts", Pos: inv.words[0].Pos}), e, &one, at, "run-parts", one.words[1:at])
}

// cut is cut -dX -fN of known input: the usual way to a major version.
func cut(stdin value, args []shell.Word) (value, bool) {
	delim, fieldNo := "\t", 0
	for i := 0; i < len(args); i++ {
		s, ok := args[i].Literal()
		if !ok || len(s) < 2 || s[0] != '-' {
			return value{}, false
		}
		val := s[2:]
		if val == "" && i+1 < len(args) {
			i++
			val, _ = args[i].Literal()
		}
		switch s[1] {
		case 'd':
			delim = val
		case 'f':
			if len(val) != 1 || val[0] < '1' || val[0] > '9' {
				return value{}, false
			}
			fieldNo = int(val[0] - '0')
		default:
			return value{}, false
		}
	}
	if fieldNo == 0 || len(delim) != 1 {
		return value{}, false
	}
	return stdin.mapped(func(s string) (string, bool) {
		if hasMark(s) || strings.Contains(s, "\n") {
			return "", false
		}
		parts := strings.Split(s, delim)
		switch {
		case len(parts) == 1:
			return s, true
		case fieldNo <= len(parts):
			return parts[fieldNo-1], true
		}
		return "", true
	}), true
}

// externalReads notes programs that print or use the whole environment.
func (in *interp) externalReads(c *ctx, inv *invocation, base string) {
	args := inv.words[1:]
	switch base {
	case "printenv":
		ops := operands(args)
		all := len(ops) == 0
		for _, i := range ops {
			all = all || len(args[i].Choices()) == 0
		}
		if all {
			in.readsAllAt(c, inv.words[0].Pos)
		}
	case "envsubst":
		if len(operands(args)) == 0 && len(inv.hdocs) == 0 {
			in.readsAllAt(c, inv.words[0].Pos)
		}
	}
	for i := range args {
		if isEnviron(args[i].Value) {
			in.readsAllAt(c, args[i].Pos)
		}
	}
}

// isEnviron reports whether a path is that of a process's environment.
func isEnviron(p string) bool {
	return strings.HasPrefix(p, "/proc/") && strings.HasSuffix(p, "/environ")
}

// testReads notes a test for a variable whose name is not known.
func (in *interp) testReads(c *ctx, inv *invocation) {
	for i := 1; i+1 < len(inv.words); i++ {
		if inv.words[i].Is("-v") && len(inv.words[i+1].Choices()) == 0 {
			in.readsAllAt(c, inv.words[i].Pos)
		}
	}
}
