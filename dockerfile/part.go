package dockerfile

import (
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// Part is one piece of a RUN line that becomes a step of its own: a script that a
// driver runs, or a command.
type Part struct {
	// Text is a line of shell that does the same.
	Text string
	// Child is the script that it runs and Script its path in the context; nil for a
	// command.
	Child  *shell.Child
	Script string
	// Env are the variables that the driver exports to it, with their values. Dir is
	// the directory to change to, "" for the one that holds already.
	Env []shell.EnvVar
	Dir string
	// OnFail is the status that the driver makes of a failure, 0 for the same.
	OnFail int
	// When are the conditions that were kept, each of them to hold.
	When []shell.Guard
	// Facts are what it does, Files the copied files that are there before it; in a
	// layout it is the step that has them.
	Facts *Facts
	Files map[string]*CopiedFile
	// Varies are the names of the exported variables whose values depend on
	// args.
	Varies []string

	// prelude is what of its line holds for it too, starts the directories that it
	// starts in, one after another, "" for one that is not known.
	prelude []string
	starts  []string
	// of is the driver that it is a part of; nil for a command of the line. effect
	// is a command of the driver's own.
	of     *shell.Program
	effect *shell.Effect
}

// place is where its line, or its driver, runs it.
func (p *Part) place() string {
	switch {
	case p.Child != nil:
		return place(p.Child.From, p.Child.Pos)
	case p.effect != nil:
		return place(p.effect.From, p.effect.Pos)
	}
	return itsLine
}

// line is the part as a RUN line, with those of its variables that are wanted.
func (p *Part) line(dir string, wants func(name string) bool) string {
	words := slices.Clone(p.prelude)
	for _, v := range p.Env {
		if q, ok := quote(v.Value.Value); ok && wants(v.Name) {
			words = append(words, "export "+v.Name+"="+q)
		}
	}
	for _, s := range p.prelude {
		if to, ok := strings.CutPrefix(s, "cd "); ok {
			dir = to
		}
	}
	if q, ok := quote(p.Dir); ok && p.Dir != "" && q != dir && p.Dir != dir {
		words = append(words, "cd "+q)
	}
	text := p.Text
	if p.OnFail > 0 {
		text = "{ " + text + " || exit " + strconv.Itoa(p.OnFail) + "; }"
	}
	return strings.Join(append(words, text), " && ")
}

// writeCommand writes a command whose words are all known.
func writeCommand(name shell.Word, args []shell.Word, assigns []shell.Assign, redirects []shell.Redirect) (string, bool) {
	var out []string
	for _, a := range assigns {
		v, ok := a.Value.Literal()
		if !ok {
			return "", false
		}
		q, ok := quote(v)
		if !ok {
			return "", false
		}
		out = append(out, a.Name+"="+q)
	}
	for _, w := range append([]shell.Word{name}, args...) {
		q, ok := writeWord(w)
		if !ok {
			return "", false
		}
		out = append(out, q)
	}
	for _, r := range redirects {
		target, ok := r.Target.Literal()
		if !ok || target != "/dev/null" && target != "1" && target != "2" {
			return "", false
		}
		out = append(out, r.FD+r.Op+target)
	}
	return strings.Join(out, " "), true
}

// writeWord writes a word that is known, or a pattern that is.
func writeWord(w shell.Word) (string, bool) {
	if !w.Known || w.Assumed {
		return "", false
	}
	if !w.Glob {
		if w.Splits {
			return "", false
		}
		return quote(w.Value)
	}
	var b strings.Builder
	for i := 0; i < len(w.Value); i++ {
		switch c := w.Value[i]; {
		case c == '\n':
			return "", false
		case c == '\\' && i+1 < len(w.Value):
			i++
			b.WriteString(`\` + string(w.Value[i]))
		case strings.IndexByte("*?[]!-", c) >= 0, c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("/._+,:@%=", c) >= 0, c >= 0x80:
			b.WriteByte(c)
		default:
			b.WriteString(`\` + string(c))
		}
	}
	return b.String(), true
}

func quote(s string) (string, bool) {
	q, err := syntax.Quote(s, syntax.LangPOSIX)
	return q, err == nil
}
