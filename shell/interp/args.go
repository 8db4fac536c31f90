package interp

import (
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// setBuiltin is set: options, or new positional parameters.
func (in *interp) setBuiltin(c *ctx, e *env, inv *invocation) {
	words := inv.words[1:]
	if len(words) == 0 {
		in.readsAllAt(c, inv.words[0].Pos)
		return
	}
	for i := 0; i < len(words); i++ {
		s, ok := words[i].Literal()
		e.errexit = e.errexit && ok
		if ok && len(s) > 1 && (s[0] == '-' || s[0] == '+') && s[1] != '-' {
			if strings.IndexByte(s, 'a') > 0 {
				e.allexport = s[0] == '-'
			}
			if strings.IndexByte(s, 'e') > 0 {
				e.errexit = s[0] == '-'
			}
		}
		switch {
		case ok && len(s) > 1 && (s[0] == '-' || s[0] == '+') && strings.HasSuffix(s, "o"):
			i++ // -o and -euo take the option's name
			switch {
			case i == len(words):
			case words[i].Is("allexport"):
				e.allexport = s[0] == '-'
			case words[i].Is("errexit"):
				e.errexit = s[0] == '-'
			}
		case ok && (s == "--" || s == "-"):
			e.setArgs(arguments(c, inv, i+2))
			return
		case ok && s != "" && (s[0] == '-' || s[0] == '+'):
		default:
			e.setArgs(arguments(c, inv, i+1))
			return
		}
	}
	in.effect(c, e, shell.Effect{Kind: shell.EffectOption, Name: "set " + words[0].Value, Pos: inv.words[0].Pos})
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
