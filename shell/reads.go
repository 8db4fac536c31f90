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
	if name == "" || s.text == nil {
		return Pos{}, false
	}
	src := s.text.src
	for from := 0; ; {
		i := strings.Index(src[from:], name)
		if i < 0 {
			return Pos{}, false
		}
		at := from + i
		end := at + len(name)
		if (at == 0 || !isNameByte(src[at-1])) && (end == len(src) || !isNameByte(src[end])) && !s.inComment(at) {
			return s.text.pos(at), true
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
	return s.readsAll, s.readsAll.IsValid()
}

func (s *Script) inComment(off int) bool {
	i := sort.Search(len(s.comments), func(i int) bool { return s.comments[i].to > off })
	return i < len(s.comments) && s.comments[i].from <= off
}

func isNameByte(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// externalReads notes programs that print or use the whole environment.
func (in *interp) externalReads(c *ctx, inv *invocation, base string) {
	args := inv.words[1:]
	switch base {
	case "printenv":
		ops := operands(args)
		all := len(ops) == 0
		for _, i := range ops {
			all = all || len(args[i].Choices()) == 0
		}
		if all {
			in.readsAllAt(c, inv.words[0].Pos)
		}
	case "envsubst":
		if len(operands(args)) == 0 && len(inv.hdocs) == 0 {
			in.readsAllAt(c, inv.words[0].Pos)
		}
	}
	for i := range args {
		if isEnviron(args[i].Value) {
			in.readsAllAt(c, args[i].Pos)
		}
	}
}

// isEnviron reports whether a path is that of a process's environment.
func isEnviron(p string) bool {
	return strings.HasPrefix(p, "/proc/") && strings.HasSuffix(p, "/environ")
}

// testReads notes a test for a variable whose name is not known.
func (in *interp) testReads(c *ctx, inv *invocation) {
	for i := 1; i+1 < len(inv.words); i++ {
		if inv.words[i].Is("-v") && len(inv.words[i+1].Choices()) == 0 {
			in.readsAllAt(c, inv.words[i].Pos)
		}
	}
}
