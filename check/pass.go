package check

import (
	"fmt"
	"iter"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// pass is one rule at work.
type pass struct {
	*tree
	rule Rule
	out  *[]Finding
}

// at reports a finding in a file of the context, or in the build file.
func (p *pass) at(file string, r spec.Range, format string, args ...any) {
	p.report(false, file, r, format, args...)
}

func (p *pass) report(may bool, file string, r spec.Range, format string, args ...any) {
	if r == (spec.Range{}) {
		r.Start = spec.Position{Line: 1, Column: 1}
	}
	if r.End.Line < r.Start.Line {
		r.End = r.Start
	}
	f := Finding{
		Rule:        p.rule.Name,
		Severity:    p.rule.Severity,
		Description: p.rule.Description,
		File:        file,
		Range:       r,
		Message:     fmt.Sprintf(format, args...),
	}
	if may {
		f.Severity = Note
	}
	*p.out = append(*p.out, f)
}

// file reports a finding in the build file.
func (p *pass) file(r spec.Range, format string, args ...any) {
	p.report(false, p.in.Graph.File, r, format, args...)
}

// mayFile reports a guess about the build file.
func (p *pass) mayFile(r spec.Range, format string, args ...any) {
	p.report(true, p.in.Graph.File, r, format, args...)
}

// how says what to do, in the words of the file that is checked.
func (p *pass) how(buildFile, dockerfile string) string {
	if p.in.dockerfile != nil {
		return dockerfile
	}
	return buildFile
}

// inline tells whether a script is the text of a RUN.
func (p *pass) inline(s *shell.Script) bool {
	return p.in.dockerfile != nil && s.Path == p.in.Graph.File
}

// severe reports a finding that is an error where it is certain, and else what
// the rule's are.
func (p *pass) severe(certain bool, file string, r spec.Range, format string, args ...any) {
	p.report(false, file, r, format, args...)
	if certain {
		(*p.out)[len(*p.out)-1].Severity = Error
	}
}

// fix gives the finding that was reported last an edit that cures it.
func (p *pass) fix(r spec.Range, text string) {
	(*p.out)[len(*p.out)-1].Fix = &Fix{Range: r, Text: text}
}

// behind is the place behind a position, with nothing in it.
func behind(pos shell.Pos) spec.Range {
	return spec.Range{Start: spec.Position{Line: pos.Line, Column: pos.Column}, End: spec.Position{Line: pos.Line, Column: pos.Column - 1}}
}

// call reports a finding at a command.
func (p *pass) call(s *shell.Script, c *shell.Call, format string, args ...any) {
	p.report(false, s.Path, span(c.Pos, c.End), format, args...)
}

// mayCall reports a guess at a command.
func (p *pass) mayCall(s *shell.Script, c *shell.Call, format string, args ...any) {
	p.report(true, s.Path, span(c.Pos, c.End), format, args...)
}

// word reports a finding at a word of a script.
func (p *pass) word(s *shell.Script, w shell.Word, format string, args ...any) {
	p.report(false, s.Path, span(w.Pos, w.End), format, args...)
}

// span is a place in a script. A script's End is behind its last character.
func span(pos, end shell.Pos) spec.Range {
	r := spec.Range{
		Start: spec.Position{Line: pos.Line, Column: pos.Column},
		End:   spec.Position{Line: end.Line, Column: max(1, end.Column-1)},
	}
	if r.End.Line < r.Start.Line || r.End.Line == r.Start.Line && r.End.Column < r.Start.Column {
		r.End = r.Start
	}
	return r
}

// setupCalls are the commands that setup scripts run, as far as they are
// reached.
func (p *pass) setupCalls() iter.Seq2[*shell.Script, *shell.Call] { return calls(p.setup) }

// entrypointCalls are the commands that entrypoint scripts run.
func (p *pass) entrypointCalls() iter.Seq2[*shell.Script, *shell.Call] { return calls(p.entrypoint) }

// allCalls are those of both sides.
func (p *pass) allCalls() iter.Seq2[*shell.Script, *shell.Call] {
	return func(yield func(*shell.Script, *shell.Call) bool) {
		for _, side := range [][]*unit{p.setup, p.entrypoint} {
			for s, c := range calls(side) {
				if !yield(s, c) {
					return
				}
			}
		}
	}
}

func calls(units []*unit) iter.Seq2[*shell.Script, *shell.Call] {
	return func(yield func(*shell.Script, *shell.Call) bool) {
		for _, u := range units {
			for s, c := range u.calls() {
				if !yield(s, c) {
					return
				}
			}
		}
	}
}

// calls are the commands of one program that may run.
func (u *unit) calls() iter.Seq2[*shell.Script, *shell.Call] {
	return func(yield func(*shell.Script, *shell.Call) bool) {
		for _, s := range u.scripts {
			for _, c := range s.Calls {
				if c.Unreached || shell.Never(c.Guards) {
					continue
				}
				if !yield(s, c) {
					return
				}
			}
		}
	}
}

// assigns are all assignments of one program, with those in front of a
// command.
func (u *unit) assigns() iter.Seq2[*shell.Script, *shell.Assign] {
	return func(yield func(*shell.Script, *shell.Assign) bool) {
		for _, s := range u.scripts {
			for i := range s.Assigns {
				if !yield(s, &s.Assigns[i]) {
					return
				}
			}
			for _, c := range s.Calls {
				for i := range c.Assigns {
					if !yield(s, &c.Assigns[i]) {
						return
					}
				}
			}
		}
	}
}

// units are the programs of both sides.
func (p *pass) units() iter.Seq[*unit] {
	return func(yield func(*unit) bool) {
		for _, side := range [][]*unit{p.setup, p.entrypoint} {
			for _, u := range side {
				if !yield(u) {
					return
				}
			}
		}
	}
}
