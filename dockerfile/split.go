package dockerfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// runText is the shell text of a RUN instruction; ok is false where a shell of
// the image does not read it.
func runText(c *instructions.RunCommand) (string, bool) {
	if !c.PrependShell {
		var words []string
		for _, w := range c.CmdLine {
			q, ok := quote(w)
			if !ok {
				return "", false
			}
			words = append(words, q)
		}
		return strings.Join(words, " "), true
	}
	if len(c.CmdLine) != 1 {
		return "", false
	}
	if len(c.Files) == 0 {
		return c.CmdLine[0], true
	}
	if h := parser.MustParseHeredoc(c.CmdLine[0]); h != nil {
		data := c.Files[0].Data
		if c.Files[0].Chomp {
			data = parser.ChompHeredocContent(data)
		}
		return data, !strings.HasPrefix(data, "#!")
	}
	var b strings.Builder
	b.WriteString(c.CmdLine[0])
	for _, f := range c.Files {
		b.WriteString("\n" + f.Data + f.Name)
	}
	return b.String(), true
}

// lineReader is a RUN line that is taken apart at the scripts that it runs.
type lineReader struct {
	*dividing
	facts   *Facts
	out     []Part
	drivers []string
	scripts int // that the line itself runs
}

// split takes a RUN line apart that runs several scripts, or one that runs
// others: a part for each of them. It returns no parts where there is no such
// script. The error says why a line that has one stays whole.
func (r *rootfs) split(text string, sc *Scope, f *Facts) (parts []Part, name string, err error) {
	if f.Program == nil {
		return nil, "", nil
	}
	decides := map[*shell.Program]bool{f.Program: true} // which steps there are
	scripts := 0
	for i := range f.Program.Children {
		c := &f.Program.Children[i]
		sub := drives(f.Program, c)
		switch {
		case sub != nil:
			scripts, name, decides[sub] = scripts+2, driverName(c), true
		case c.InContext && !c.Glob && c.From == f.Program.Main.Path && r.files[c.Absolute] != nil:
			scripts++
		}
	}
	if scripts < 2 {
		return nil, "", nil
	}
	for _, o := range f.opaque {
		if o.of == nil || decides[o.of] {
			return nil, first(name, "the line"), o.why
		}
	}
	s := &lineReader{dividing: r.dividing(text, sc, f), facts: f}
	if err := s.line(); err != nil {
		return nil, first(name, "the line"), err
	}
	switch {
	case name != "" && len(s.drivers) == 0:
		return nil, name, cannot(moreThanRun, name)
	case len(s.drivers) == 0:
		if s.scripts < 2 {
			return nil, "", nil
		}
		if err := separable(f.Program.Programs); err != nil {
			return nil, "the line", err
		}
		s.drivers = []string{fmt.Sprintf("a line of %d scripts", s.scripts)}
	}
	return s.out, strings.Join(s.drivers, ", "), nil
}

// drives returns the program of a child that runs at least two scripts; nil for
// any other.
func drives(p *shell.Program, c *shell.Child) *shell.Program {
	if c.Glob || !c.InContext {
		return nil
	}
	sub := programAt(p, c.Path)
	if sub == nil {
		return nil
	}
	n := 0
	for i := range sub.Children {
		if ch := &sub.Children[i]; !shell.Never(ch.Guards) {
			n++
			if ch.Glob || ch.Absolute == "" && repeats(ch.Guards) {
				n++
			}
		}
	}
	if n < 2 {
		return nil
	}
	return sub
}

func (s *lineReader) line() error {
	if s.dividing == nil {
		return cannot(noChain)
	}
	from := 0
	for i := range s.commands {
		c := s.childAt(s.commands[i].stmt)
		if c == nil {
			continue
		}
		sub := drives(s.program, c)
		if sub == nil && (s.root.files[c.Absolute] == nil || c.Glob) {
			continue
		}
		if i > 0 && s.together[i-1] || i < len(s.commands)-1 && s.together[i] {
			return cannot(sharesState)
		}
		s.flush(span{from, i})
		from = i + 1
		if sub == nil {
			s.out = append(s.out, Part{Text: s.commands[i].text, prelude: s.prelude(i), starts: []string{s.dirs[i]}, Child: c})
			s.scripts++
			continue
		}
		parts, err := s.driver(c, sub)
		if err != nil {
			return err
		}
		for _, p := range parts {
			p.prelude, p.of, p.starts = append(s.prelude(i), p.prelude...), sub, []string{c.Dir, p.Dir}
			s.out = append(s.out, p)
		}
		s.drivers = append(s.drivers, driverName(c))
	}
	s.flush(span{from, len(s.commands)})
	return nil
}

// driver are the parts of a driver that the line runs.
func (s *lineReader) driver(c *shell.Child, sub *shell.Program) ([]Part, error) {
	if f := s.root.files[c.Absolute]; c.Interpreter == "" && f != nil && f.Mode&0o111 == 0 && !f.executable && !s.facts.Touched.Cover(c.Absolute) {
		return nil, cannot(notExecutable, driverName(c))
	}
	if c.Interpreter == "" && (sub.Main.Shebang.Line == "" || sub.Main.CRLF.Line == 1) {
		return nil, cannot(noInterpreter, driverName(c)+":1")
	}
	parts, err := driver(sub, c, s.others(sub), s.root, s.scope)
	if err != nil {
		return nil, err
	}
	if len(c.Redirects) > 0 || len(c.Wrappers) > 0 || c.Pipe.Stages > 0 || c.Dir == "" {
		return nil, cannot(moreThanRun, driverName(c))
	}
	return parts, nil
}

// others are the programs of all scripts but one.
func (s *lineReader) others(driver *shell.Program) []*shell.Program {
	return slices.DeleteFunc(slices.Clone(s.program.Programs), func(p *shell.Program) bool { return p == driver })
}

// childAt returns the script that a command is, when it is nothing more.
func (s *lineReader) childAt(stmt *syntax.Stmt) *shell.Child {
	if _, ok := stmt.Cmd.(*syntax.CallExpr); !ok {
		return nil
	}
	from, to := positions(stmt)
	for i := range s.program.Children {
		c := &s.program.Children[i]
		if c.From == s.program.Main.Path && !c.Pos.Before(from) && c.Pos.Before(to) {
			return c
		}
	}
	return nil
}

// flush makes a part of commands that stay together.
func (s *lineReader) flush(of span) {
	if of.from < of.to && !slices.ContainsFunc(s.commands[of.from:of.to], func(one link) bool { return !one.state }) {
		return // they hold for what follows
	}
	if of.from < of.to {
		s.out = append(s.out, Part{Text: s.text(of), starts: []string{s.dirs[of.from]}})
	}
}
