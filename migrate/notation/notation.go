// Package notation writes values of a build file: of words of Dockerfiles, and of
// words and conditions of shell scripts.
package notation

import (
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/spec"
)

// Names are what a value of the build file may refer to, by name, with the text
// to refer by: the args, and in the image's environment also the variables above
// and those of the base.
type Names func(name string) (text string, ok bool)

// OneLine is text for a comment: what would end its line is a space.
func OneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\t' || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return ' '
		}
		return r
	}, s)
}

// Escaped writes text so that spec.Expand gives it back.
func Escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `$`, `\$`, "`", "\\`").Replace(s)
}

// EscapedPath is a path that is no glob.
func EscapedPath(s string) string {
	if strings.ContainsAny(s, "$`\\") {
		return Escaped(s)
	}
	return s
}

// EscapedGlob is a path of the context in the build file's notation, where it
// could be taken for a glob or a reference.
func EscapedGlob(s string) string {
	s = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(s)
	if strings.ContainsAny(s, "$`\\") {
		return Escaped(s)
	}
	return s
}

// Value is what a text of the build file stands for, for values of the names.
func Value(text string, env map[string]string) (string, bool) {
	v, missing, err := spec.Expand(text, env)
	return v, err == nil && missing == ""
}

// Referred are the names that a value of the build file refers to.
func Referred(text string) []string {
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

// InShell is a text of the build file as a word of a shell script.
func InShell(text string) string {
	if !strings.Contains(text, "${") {
		if v, ok := Value(text, nil); ok {
			return Quoted(v)
		}
	}
	return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"`
}

// Quoted is a text as a word of a shell script.
func Quoted(s string) string {
	q, err := syntax.Quote(s, syntax.LangPOSIX)
	if err != nil {
		return s
	}
	return q
}

// Slug makes a name of a file out of any text.
func Slug(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	s = strings.Trim(s, "-")
	if s == "" {
		return "run"
	}
	return s
}
