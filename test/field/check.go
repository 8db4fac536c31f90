package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"time"
)

type finding struct {
	Rule, Level, File, Text string
	Line                    int
}
type result struct {
	buildFile
	Err      string
	Took     float64
	Findings []finding
}

func check(program string, b buildFile) result {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "check", "--format", "sarif", "--file", b.path(), b.context())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	r := result{buildFile: b, Took: time.Since(start).Seconds()}
	var s struct {
		Runs []struct {
			Results []struct {
				RuleID    string
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if json.Unmarshal(out, &s) != nil {
		r.Err = stderr.String()
		if err != nil && r.Err == "" {
			r.Err = err.Error()
		}
		return r
	}
	for _, f := range s.Runs[0].Results {
		l := f.Locations[0].PhysicalLocation
		r.Findings = append(r.Findings, finding{f.RuleID, f.Level, l.ArtifactLocation.URI, f.Message.Text, l.Region.StartLine})
	}
	return r
}
