package notation

import (
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// FromDockerfile writes a word of a Dockerfile as a value of the build file.
// References to what known has stay references; all else is replaced by what it
// stands for. ok is false when that is not known.
func FromDockerfile(word string, sc *dockerfile.Scope, escape rune, known Names) (text string, ok bool) {
	return readWord(&wordReader{word: []rune(word), scope: sc, escape: escape, known: known})
}

// FromUnset is [FromDockerfile] for words that ask whether an arg is set: one
// without default is not set to a Dockerfile, and empty to a build file.
func FromUnset(word string, sc *dockerfile.Scope, escape rune, known Names) (text string, ok bool) {
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
	known  Names
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

func escapedRune(c rune) string { return Escaped(string(c)) }

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
	r.out.WriteString(Escaped(value))
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
