package interp

import (
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

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
		in.note(c, e, inv, base, shell.CallProgram)
		in.nestedWord(n, e, inv, command)
		return true
	}
	in.note(c, e, inv, base, shell.CallProgram)
	in.nestedInput(n, e, inv)
	return true
}

func (in *interp) firstCommand(words []shell.Word, from int) int {
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
