package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
)

// partCauses says what differs between two lists of parts.
func partCauses(before, after []Part) []Cause {
	var out []Cause
	id := func(p Part) string { return p.Kind + "\x00" + p.Name }
	index := func(list []Part) map[string][]Part {
		m := map[string][]Part{}
		for _, p := range list {
			m[id(p)] = append(m[id(p)], p)
		}
		return m
	}
	had, have := index(before), index(after)
	done := map[string]bool{}
	for _, p := range slices.Concat(after, before) {
		key := id(p)
		if done[key] {
			continue
		}
		done[key] = true
		b, a := had[key], have[key]
		if slices.Equal(a, b) || isModeOf(p, had, have) {
			continue
		}
		out = append(out, partCause(p, value(b), value(a), len(b) > 0, len(a) > 0))
	}
	// That is all of a step in one, and of no use where something else says it.
	if rest := slices.DeleteFunc(slices.Clone(out), func(c Cause) bool { return c.Kind == "operation" }); len(rest) > 0 {
		return rest
	}
	if len(out) == 0 && !slices.Equal(counted(before), counted(after)) {
		out = append(out, Cause{Kind: "order", Text: "order changed"})
	}
	return out
}

// counted are the parts that the daemon looks at.
func counted(list []Part) []Part {
	return slices.DeleteFunc(slices.Clone(list), func(p Part) bool { return p.Silent })
}

// isModeOf tells whether a part is the mode, target or source of a file that came
// or went: the file says it.
func isModeOf(p Part, had, have map[string][]Part) bool {
	if p.Kind != "mode" && p.Kind != "target" && p.Kind != "source" {
		return false
	}
	for _, kind := range []string{"file", "directory"} {
		key := kind + "\x00" + p.Name
		if (len(had[key]) > 0) != (len(have[key]) > 0) {
			return true
		}
	}
	return false
}

func value(list []Part) string {
	var out []string
	for _, p := range list {
		out = append(out, p.Value)
	}
	return strings.Join(out, " ")
}

// partCause words the change of one part.
func partCause(p Part, before, after string, had, have bool) Cause {
	c := Cause{Kind: p.Kind, Name: p.Name}
	what := p.Kind
	switch p.Kind {
	case "file", "link", "directory":
		what = p.Name
	case "mode":
		what = "mode of " + p.Name
	case "document": // that comes along with a step
		what = p.Name
		if strings.HasSuffix(what, ".sh") {
			what = "pgstrata's own " + what
		}
	case "operation":
		what = "what it does"
	case "target":
		what = "place of " + p.Name
	case "period":
		what = "fresh since"
	default:
		if p.Name != "" {
			what += " " + p.Name
		}
	}
	switch {
	case !had:
		c.After = readable(p, after)
		c.Text = what + " is new"
		if p.Kind == "arg" || p.Kind == "env" || p.Kind == "label" || p.Kind == "setting" {
			c.Text += ": " + quoted(after)
		}
	case !have:
		c.Before = readable(p, before)
		c.Text = what + " is gone"
	default:
		c.Before, c.After = readable(p, before), readable(p, after)
		c.Text = what + " changed"
		if c.Before != c.After {
			c.Text = what + " " + quoted(c.Before) + " → " + quoted(c.After)
		}
	}
	return c
}

// readable is a value as a person reads it: a digest of a file says nothing.
func readable(p Part, value string) string {
	switch p.Kind {
	case "file", "files", "layers", "document", "copy", "operation":
		return ""
	}
	if strings.HasPrefix(value, "sha256:") {
		return shortDigest(value)
	}
	const most = 60
	if r := []rune(value); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return value
}

func shortDigest(d string) string {
	const most = len("sha256:") + 12
	return d[:min(len(d), most)]
}

func quoted(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// edgeText words a dependency on a node that is, or may be, built again.
func edgeText(e Edge, other *Node, state Cache) string {
	name := other.Title
	switch {
	case e.How == Content && other.Kind == KindVersions:
		return "if the archive has other " + name
	case e.How == Directories:
		return "if the " + name + " change"
	case e.How == Content && (other.Kind == KindLayer || other.Kind == KindSquash):
		return "if " + name + " changes"
	case e.How == Content && other.Kind == KindOutputs:
		return "if the outputs of " + needed(other.ID) + " change"
	case e.How == Content:
		return "if the files that " + name + " makes change"
	case e.How == Needs && state == Conditional:
		return "if the outputs of " + needed(other.ID) + " change"
	case e.How == Needs:
		return "needs " + needed(other.ID)
	case state == Conditional:
		return "if " + name + " changes"
	}
	switch other.Kind {
	case KindFiles:
		return name + " copied again"
	case KindScript, KindModes:
		return "runs after " + name
	}
	return "runs on " + name
}

// needed is the name of the script whose outputs a node holds.
func needed(id string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(id, graph.SetupState+"/"), "/outputs")
	return name
}

// Why joins a step's causes in a line, its own first; "" for a hit.
func (s *Step) Why() string {
	var own, needs, others []string
	for _, c := range s.Causes {
		switch {
		case c.Node == "":
			own = append(own, c.Text)
		case c.Kind == string(Needs) && (c.Text == "needs "+needed(c.Node) || strings.HasPrefix(c.Text, "if ")):
			needs = append(needs, needed(c.Node))
		default:
			others = append(others, c.Text)
		}
	}
	var out []string
	if len(own) > 0 {
		out = append(out, few(own))
	}
	switch {
	case len(needs) > 0 && s.Cache == Conditional:
		out = append(out, "if the outputs of "+few(needs)+" change")
	case len(needs) > 0:
		out = append(out, "needs "+few(needs))
	}
	return strings.Join(append(out, others...), ", ")
}

// own joins the causes that are no other node's.
func (s *Step) own() string {
	var out []string
	for _, c := range s.Causes {
		if c.Node == "" {
			out = append(out, c.Text)
		}
	}
	return few(out)
}

// few joins the first of a list: the JSON has them all.
func few(list []string) string {
	const most = 3
	more := ""
	if n := len(list) - most; n > 0 {
		list, more = list[:most], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(list, ", ") + more
}
