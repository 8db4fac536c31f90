package interp

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// unwrap looks through a wrapper: the command that it runs is invoked in its
// place. It reports whether there was one.
func (in *interp) unwrap(c *ctx, e *env, inv *invocation, base string) bool {
	if len(c.wrappers) >= maxCalls {
		return false
	}
	switch base {
	case "su", "runuser":
		return in.switchUser(c, e, inv, base)
	case "find":
		return in.find(c, e, inv)
	case "sh", "bash", "dash", "ash", "ksh", "mksh", "rbash":
		return in.shellCommand(c, e, inv, base)
	}
	spec, ok := wrapperOf(base)
	if !ok {
		return false
	}
	own := spec.read(inv.words)
	if own.query {
		return false
	}
	if base == "exec" && own.rest == len(inv.words) {
		in.note(c, e, inv, base, shell.CallBuiltin)
		in.effect(c, e, shell.Effect{Kind: shell.EffectRedirect, Pos: inv.words[0].Pos})
		return true
	}
	if own.rest == len(inv.words) {
		if base == "env" {
			in.readsAllAt(c, inv.words[0].Pos)
		}
		return false
	}
	n := c.through(base, inv.words[0].Pos)
	n.wrappers[len(n.wrappers)-1].Words = slices.Clone(inv.words[:own.rest])
	if own.user != "" {
		n.user = own.user
	}
	inner := inv.from(own.rest)
	inner.noFunc = inner.noFunc || !spec.builtin || base == "exec"
	inner.replaces = inner.replaces || base == "exec"
	inner.assigns = append(slices.Clone(inv.assigns), in.wordAssigns(c, inv, own.assigns)...)
	if base == "xargs" {
		inner.fromInput(e.stdin, inv.words[1:own.rest])
	}
	if base == "flock" && own.command > 0 {
		in.nestedWord(n, e, inv, own.command)
		return true
	}
	in.invoke(n, e, inner)
	if base == "exec" {
		in.effect(c, e, shell.Effect{Kind: shell.EffectExit, Pos: inv.words[0].Pos})
		e.stop = stopExit
	}
	return true
}

// through returns a context whose calls go through one more wrapper.
func (c *ctx) through(name string, pos shell.Pos) *ctx {
	n := *c
	n.wrappers = plus(c.wrappers, shell.Wrapper{Name: name, Pos: pos})
	return &n
}

// from returns the invocation of the command that starts at word i.
func (inv *invocation) from(i int) *invocation {
	n := *inv
	n.words, n.vals, n.nodes = inv.words[i:], inv.vals[i:], inv.nodes[i:]
	return &n
}

// fromInput adds what xargs takes from standard input: in place of the word
// that -I names, or at the end.
func (inv *invocation) fromInput(stdin value, opts []shell.Word) {
	if s, ok := stdin.single(); !ok || strings.ContainsAny(s, " \n") {
		stdin = unknown()
	}
	place := ""
	for i, w := range opts {
		switch {
		case w.Value == "-I" && i+1 < len(opts):
			place = opts[i+1].Value
		case strings.HasPrefix(w.Value, "-I"), w.Value == "-i":
			place = cmp.Or(w.Value[2:], "{}")
		}
	}
	inv.words, inv.vals = slices.Clone(inv.words), slices.Clone(inv.vals)
	if place == "" {
		w := shell.Word{Splits: true, Pos: inv.words[0].Pos, End: inv.words[0].End}
		fill(&w, stdin)
		inv.words, inv.vals, inv.nodes = append(inv.words, w), append(inv.vals, stdin), plus(inv.nodes, nil)
		return
	}
	for i := range inv.words {
		if strings.Contains(inv.words[i].Value, place) {
			inv.vals[i] = inv.vals[i].mapped(func(s string) (string, bool) {
				return strings.ReplaceAll(s, place, stdin.s), true
			})
			fill(&inv.words[i], inv.vals[i])
		}
	}
}

// ownWords is how far a wrapper's own words go.
type ownWords struct {
	rest    int // where the command starts
	assigns []int
	user    string
	query   bool
	command int // flock -c: the word that holds the command
}

func (s wrapSpec) read(words []shell.Word) ownWords {
	own := ownWords{rest: len(words)}
	left := s.operands
	userNext := s.userOperand
	for i := 1; i < len(words); i++ {
		w := words[i].Value
		switch {
		case words[i].Is("--"):
			if left == 0 {
				own.rest = i + 1
				return own
			}
		case strings.HasPrefix(w, "-") && len(w) > 1 && words[i].Known:
			own.query = own.query || slices.Contains(s.queries, w)
			name, val, hasVal := strings.Cut(w, "=")
			takes := s.takesValue(name)
			if !strings.HasPrefix(w, "--") {
				hasVal = false
			}
			if len(w) > 2 && w[1] != '-' && strings.IndexByte(s.short, w[1]) >= 0 {
				name, val, hasVal = w[:2], w[2:], true
			}
			if takes && !hasVal && i+1 < len(words) {
				i++
				val = words[i].Value
				if name == "-c" && s.operands > 0 {
					own.command = i
				}
			}
			if slices.Contains(s.userOpts, name) {
				own.user = val
			}
		case s.assigns && isAssign(words[i]):
			own.assigns = append(own.assigns, i)
		case left > 0:
			left--
			if userNext {
				own.user, _, _ = strings.Cut(w, ":")
				userNext = false
			}
			if left == 0 && own.command > 0 {
				own.rest = own.command
				return own
			}
		default:
			own.rest = i
			return own
		}
	}
	if own.command > 0 {
		own.rest = own.command
	}
	return own
}

func (s wrapSpec) takesValue(option string) bool {
	if long, ok := strings.CutPrefix(option, "--"); ok {
		return slices.Contains(s.long, long)
	}
	// Letters may be bundled; the last one may take the next word.
	return strings.IndexByte(s.short, option[len(option)-1]) >= 0
}

func isAssign(w shell.Word) bool {
	name, _, ok := strings.Cut(w.Value, "=")
	return ok && name != "" && !strings.ContainsAny(name, "/*?-. \t")
}

// wordAssigns are the NAME=value words of env and sudo.
func (in *interp) wordAssigns(c *ctx, inv *invocation, at []int) []shell.Assign {
	out := make([]shell.Assign, 0, len(at))
	for _, i := range at {
		w := inv.words[i]
		a := shell.Assign{Pos: w.Pos, End: w.End, Exported: true, Func: c.fn, Guards: c.guards, Value: w}
		if s, ok := inv.vals[i].single(); ok {
			name, val, _ := strings.Cut(s, "=")
			a.Name = name
			fill(&a.Value, value{s: val, flags: inv.vals[i].flags})
		} else {
			a.Name, _, _ = strings.Cut(w.Value, "=")
			a.Value.Known, a.Value.Values = false, nil
		}
		out = append(out, a)
	}
	return out
}
