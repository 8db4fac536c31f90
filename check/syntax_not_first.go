package check

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/pgstrata/pgstrata/spec"
)

func syntaxNotFirst() Rule {
	return Rule{
		Name:        "SyntaxNotFirst",
		Severity:    Warning,
		Description: "`# syntax=` stands where builders look for it: in the first lines, with nothing but directives before it.",
		check:       checkSyntaxNotFirst,
		dockerfile:  checkSyntaxNotFirst,
	}
}

func checkSyntaxNotFirst(p *pass) {
	if _, _, _, ok := parser.DetectSyntax(p.in.Text); ok {
		return
	}
	for number, line := range textLines(p.in.Text) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !ok {
			continue
		}
		key, _, ok := strings.Cut(comment, "=")
		if ok && strings.EqualFold(strings.TrimSpace(key), "syntax") {
			column := 1 + strings.Index(line, "#")
			p.file(spec.Range{
				Start: spec.Position{Line: number, Column: column},
				End:   spec.Position{Line: number, Column: len(line)},
			}, "builders do not see this line%s; make it the first line", p.how(", and would read the file as a Dockerfile", ""))
			return
		}
	}
}
