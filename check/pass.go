package check

import (
	"fmt"
	"iter"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// Pass is one rule at work.
type Pass struct {
	*Tree
	rule Rule
	out  *[]Finding
}

// At reports a finding in a file of the context, or in the build file.
func (p *Pass) At(file string, r spec.Range, format string, args ...any) {
	p.Report(false, file, r, format, args...)
}

// Report reports a finding in a file of the context, or in the build file; may says
// that it is a guess.
func (p *Pass) Report(may bool, file string, r spec.Range, format string, args ...any) {
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

// File reports a finding in the build file.
func (p *Pass) File(r spec.Range, format string, args ...any) {
	p.Report(false, p.Input.Graph.File, r, format, args...)
}

// MayFile reports a guess about the build file.
func (p *Pass) MayFile(r spec.Range, format string, args ...any) {
	p.Report(true, p.Input.Graph.File, r, format, args...)
}

// Advice says what to do, in the words of the file that is checked.
func (p *Pass) Advice(buildFile, dockerfile string) string {
	if p.Input.Dockerfile != nil {
		return dockerfile
	}
	return buildFile
}

// Inline tells whether a script is the text of a RUN.
func (p *Pass) Inline(s *shell.Script) bool {
	return p.Input.Dockerfile != nil && s.Path == p.Input.Graph.File
}

// Severe reports a finding that is an error where it is certain, and else what
// the rule's are.
func (p *Pass) Severe(certain bool, file string, r spec.Range, format string, args ...any) {
	p.Report(false, file, r, format, args...)
	if certain {
		(*p.out)[len(*p.out)-1].Severity = Error
	}
}

// Fix gives the finding that was reported last an edit that cures it.
func (p *Pass) Fix(r spec.Range, text string) {
	(*p.out)[len(*p.out)-1].Fix = &Fix{Range: r, Text: text}
}

// Behind is the place behind a position, with nothing in it.
func Behind(pos shell.Pos) spec.Range {
	return spec.Range{Start: spec.Position{Line: pos.Line, Column: pos.Column}, End: spec.Position{Line: pos.Line, Column: pos.Column - 1}}
}

// Call reports a finding at a command.
func (p *Pass) Call(s *shell.Script, c *shell.Call, format string, args ...any) {
	p.Report(false, s.Path, Span(c.Pos, c.End), format, args...)
}

// MayCall reports a guess at a command.
func (p *Pass) MayCall(s *shell.Script, c *shell.Call, format string, args ...any) {
	p.Report(true, s.Path, Span(c.Pos, c.End), format, args...)
}

// Word reports a finding at a word of a script.
func (p *Pass) Word(s *shell.Script, w shell.Word, format string, args ...any) {
	p.Report(false, s.Path, Span(w.Pos, w.End), format, args...)
}

// Span is a place in a script. A script's End is behind its last character.
func Span(pos, end shell.Pos) spec.Range {
	r := spec.Range{
		Start: spec.Position{Line: pos.Line, Column: pos.Column},
		End:   spec.Position{Line: end.Line, Column: max(1, end.Column-1)},
	}
	if r.End.Line < r.Start.Line || r.End.Line == r.Start.Line && r.End.Column < r.Start.Column {
		r.End = r.Start
	}
	return r
}

// SetupCalls are the commands that setup scripts run, as far as they are
// reached.
func (p *Pass) SetupCalls() iter.Seq2[*shell.Script, *shell.Call] { return Calls(p.Setup) }

// EntrypointCalls are the commands that entrypoint scripts run.
func (p *Pass) EntrypointCalls() iter.Seq2[*shell.Script, *shell.Call] { return Calls(p.Entrypoint) }

// AllCalls are those of both sides.
func (p *Pass) AllCalls() iter.Seq2[*shell.Script, *shell.Call] {
	return func(yield func(*shell.Script, *shell.Call) bool) {
		for _, side := range [][]*Unit{p.Setup, p.Entrypoint} {
			for s, c := range Calls(side) {
				if !yield(s, c) {
					return
				}
			}
		}
	}
}

// Calls are the commands of programs that may run.
func Calls(units []*Unit) iter.Seq2[*shell.Script, *shell.Call] {
	return func(yield func(*shell.Script, *shell.Call) bool) {
		for _, u := range units {
			for s, c := range u.Calls() {
				if !yield(s, c) {
					return
				}
			}
		}
	}
}

// Calls are the commands of one program that may run.
func (u *Unit) Calls() iter.Seq2[*shell.Script, *shell.Call] {
	return func(yield func(*shell.Script, *shell.Call) bool) {
		for _, s := range u.Scripts {
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

// Assigns are all assignments of one program, with those in front of a
// command.
func (u *Unit) Assigns() iter.Seq2[*shell.Script, *shell.Assign] {
	return func(yield func(*shell.Script, *shell.Assign) bool) {
		for _, s := range u.Scripts {
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

// Units are the programs of both sides.
func (p *Pass) Units() iter.Seq[*Unit] {
	return func(yield func(*Unit) bool) {
		for _, side := range [][]*Unit{p.Setup, p.Entrypoint} {
			for _, u := range side {
				if !yield(u) {
					return
				}
			}
		}
	}
}
