package rules

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/spec"
)

func syntaxNotFirst() check.Rule {
	return check.Rule{
		Name:        "SyntaxNotFirst",
		Severity:    check.Warning,
		Description: "`# syntax=` stands where builders look for it: in the first lines, with nothing but directives before it.",
		Check:       checkSyntaxNotFirst,
		Dockerfile:  checkSyntaxNotFirst,
	}
}

func checkSyntaxNotFirst(p *check.Pass) {
	if _, _, _, ok := parser.DetectSyntax(p.Input.Text); ok {
		return
	}
	for number, line := range check.TextLines(p.Input.Text) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok {
			continue
		}
		key, _, ok := strings.Cut(comment, "=")
		if ok && strings.EqualFold(strings.TrimSpace(key), "syntax") {
			column := 1 + strings.Index(line, "#")
			p.File(spec.Range{
				Start: spec.Position{Line: number, Column: column},
				End:   spec.Position{Line: number, Column: len(line)},
			}, "builders do not see this line%s; make it the first line", p.Advice(", and would read the file as a Dockerfile", ""))
			return
		}
	}
}
