package notation

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/spec"
)

// FromShell writes a word of a shell script as a value of the build file; ok is
// false unless all of its variables are known to it.
func FromShell(word *syntax.Word, known Names) (text string, ok bool) {
	var b strings.Builder
	for _, part := range word.Parts {
		t, ok := fromShellPart(part, known)
		if !ok {
			return "", false
		}
		b.WriteString(t)
	}
	return b.String(), true
}

func fromShellPart(part syntax.WordPart, known Names) (string, bool) {
	switch p := part.(type) {
	case *syntax.Lit:
		if strings.ContainsAny(p.Value, `\*?[`) {
			return "", false
		}
		return Escaped(p.Value), true
	case *syntax.SglQuoted:
		return Escaped(p.Value), !p.Dollar
	case *syntax.DblQuoted:
		return FromShell(&syntax.Word{Parts: p.Parts}, known)
	case *syntax.ParamExp:
		return fromParameter(p, known)
	}
	return "", false
}

func fromParameter(p *syntax.ParamExp, known Names) (string, bool) {
	if p.Param == nil || p.Excl || p.Length || p.Width || p.Index != nil || p.Slice != nil || p.Repl != nil || p.Names != 0 {
		return "", false
	}
	text, ok := known(p.Param.Value)
	if !ok || p.Exp == nil {
		return text, ok
	}
	op := p.Exp.Op.String()
	name := strings.TrimSuffix(strings.TrimPrefix(text, "${"), "}")
	if op != ":-" && op != "-" || p.Exp.Word == nil || text != "${"+name+"}" || !spec.IsIdentifier(name) {
		return "", false
	}
	fallback, ok := FromShell(p.Exp.Word, known)
	if !ok || strings.ContainsAny(fallback, "}\\") {
		return "", false
	}
	return "${" + name + op + fallback + "}", true
}

// ShellWord parses one word of a shell script.
func ShellWord(text string) *syntax.Word {
	var found *syntax.Word
	for w, err := range syntax.NewParser().WordsSeq(strings.NewReader(text)) {
		if err != nil || found != nil {
			return nil
		}
		found = w
	}
	return found
}
