package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

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
func formatted(words []shell.Word, vals []value) value {
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
