package shell

import (
	"slices"
	"strings"
)

// wrapSpec is how a wrapper's own words are told from the command's.
type wrapSpec struct {
	// short are the one-letter options that take a value, long those with two
	// dashes.
	short string
	long  []string
	// operands is how many operands come before the command.
	operands int
	// assigns says that NAME=value words may precede the command.
	assigns bool
	// userOpts are the options that name a user; userOperand says that the
	// first operand does.
	userOpts    []string
	userOperand bool
	// builtin says that the shell itself runs it, so that builtins and, for
	// command and builtin, functions stay in reach.
	builtin bool
	// queries are the options with which it runs nothing.
	queries []string
}

// wrapperOf returns how a wrapper is read. The list holds what set-up and
// entrypoint scripts use.
func wrapperOf(name string) (wrapSpec, bool) {
	switch name {
	case "sudo", "doas":
		return wrapSpec{
			short: "ugpCcDRrTth", long: []string{"user", "group", "prompt", "chdir", "chroot", "role", "type", "host", "close-from", "preserve-env"},
			assigns: true, userOpts: []string{"-u", "--user"}, queries: []string{"-l", "-v", "-k", "-K", "-V", "--list", "--validate"},
		}, true
	case "env":
		return wrapSpec{short: "uCS", long: []string{"unset", "chdir"}, assigns: true}, true
	case "exec":
		return wrapSpec{short: "a", builtin: true}, true
	case "command":
		return wrapSpec{builtin: true, queries: []string{"-v", "-V"}}, true
	case "builtin":
		return wrapSpec{builtin: true}, true
	case "nice":
		return wrapSpec{short: "n", long: []string{"adjustment"}}, true
	case "ionice":
		return wrapSpec{short: "cnpPu", long: []string{"class", "classdata", "pid"}, queries: []string{"-p", "--pid"}}, true
	case "time":
		return wrapSpec{short: "fo", long: []string{"format", "output"}}, true
	case "timeout":
		return wrapSpec{short: "ks", long: []string{"kill-after", "signal"}, operands: 1}, true
	case "nohup", "setsid", "fakeroot", "eatmydata", "tini", "dumb-init", "catatonit", "ccache", "sccache", "unbuffer", "chronic":
		return wrapSpec{short: "rl", long: []string{"rewrite"}}, true
	case "stdbuf":
		return wrapSpec{short: "ioe", long: []string{"input", "output", "error"}}, true
	case "xargs":
		return wrapSpec{
			short: "adEILnPs", long: []string{"arg-file", "delimiter", "eof", "replace", "max-lines", "max-args", "max-procs", "max-chars", "process-slot-var"},
		}, true
	case "gosu", "su-exec":
		return wrapSpec{operands: 1, userOperand: true}, true
	case "chpst":
		return wrapSpec{short: "uUbemdofcprtn012/", userOpts: []string{"-u"}}, true
	case "setpriv":
		return wrapSpec{
			long:     []string{"reuid", "regid", "groups", "inh-caps", "bounding-set", "securebits", "ambient-caps", "pdeathsig", "selinux-label", "apparmor-profile"},
			userOpts: []string{"--reuid"},
		}, true
	case "chroot":
		return wrapSpec{long: []string{"groups", "userspec"}, operands: 1, userOpts: []string{"--userspec"}}, true
	case "flock":
		return wrapSpec{short: "wEc", long: []string{"timeout", "wait", "conflict-exit-code"}, operands: 1}, true
	case "taskset":
		return wrapSpec{short: "c", operands: 1}, true
	case "chrt":
		return wrapSpec{short: "TPD", operands: 1}, true
	case "unshare":
		return wrapSpec{short: "RwSG", long: []string{"root", "wd", "setuid", "setgid"}}, true
	case "strace", "ltrace":
		return wrapSpec{short: "oepsuEaPXbI"}, true
	case "busybox":
		return wrapSpec{queries: []string{"--list", "--list-full", "--install"}}, true
	}
	return wrapSpec{}, false
}

