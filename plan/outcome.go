package plan

import "strings"

// WithOutcome returns the plan as it came out: what ran is no hit, whatever was
// expected of it, and what did not run is one. The build has then answered what
// was conditional. Of a build that failed, steps that did not run stay as they
// were planned: nobody looked at them.
func (p *Plan) WithOutcome(record *Record, o Outcome) *Plan {
	out := *p
	out.Steps = make([]Step, 0, len(p.Steps))
	for _, s := range p.Steps {
		_, ran := o.Ran[s.Node]
		if s.Vertex == "" { // it is there for its layers, and is what these are
			if n := record.Node(s.Node); n != nil && !o.Failed {
				for _, e := range n.Edges {
					on := out.Step(e.Node)
					ran = ran || on != nil && on.Cache != Hit
				}
			}
		}
		if ran || !o.Failed {
			s = s.withOutcome(ran)
			s.Causes = out.held(s.Causes)
		}
		out.Steps = append(out.Steps, s)
	}
	return &out
}

// held drops, from several causes, the steps that came out as hits.
func (p *Plan) held(causes []Cause) []Cause {
	var out []Cause
	for _, c := range causes {
		if on := p.Step(c.Node); on == nil || on.Cache != Hit {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return causes
	}
	return out
}

// withOutcome is the step after a build in which it ran, or did not.
func (s Step) withOutcome(ran bool) Step {
	switch {
	case ran && s.Cache == Unknown, ran && s.Cache == Hit && s.Vertex != "":
		s.Cache = Miss
		s.Causes = []Cause{{Kind: "cache", Text: "it was not in the daemon's cache"}}
	case ran && s.Cache == Conditional:
		s.Cache = Invalidated
		causes := make([]Cause, 0, len(s.Causes))
		for _, c := range s.Causes {
			c.Text = happened(c.Text)
			causes = append(causes, c)
		}
		s.Causes = causes
	case ran:
	case s.Cache == Conditional:
		s.Cache = Hit
		s.Causes = []Cause{{Kind: string(Content), Text: "what it is made from came out the same"}}
	case s.Cache == Unknown && s.Vertex != "":
		s.Cache = Hit
		s.Causes = []Cause{{Kind: "cache", Text: "it was in the daemon's cache"}}
	case s.Cache != Hit && s.Vertex != "":
		s.Cache = Hit
		s.Causes = []Cause{{Kind: "cache", Text: "it was in the daemon's cache all the same"}}
	}
	return s
}

// happened turns a condition into what came to pass.
func happened(text string) string {
	text, ok := strings.CutPrefix(text, "if ")
	switch {
	case !ok:
		return text
	case strings.HasSuffix(text, " change"):
		return text + "d"
	case strings.HasSuffix(text, " changes"):
		return strings.TrimSuffix(text, "s") + "d"
	}
	return text
}
