package main

import "github.com/pgstrata/pgstrata/check"

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
	for _, r := range check.Rules() {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{r.Name, sarifMessage{r.Description}, r.URL()})
	}
	run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{mistakeRule, sarifMessage{"the build file, or the Dockerfile, cannot be built"}, check.URL("")})
	for _, f := range findings {
		region := sarifRegion{
			StartLine:   f.Range.Start.Line,
			StartColumn: f.Range.Start.Column,
			EndLine:     f.Range.End.Line,
			EndColumn:   f.Range.End.Column + 1, // SARIF's is behind the last character
		}
		run.Results = append(run.Results, sarifResult{
			RuleID:    f.Rule,
			Level:     string(f.Severity),
			Message:   sarifMessage{f.Message},
			Locations: []sarifLocation{{sarifPhysical{sarifArtifact{f.File}, region}}},
		})
	}
	return sarif{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	}
}
