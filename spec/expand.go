package spec

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// maxValue is the longest value that substitution may make, in bytes. Without
// it a file of some lines, each of which doubles the one above, has no end.
const maxValue = 64 << 10

// Expand replaces `$NAME` and `${NAME}` in s as a shell does in a
// here-document: `${NAME:-default}` and the like work, `\$` is a dollar sign,
// quotes mean nothing, and commands are refused. It returns the first name
// that env lacks and that has no default.
func Expand(s string, env map[string]string) (value, missing string, err error) {
	if !strings.ContainsAny(s, "$`\\") {
		return s, "", nil
	}
	word, err := syntax.NewParser().Document(strings.NewReader(s))
	if err != nil {
		return "", "", fmt.Errorf("cannot read %q: %s; write \\$ for a dollar sign", s, parseMessage(err))
	}
	if longest(word, env) > maxValue {
		return "", "", fmt.Errorf("%.40q… may become longer than %d bytes", s, maxValue)
	}
	value, err = expand.Document(&expand.Config{
		Env: expand.FuncEnviron(func(name string) string { return env[name] }),
		CmdSubst: func(io.Writer, *syntax.CmdSubst) error {
			return errors.New("commands are not run in a build file")
		},
	}, word)
	if err != nil {
		return "", "", fmt.Errorf("cannot expand %q: %w", s, err)
	}
	return value, firstUnset(word, env), nil
}

// longest is how long a word's value can become at the most: known before
// anything is put together.
func longest(word *syntax.Word, env map[string]string) int {
	if word == nil {
		return 0
	}
	n := 0
	for _, part := range word.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			n += len(part.Value)
		case *syntax.ParamExp:
			n += longestParam(part, env)
		default: // a number
			n += 32
		}
		n = min(n, 2*maxValue) // no sum overflows
	}
	return n
}

func longestParam(p *syntax.ParamExp, env map[string]string) int {
	n := 32 // ${#A}
	if p.Param != nil {
		n = max(n, len(env[p.Param.Value]))
	}
	switch {
	case p.Excl: // the value of whatever it names
		for _, v := range env {
			n = max(n, len(v))
		}
	case p.Repl != nil: // in the worst case between any two characters
		n += (n + 1) * longest(p.Repl.With, env)
	case p.Exp != nil:
		n = max(4*n, longest(p.Exp.Word, env)) // quoting and letter case
	}
	return n
}

// firstUnset returns the first parameter that has neither a value nor a
// default.
func firstUnset(word *syntax.Word, env map[string]string) (name string) {
	if word == nil {
		return ""
	}
	syntax.Walk(word, func(n syntax.Node) bool {
		p, ok := n.(*syntax.ParamExp)
		if !ok || name != "" {
			return true
		}
		if _, set := env[p.Param.Value]; set {
			return true
		}
		if p.Exp == nil {
			name = p.Param.Value
			return true
		}
		switch p.Exp.Op {
		case syntax.AlternateUnset, syntax.AlternateUnsetOrNull, syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		default:
			name = p.Param.Value
		}
		return true
	})
	return name
}

// parseMessage is a parser's message without its position in the value.
func parseMessage(err error) string {
	var pe syntax.ParseError
	if errors.As(err, &pe) {
		return pe.Text
	}
	return err.Error()
}
