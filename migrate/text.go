package migrate

import (
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/spec"
)

// names are what a value of the build file may refer to, by name, with the text
// to refer by: the args, and in the image's environment also the variables above
// and those of the base.
type names func(name string) (text string, ok bool)

// oneLine is text for a comment: what would end its line is a space.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return ' '
		}
		return r
	}, s)
}

// escaped writes text so that spec.Expand gives it back.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `$`, `\$`, "`", "\\`").Replace(s)
}

// escapedPath is a path that is no glob.
func escapedPath(s string) string {
	if strings.ContainsAny(s, "$`\\") {
		return escaped(s)
	}
	return s
}

// escapedGlob is a path of the context in the build file's notation, where it
// could be taken for a glob or a reference.
func escapedGlob(s string) string {
	s = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(s)
	if strings.ContainsAny(s, "$`\\") {
		return escaped(s)
	}
	return s
}

// fromDockerfile writes a word of a Dockerfile as a value of the build file.
// References to what known has stay references; all else is replaced by what it
// stands for. ok is false when that is not known.
func fromDockerfile(word string, sc *dockerfile.Scope, escape rune, known names) (text string, ok bool) {
	return readWord(&wordReader{word: []rune(word), scope: sc, escape: escape, known: known})
}

// fromUnset is fromDockerfile for words that ask whether an arg is set: one
// without default is not set to a Dockerfile, and empty to a build file.
func fromUnset(word string, sc *dockerfile.Scope, escape rune, known names) (text string, ok bool) {
	return readWord(&wordReader{word: []rune(word), scope: sc, escape: escape, known: known, unset: true})
}

func readWord(r *wordReader) (text string, ok bool) {
	if !r.read() {
		return "", false
	}
	return r.out.String(), true
}

// wordReader goes through a word as BuildKit's shell lexer does.
type wordReader struct {
	word   []rune
	at     int
	scope  *dockerfile.Scope
	escape rune
	known  names
	// unset says that what is empty counts as not set.
	unset bool
	out   strings.Builder
}

func (r *wordReader) read() bool {
	quote := rune(0)
	for r.at < len(r.word) {
		c := r.word[r.at]
		switch {
		case quote == '\'' && c != '\'':
			r.literal(c)
		case c == '\'' && quote != '"', c == '"' && quote != '\'':
			if quote == 0 {
				quote = c
			} else {
				quote = 0
			}
			r.at++
		case c == r.escape && r.at+1 < len(r.word):
			next := r.word[r.at+1]
			r.at++
			if quote == '"' && next != '"' && next != '$' && next != r.escape {
				r.out.WriteString(escapedRune(c))
			}
			r.literal(next)
		case c == '$':
			if !r.variable() {
				return false
			}
		default:
			r.literal(c)
		}
	}
	return quote == 0
}

func (r *wordReader) literal(c rune) {
	r.out.WriteString(escapedRune(c))
	r.at++
}

func escapedRune(c rune) string { return escaped(string(c)) }

// variable reads `$NAME` or `${…}`.
func (r *wordReader) variable() bool {
	start := r.at
	r.at++
	if r.at < len(r.word) && r.word[r.at] == '{' {
		depth := 0
		for ; r.at < len(r.word); r.at++ {
			switch r.word[r.at] {
			case '{':
				depth++
			case '}':
				depth--
			}
			if depth == 0 {
				break
			}
		}
		if depth != 0 {
			return false
		}
		r.at++
	} else {
		for r.at < len(r.word) && isNameRune(r.word[r.at]) {
			r.at++
		}
	}
	reference := string(r.word[start:r.at])
	if reference == "$" {
		r.out.WriteString(`\$`)
		return true
	}
	if text, ok := r.refer(reference); ok {
		r.out.WriteString(text)
		return true
	}
	value, ok := r.scope.Expand(reference)
	r.out.WriteString(escaped(value))
	return ok
}

func isNameRune(c rune) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// refer keeps a reference to something that the build file has too. One with an
// operator is kept where both notations mean the same by it.
func (r *wordReader) refer(reference string) (string, bool) {
	name := strings.Trim(reference, "${}")
	text, ok := r.known(name)
	if ok {
		return text, true
	}
	rest := strings.TrimLeftFunc(name, isNameRune)
	name = strings.TrimSuffix(name, rest)
	text, ok = r.known(name)
	if !ok || text != "${"+name+"}" && text != "${"+name+":-}" || strings.ContainsAny(rest, `$'"\{}`+"`") {
		return "", false
	}
	for _, op := range []string{":-", ":+", "-", "+", "%", "#", "/"} {
		if !strings.HasPrefix(rest, op) {
			continue
		}
		if r.unset && (op == "-" || op == "+") {
			rest = ":" + rest
		}
		return "${" + name + rest + "}", true
	}
	return "", false
}

// fromShell writes a word of a shell script as a value of the build file; ok is
// false unless all of its variables are known to it.
func fromShell(word *syntax.Word, known names) (text string, ok bool) {
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

func fromShellPart(part syntax.WordPart, known names) (string, bool) {
	switch p := part.(type) {
	case *syntax.Lit:
		if strings.ContainsAny(p.Value, `\*?[`) {
			return "", false
		}
		return escaped(p.Value), true
	case *syntax.SglQuoted:
		return escaped(p.Value), !p.Dollar
	case *syntax.DblQuoted:
		return fromShell(&syntax.Word{Parts: p.Parts}, known)
	case *syntax.ParamExp:
		return fromParameter(p, known)
	}
	return "", false
}

func fromParameter(p *syntax.ParamExp, known names) (string, bool) {
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
	fallback, ok := fromShell(p.Exp.Word, known)
	if !ok || strings.ContainsAny(fallback, "}\\") {
		return "", false
	}
	return "${" + name + op + fallback + "}", true
}

// shellWord parses one word of a shell script.
func shellWord(text string) *syntax.Word {
	var found *syntax.Word
	for w, err := range syntax.NewParser().WordsSeq(strings.NewReader(text)) {
		if err != nil || found != nil {
			return nil
		}
		found = w
	}
	return found
}

// value is what a text of the build file stands for, for values of the names.
func value(text string, env map[string]string) (string, bool) {
	v, missing, err := spec.Expand(text, env)
	return v, err == nil && missing == ""
}

// referred are the names that a value of the build file refers to.
func referred(text string) []string {
	if !strings.Contains(text, "$") {
		return nil
	}
	word, err := syntax.NewParser().Document(strings.NewReader(text))
	if err != nil {
		return nil
	}
	var out []string
	syntax.Walk(word, func(s syntax.Node) bool {
		if p, ok := s.(*syntax.ParamExp); ok && p.Param != nil {
			out = append(out, p.Param.Value)
		}
		return true
	})
	return out
}

// inShell is a text of the build file as a word of a shell script.
func inShell(text string) string {
	if !strings.Contains(text, "${") {
		if v, ok := value(text, nil); ok {
			return quoted(v)
		}
	}
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// quoted is a text as a word of a shell script.
func quoted(s string) string {
	q, err := syntax.Quote(s, syntax.LangPOSIX)
	if err != nil {
		return s
	}
	return q
}
