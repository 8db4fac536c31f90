package interp

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// find notes find itself and what its -exec runs.
func (in *interp) find(c *ctx, e *env, inv *invocation) bool {
	in.note(c, e, inv, "find", shell.CallProgram)
	e.print(foundBy(inv, e.dir))
	for i := 1; i < len(inv.words); i++ {
		switch inv.words[i].Value {
		case "-exec", "-execdir", "-ok", "-okdir":
		default:
			continue
		}
		end := i + 1
		for end < len(inv.words) && !inv.words[end].Is(";") && !inv.words[end].Is("+") {
			end++
		}
		if end == i+1 {
			continue
		}
		inner := *inv
		inner.words = slices.Clone(inv.words[i+1 : end])
		inner.vals = slices.Clone(inv.vals[i+1 : end])
		inner.nodes = inv.nodes[i+1 : end]
		inner.noFunc, inner.redirs = true, nil
		for j := range inner.words {
			if inner.words[j].Value == "{}" {
				inner.vals[j] = foundBy(inv, e.dir)
				fill(&inner.words[j], inner.vals[j])
				inner.words[j].Splits = end < len(inv.words) && inv.words[end].Is("+")
			}
		}
		g := shell.Guard{Kind: shell.GuardFor, Text: "find", Pos: inv.words[0].Pos}
		in.invoke(c.through("find", inv.words[0].Pos).with(g), e.clone(), &inner)
		i = end
	}
	return true
}

// foundBy is the pattern of what find prints: DIR/**/NAME.
func foundBy(inv *invocation, dir value) value {
	name, depth := value{s: string(markStar)}, "\x01\x01/"
	var dirs []value
	for i := 1; i < len(inv.words); i++ {
		w := inv.words[i].Value
		if strings.HasPrefix(w, "-") || w == "(" || w == "!" {
			break
		}
		dirs = append(dirs, inv.vals[i])
	}
	for i := 1; i+1 < len(inv.words); i++ {
		s, ok := inv.words[i+1].Literal()
		switch inv.words[i].Value {
		case "-name":
			if !ok {
				return unknown()
			}
			name = value{s: markGlobs(s)}
		case "-maxdepth":
			if s == "1" {
				depth = ""
			}
		case "-o", "-or", "-printf", "-print0":
			return unknown()
		}
	}
	if len(dirs) != 1 {
		return unknown()
	}
	base := resolve(dir, dirs[0])
	if base.isUnknown() {
		return base
	}
	out := concat(concat(concat(base, literal("/")), value{s: depth}), name)
	out.flags |= flagUnordered
	return out
}
