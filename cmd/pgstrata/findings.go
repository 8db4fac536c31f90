package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/terminal"
)

// write writes findings in the wanted format; broken is why the build file
// cannot be read, nil where it can.
func (c *checkRun) write(w io.Writer, findings []check.Finding, broken error) error {
	encode := json.NewEncoder(w)
	encode.SetIndent("", "  ")
	switch c.format {
	case "json":
		return encode.Encode(c.json(findings, broken))
	case "sarif":
		return encode.Encode(newSARIF(findings))
	}
	if err := writeFindings(w, findings, c.source); err != nil {
		return err
	}
	return c.writeDecisions(w)
}

// writeDecisions writes what a build makes of a Dockerfile, for people.
func (c *checkRun) writeDecisions(w io.Writer) error {
	if len(c.decisions) == 0 {
		return nil
	}
	text := "\nWhat a build makes of it:\n"
	for _, d := range c.decisions {
		text += terminal.Of(w).Wrap(fmt.Sprintf("%s:%d: %s", c.name, d.Line, d.Text), 2) + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}

// jsonResults are those of docker's --call=check,format=json, with a level and
// a fix for each, and what a build makes of a Dockerfile.
type jsonResults struct {
	*lint.LintResults
	Warnings  []jsonWarning  `json:"warnings"`
	Decisions []jsonDecision `json:"decisions,omitempty"`
}

type jsonDecision struct {
	Line int                     `json:"line"`
	Kind dockerfile.DecisionKind `json:"kind"`
	Text string                  `json:"text"`
}

type jsonWarning struct {
	lint.Warning
	// Level is error, warning or note.
	Level check.Severity `json:"level"`
	Fix   *jsonFix       `json:"fix,omitempty"`
}

type jsonFix struct {
	Range *pb.Range `json:"range"`
	Text  string    `json:"text"`
}

func (c *checkRun) json(findings []check.Finding, broken error) jsonResults {
	out := jsonResults{LintResults: frontend.LintResults(findings, c.name, c.source), Warnings: []jsonWarning{}}
	if broken != nil {
		out.Error = &lint.BuildError{Message: broken.Error()}
		for _, f := range findings {
			out.Error.Location.Ranges = append(out.Error.Location.Ranges, compile.Range(f.Range))
		}
		out.LintResults.Warnings = nil
		return out
	}
	for _, d := range c.decisions {
		out.Decisions = append(out.Decisions, jsonDecision(d))
	}
	for i, f := range findings {
		one := jsonWarning{Warning: out.LintResults.Warnings[i], Level: f.Severity}
		if f.Fix != nil {
			one.Fix = &jsonFix{compile.Range(f.Fix.Range), f.Fix.Text}
		}
		out.Warnings = append(out.Warnings, one)
	}
	return out
}

// writeFindings writes findings for people.
func writeFindings(w io.Writer, findings []check.Finding, source func(name string) *pb.SourceInfo) error {
	if len(findings) == 0 {
		_, err := fmt.Fprintln(w, "Check complete, no warnings found.")
		return err
	}
	style := terminal.Of(w)
	counts := map[check.Severity]int{}
	for _, f := range findings {
		counts[f.Severity]++
		head := strings.ToUpper(string(f.Severity)) + ": " + f.Rule
		if _, err := fmt.Fprintf(w, "%s - %s\n%s\n", style.Paint(color(f.Severity), head), f.Page(), style.Wrap(f.Message, 0)); err != nil {
			return err
		}
		excerpt := errdefs.Source{Info: source(f.File), Ranges: []*pb.Range{compile.Range(f.Range)}}
		if err := excerpt.Print(w); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, summary(counts))
	return err
}

// summary counts findings: 1 error, 2 warnings.
func summary(counts map[check.Severity]int) string {
	var out []string
	for _, s := range []check.Severity{check.Error, check.Warning, check.Note} {
		switch n := counts[s]; n {
		case 0:
		case 1:
			out = append(out, "1 "+string(s))
		default:
			out = append(out, fmt.Sprintf("%d %ss", n, s))
		}
	}
	return strings.Join(out, ", ")
}

// color is that of a finding's severity.
func color(s check.Severity) terminal.Color {
	switch s {
	case check.Error:
		return terminal.Red
	case check.Warning:
		return terminal.Yellow
	default:
		return terminal.Cyan
	}
}
