package check

import (
	"bufio"
	"bytes"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/util/suggest"

	"github.com/pgstrata/pgstrata/spec"
)

// marker starts an allowance, in a comment:
//
//	# pgstrata: allow=Rule,Other because of this
const marker = "pgstrata: allow="

// ParseConfig reads the build file's `# check=skip=Rule;error=true`. What the
// command line says, if it says anything, counts in its place.
func ParseConfig(text []byte, commandLine *linter.Config) (*linter.Config, error) {
	if commandLine != nil {
		return commandLine, nil
	}
	options, _, _, _ := parser.ParseDirective("check", text)
	return linter.ParseLintOptions(options)
}

func skipped(c *linter.Config, name string) bool {
	return c != nil && (c.SkipAll || slices.Contains(c.SkipRules, name))
}

// allowance is one rule that a comment allows at one line.
type allowance struct {
	file string
	rule string
	// at is the comment's place, line the line that it speaks of.
	at     spec.Range
	line   int
	reason string
	used   bool
}

// allow takes out what comments allow, and reports comments that allow
// nothing, as far as their rules are judged here.
func (t *Tree) allow(list []Finding, judged map[string]bool) []Finding {
	allowances := t.allowances()
	list = slices.DeleteFunc(list, func(f Finding) bool {
		allowed := false
		for _, a := range allowances[f.File] {
			if a.rule == f.Rule && a.line >= f.Range.Start.Line && a.line <= max(f.Range.Start.Line, f.Range.End.Line) {
				a.used, allowed = true, true
			}
		}
		return allowed
	})
	rule := UnusedAllowance()
	if skipped(t.Input.Config, rule.Name) {
		return list
	}
	p := &Pass{Tree: t, rule: rule, out: &list}
	for file, own := range allowances {
		for _, a := range own {
			p.judge(file, a, judged)
		}
	}
	return list
}

func (p *Pass) judge(file string, a *allowance, judged map[string]bool) {
	var names []string
	for _, r := range p.rules {
		names = append(names, r.Name)
	}
	text := p.Input.Setup == nil // Run tells what Contract need not repeat
	switch {
	case text && !slices.Contains(names, a.rule):
		hint := ""
		if s, ok := suggest.Search(a.rule, names, true); ok {
			hint = "; did you mean " + s + "?"
		}
		p.At(file, a.at, "no rule is called %q%s", a.rule, hint)
	case !a.used && judged[a.rule]:
		p.At(file, a.at, "nothing here is found by %s; remove the comment", a.rule)
	case text && a.reason == "":
		p.At(file, a.at, "%s is allowed without a reason; write it behind the rule's name", a.rule)
	}
}

// allowances reads the comments of every file that a finding can be in.
func (t *Tree) allowances() map[string][]*allowance {
	out := map[string][]*allowance{}
	add := func(name string, data []byte) {
		out[name] = nil
		if bytes.Contains(data, []byte(marker)) {
			out[name] = readAllowances(name, data)
		}
	}
	add(t.Input.Graph.File, t.Input.Text)
	for _, side := range [][]*Unit{t.Setup, t.Entrypoint} {
		for _, u := range side {
			for _, s := range u.Scripts {
				if _, seen := out[s.Path]; !seen {
					add(s.Path, t.Text(s.Path))
				}
			}
		}
	}
	for f := range t.Input.EntrypointFiles() {
		add(f.Source, t.Text(f.Source))
	}
	return out
}

func readAllowances(file string, data []byte) []*allowance {
	var out, waiting []*allowance
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		code, comment, found := strings.Cut(line, "#")
		onlyComment := strings.TrimSpace(code) == "" && found
		if !onlyComment && strings.TrimSpace(line) != "" {
			for _, a := range waiting {
				a.line = number
			}
			waiting = nil
		}
		_, rest, ok := strings.Cut(comment, marker)
		if !ok {
			continue
		}
		rules, reason, _ := strings.Cut(rest, " ")
		column := 1 + strings.Index(line, marker)
		for name := range strings.SplitSeq(rules, ",") {
			at := spec.Range{
				Start: spec.Position{Line: number, Column: column},
				End:   spec.Position{Line: number, Column: column + len(marker) + len(rules) - 1},
			}
			a := &allowance{file: file, rule: strings.TrimSpace(name), at: at, line: number, reason: strings.TrimSpace(reason)}
			out = append(out, a)
			if onlyComment {
				waiting = append(waiting, a)
			}
		}
	}
	return out
}

// UnusedAllowance is judged by Run itself, once all others are through.
func UnusedAllowance() Rule {
	return Rule{
		Name:        "UnusedAllowance",
		Severity:    Warning,
		Description: "A comment that allows a rule says why, and is removed when it allows nothing any more.",
	}
}