// unwrap looks through a wrapper: the command that it runs is invoked in its
// place. It reports whether there was one.
func (in *interp) unwrap(c *ctx, e *env, inv *invocation, base string) bool {
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
		in.note(c, e, inv, base, CallBuiltin)
		in.effect(c, e, Effect{Kind: EffectRedirect, Pos: inv.words[0].Pos})
		return true
	}
	if own.rest == len(inv.words) {
		if base == "env" {
			in.readsAllAt(c, inv.words[0].Pos)
		}
		return false
	}
	n := c.through(base, inv.words[0].Pos)
	if own.user != "" {
		n.user = own.user
	}
	inner := inv.from(own.rest)
	inner.noFunc = inner.noFunc || !spec.builtin || base == "exec"
	inner.replaces = inner.replaces || base == "exec"
	inner.assigns = append(slices.Clone(inv.assigns), in.wordAssigns(c, inv, own.assigns)...)
	if base == "xargs" {
		inner.open = true
	}
	if base == "flock" && own.command > 0 {
		in.nestedWord(n, e, inv, own.command)
		return true
	}
	in.invoke(n, e, inner)
	if base == "exec" {
		in.effect(c, e, Effect{Kind: EffectExit, Pos: inv.words[0].Pos})
		e.stop = stopExit
	}
	return true
}

// through returns a context whose calls go through one more wrapper.
func (c *ctx) through(name string, pos Pos) *ctx {
	n := *c
	n.wrappers = append(c.wrappers[:len(c.wrappers):len(c.wrappers)], Wrapper{Name: name, Pos: pos})
	return &n
}

// from returns the invocation of the command that starts at word i.
func (inv *invocation) from(i int) *invocation {
	n := *inv
	n.words, n.vals, n.nodes = inv.words[i:], inv.vals[i:], inv.nodes[i:]
	return &n
}

// ownWords is how far a wrapper's own words go.
type ownWords struct {
	rest    int // where the command starts
	assigns []int
	user    string
	query   bool
	command int // flock -c: the word that holds the command
}

func (s wrapSpec) read(words []Word) ownWords {
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

func isAssign(w Word) bool {
	name, _, ok := strings.Cut(w.Value, "=")
	return ok && name != "" && !strings.ContainsAny(name, "/*?-. \t")
}

// wordAssigns are the NAME=value words of env and sudo.
func (in *interp) wordAssigns(c *ctx, inv *invocation, at []int) []Assign {
	out := make([]Assign, 0, len(at))
	for _, i := range at {
		w := inv.words[i]
		a := Assign{Pos: w.Pos, End: w.End, Exported: true, Func: c.fn, Guards: c.guards, Value: w}
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

// switchUser is su and runuser: a command line after -c, or with runuser -u a
// command as it stands.
func (in *interp) switchUser(c *ctx, e *env, inv *invocation, base string) bool {
	user, command, rest := "root", 0, 0
	seen := false
	for i := 1; i < len(inv.words) && rest == 0; i++ {
		w := inv.words[i].Value
		switch {
		case w == "-c" || w == "--command":
			i++
			command = i
		case strings.HasPrefix(w, "--command="):
			command = i
		case w == "-u" || w == "--user":
			i++
			if i < len(inv.words) {
				user, seen = inv.words[i].Value, true
				if base == "runuser" {
					rest = in.firstCommand(inv.words, i+1)
				}
			}
		case w == "-s" || w == "--shell" || w == "-g" || w == "-G" || w == "-w":
			i++
		case w == "--" || w == "-" || strings.HasPrefix(w, "-"):
		case !seen:
			user, seen = w, true
		}
	}
	n := c.through(base, inv.words[0].Pos)
	n.user = user
	switch {
	case rest > 0 && rest < len(inv.words):
		inner := inv.from(rest)
		inner.noFunc = true
		in.invoke(n, e, inner)
		return true
	case command > 0 && command < len(inv.words):
		in.note(c, e, inv, base, CallProgram)
		in.nestedWord(n, e, inv, command)
		return true
	}
	in.note(c, e, inv, base, CallProgram)
	in.nestedInput(n, e, inv)
	return true
}

func (in *interp) firstCommand(words []Word, from int) int {
	for i := from; i < len(words); i++ {
		switch w := words[i].Value; {
		case w == "-s" || w == "-g" || w == "-G" || w == "-w" || w == "-c":
			if w == "-c" {
				return 0
			}
			i++
		case w == "--":
			return i + 1
		case strings.HasPrefix(w, "-"):
		default:
			return i
		}
	}
	return 0
}

// find notes find itself and what its -exec runs.
func (in *interp) find(c *ctx, e *env, inv *invocation) bool {
	in.note(c, e, inv, "find", CallProgram)
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
				inner.words[j].Splits = true
			}
		}
		g := Guard{Kind: GuardFor, Text: "find", Pos: inv.words[0].Pos}
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
	return concat(concat(concat(base, literal("/")), value{s: depth}), name)
}
