package main

import (
	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/spec"
)

// sarif is a report in the Static Analysis Results Interchange Format 2.1.0,
// as far as code scanning services read it.
type sarif struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name           string      `json:"name"`
	InformationURI string      `json:"informationUri"`
	Rules          []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string       `json:"id"`
	ShortDescription sarifMessage `json:"shortDescription"`
	HelpURI          string       `json:"helpUri"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	Level     string          `json:"level"`
	Message   sarifMessage    `json:"message"`
	Locations []sarifLocation `json:"locations"`
	Fixes     []sarifFix      `json:"fixes,omitempty"`
}

type sarifFix struct {
	Description sarifMessage  `json:"description"`
	Changes     []sarifChange `json:"artifactChanges"`
}

type sarifChange struct {
	Artifact     sarifArtifact      `json:"artifactLocation"`
	Replacements []sarifReplacement `json:"replacements"`
}

type sarifReplacement struct {
	Deleted  sarifRegion  `json:"deletedRegion"`
	Inserted sarifMessage `json:"insertedContent"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   sarifRegion   `json:"region"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
	EndLine     int `json:"endLine,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"`
}

// mistakeRule is the rule of what cannot be built at all.
const mistakeRule = "Mistake"

func newSARIF(findings []check.Finding) sarif {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "pgstrata", InformationURI: "https://github.com/pgstrata/pgstrata"}
	for _, r := range rules.All() {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{r.Name, sarifMessage{r.Description}, r.URL()})
	}
	run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{mistakeRule, sarifMessage{"the build file, or the Dockerfile, cannot be built"}, check.URL("")})
	for _, f := range findings {
		region := regionOf(f.Range)
		result := sarifResult{
			RuleID:    f.Rule,
			Level:     string(f.Severity),
			Message:   sarifMessage{f.Message},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{f.File}, region}}},
		}
		if f.Fix != nil {
			result.Fixes = []sarifFix{{sarifMessage{"Replace it"}, []sarifChange{{sarifArtifact{f.File}, []sarifReplacement{{regionOf(f.Fix.Range), sarifMessage{f.Fix.Text}}}}}}}
		}
		run.Results = append(run.Results, result)
	}
	return sarif{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	}
}

// regionOf is a place as SARIF has it: its end is behind the last character.
func regionOf(r spec.Range) sarifRegion {
	return sarifRegion{StartLine: r.Start.Line, StartColumn: r.Start.Column, EndLine: r.End.Line, EndColumn: r.End.Column + 1}
}
