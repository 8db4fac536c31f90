package shell

import (
	"sort"
	"strings"
)

// Mentions reports whether a name occurs outside comments, and where first: as
// a parameter expansion, in arithmetic, or as a whole word in a literal, a
// quoted string or a here-document, so also in text handed to another program.
// In a file that is no shell script any whole word of the text counts.
func (s *Script) Mentions(name string) (Pos, bool) {
	if name == "" || s.Text == nil {
		return Pos{}, false
	}
	src := s.Text.Src
	for from := 0; ; {
		i := strings.Index(src[from:], name)
		if i < 0 {
			return Pos{}, false
		}
		at := from + i
		end := at + len(name)
		if (at == 0 || !IsNameByte(src[at-1])) && (end == len(src) || !IsNameByte(src[end])) && !s.inComment(at) {
			return s.Text.Pos(at), true
		}
		from = at + 1
	}
}

// ReadsAll reports whether the script reads variables that nobody can
// enumerate, and where first: ${!name}, env or printenv without names, export
// -p, set and declare -p without names, compgen -v, eval of text that is put
// together at run time, envsubst of a file, /proc/self/environ; in another
// language the environment as a whole, or by a name that is computed. A script
// that cannot be parsed counts too: nobody knows what it reads.
func (s *Script) ReadsAll() (Pos, bool) {
	if s.Broken != nil {
		return s.Broken.Pos, true
	}
	return s.ReadsAllAt, s.ReadsAllAt.IsValid()
}

func (s *Script) inComment(off int) bool {
	i := sort.Search(len(s.Comments), func(i int) bool { return s.Comments[i].To > off })
	return i < len(s.Comments) && s.Comments[i].From <= off
}

// IsNameByte tells whether a character can stand in a variable's name.
func IsNameByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
