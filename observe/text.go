package observe

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Leaves returns the script that a proposal isolates and that left a path last,
// or whose outputs have it; "" for none.
func (c *Chain) Leaves(p *Proposal, name string) string {
	for i := len(c.Scripts) - 1; i >= 0; i-- {
		if s := p.Scripts[i]; c.Scripts[i].effects.touched(name) {
			if s.Isolated() && !s.Declared {
				return s.Name
			}
			break
		}
	}
	for _, s := range p.Scripts {
		for _, o := range s.Outputs {
			if !s.Declared && matches(o, name) {
				return s.Name
			}
		}
	}
	return ""
}

// Withheld tells whether a path was left by a script whose declared outputs do not
// have it: somebody meant that.
func (c *Chain) Withheld(name string) bool {
	for i := len(c.Scripts) - 1; i >= 0; i-- {
		if s := c.Scripts[i]; s.effects.touched(name) {
			return s.Isolated() && !s.Auto && !slices.ContainsFunc(s.Outputs, func(o string) bool { return matches(o, name) })
		}
	}
	return false
}

// Write writes a proposal for people.
func (p *Proposal) Write(w io.Writer, c *Chain) error {
	var b strings.Builder
	findings := c.Check()
	for i, s := range p.Scripts {
		b.WriteString(s.Path + "\n")
		switch {
		case s.Cleanup:
			b.WriteString("  runs last, on the chain\n")
		case s.Declared:
			b.WriteString("  as declared\n")
		case s.Stays != "":
			fmt.Fprintf(&b, "  stays in the chain: %s\n", s.Stays)
			if s.Out != "" {
				fmt.Fprintf(&b, "  the way out: %s\n", s.Out)
			}
		}
		if !s.Declared {
			for _, need := range s.Why {
				fmt.Fprintf(&b, "  needs %s: it %s\n", need.On, need)
			}
			if s.Isolated() {
				fmt.Fprintf(&b, "  gives %s\n", s.gives())
			}
		}
		for _, f := range findings {
			if f.Script == s.Name && (s.Declared || f.Kind == UndeclaredInput || f.Kind == UnreadInput) {
				fmt.Fprintf(&b, "  %s: %s\n", f.Kind, f.Text)
			}
		}
		for _, what := range c.Scripts[i].Record.Unknown {
			fmt.Fprintf(&b, "  not observed: %s\n", what)
		}
	}
	before, after := len(p.Scripts), p.Depth()
	fmt.Fprintf(&b, "\n%d scripts, at most %d one after another", before, after)
	if p.changes() {
		b.WriteString(". Built so, the image is that of the chain, file by file.")
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// gives are a script's outputs, in words.
func (p Placed) gives() string {
	const most = 6
	if p.Auto {
		return "all that it leaves: " + some(p.Outputs, most)
	}
	return some(p.Outputs, most)
}

// WriteFindings writes findings for people and for editors, a line each.
func WriteFindings(w io.Writer, file string, findings []Finding) error {
	for _, f := range findings {
		place := file
		if f.At.Start.Line > 0 {
			place = fmt.Sprintf("%s:%d", file, f.At.Start.Line)
		}
		if _, err := fmt.Fprintf(w, "%s: %s\n", place, f); err != nil {
			return err
		}
	}
	return nil
}
