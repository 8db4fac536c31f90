package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/graph"
)

// Outcome is what a build did, as it was measured.
type Outcome struct {
	// Ran has how long each step took that ran, by its node's id.
	Ran map[string]time.Duration
	// Layers are those of the exported image, lowest first; nil where nobody
	// could tell.
	Layers []Layer
	// Pushed tells that they are in the registry already.
	Pushed bool
	// Failed tells that the build ended before it had looked at all steps.
	Failed bool
}

// Summary says in one line what a build did: setup, entrypoint, and what there
// is to push. All numbers were measured, in this build or in the one that last
// ran a step; what nobody has measured is left out.
func (p *Plan) Summary(before *Record, o Outcome) string {
	parts := []string{p.setupSummary(o), p.entrypointSummary(o), layerSummary(before, o)}
	var out []string
	for _, text := range parts {
		if text != "" {
			out = append(out, text)
		}
	}
	return strings.Join(out, " · ")
}

func (p *Plan) setupSummary(o Outcome) string {
	var all, ran int
	var took, saved time.Duration
	var causes []string
	for i := range p.Steps {
		s := &p.Steps[i]
		if !isSetup(s.State) || s.Vertex == "" || s.Kind == KindOutputs || s.Kind == KindSquash {
			continue
		}
		all++
		d, did := o.Ran[s.Node]
		if !did {
			saved += time.Duration(s.Seconds * float64(time.Second))
			continue
		}
		ran++
		took += d
		if own := s.own(); own != "" && own != neverBuilt && s.Cache != Unknown {
			causes = append(causes, s.Title+": "+own)
		}
	}
	savings := ""
	if saved >= time.Second {
		savings = ", saved ~" + Duration(saved)
	}
	switch {
	case all == 0:
		return ""
	case ran == 0:
		return fmt.Sprintf("setup cached (%s%s)", count(all, "step"), savings)
	case ran == all:
		return fmt.Sprintf("setup built (%s, %s)", count(all, "step"), Duration(took)) + because(causes)
	}
	return fmt.Sprintf("setup: %d of %s ran (%s%s)", ran, count(all, "step"), Duration(took), savings) + because(causes)
}

func (p *Plan) entrypointSummary(o Outcome) string {
	var all, ran int
	var causes, others []string
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.State != graph.EntrypointState {
			continue
		}
		all++
		if _, did := o.Ran[s.Node]; !did {
			continue
		}
		ran++
		for _, c := range s.Causes {
			switch {
			case c.Node != "": // a Dockerfile's copies lie on one another, and on setup
				others = append(others, c.Text)
			case c.Kind == "file":
				if text := path.Base(c.Name) + strings.TrimPrefix(c.Text, c.Name); !slices.Contains(causes, text) { // it may be copied twice
					causes = append(causes, text)
				}
			case c.Text != neverBuilt && s.Cache != Unknown:
				causes = append(causes, c.Text)
			}
		}
	}
	if len(causes) == 0 && len(others) > 0 {
		causes = others[:1]
	}
	switch {
	case all == 0:
		return ""
	case ran == 0:
		return "entrypoint cached"
	case len(causes) == 0:
		return "entrypoint built"
	}
	return "entrypoint rebuilt" + because(causes)
}

func because(causes []string) string {
	if len(causes) == 0 {
		return ""
	}
	return ": " + few(causes)
}

func layerSummary(before *Record, o Outcome) string {
	if o.Layers == nil {
		return ""
	}
	had := map[string]bool{}
	if before != nil {
		for _, l := range before.Layers {
			had[l.Digest] = true
		}
	}
	n, size := 0, int64(0)
	for _, l := range o.Layers {
		if !had[l.Digest] {
			n++
			size += l.Size
		}
	}
	switch {
	case n == 0:
		return "no new layer"
	case len(had) == 0:
		return fmt.Sprintf("%s, %s", count(n, "layer"), Size(size))
	case o.Pushed:
		return fmt.Sprintf("%s, %s", count(n, "new layer"), Size(size))
	}
	return fmt.Sprintf("%s, %s to push", count(n, "layer"), Size(size))
}
