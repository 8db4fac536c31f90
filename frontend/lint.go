package frontend

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// lint answers docker buildx build --check. Nothing is built for it.
func (r *request) lint(ctx context.Context) (*lint.LintResults, error) {
	inputs, err := r.read(ctx)
	if mistakes := spec.AsErrors(err); len(mistakes) > 0 {
		results := LintResults(nil, "", func(string) *pb.SourceInfo { return r.sourceInfo() })
		results.Error = &lint.BuildError{Message: err.Error()}
		for _, m := range mistakes {
			results.Error.Location.Ranges = append(results.Error.Location.Ranges, r.pbLocation(m.At).Ranges...)
		}
		return results, nil
	}
	if err != nil {
		return nil, err
	}
	in := inputs[0]
	config, err := r.lintConfig()
	if err != nil {
		return nil, err
	}
	findings := certain(rules.Run(r.checkInput(in, config)))
	results := LintResults(findings, in.graph.File, func(name string) *pb.SourceInfo { return r.infoOf(in, name) })
	results.Error = violation(config, findings)
	return results, nil
}

// violation is what ends a check whose configuration takes findings for errors,
// in BuildKit's words; nil where there is none.
func violation(config *linter.Config, findings []check.Finding) *lint.BuildError {
	if !config.ReturnAsError || len(findings) == 0 {
		return nil
	}
	var rules []string
	for _, f := range findings {
		rules = append(rules, f.Rule)
	}
	slices.Sort(rules)
	return &lint.BuildError{Message: "lint violation found for rules: " + strings.Join(slices.Compact(rules), ", ")}
}

// certain are the findings that docker shows: it takes each for a warning, and
// has no word for what may be.
func certain(findings []check.Finding) []check.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f check.Finding) bool { return f.Severity == check.Note })
}

// LintResults are findings as docker prints them. The first source is the
// build file; scripts follow.
func LintResults(findings []check.Finding, file string, source func(name string) *pb.SourceInfo) *lint.LintResults {
	// Never nil, which JSON would call null.
	out := &lint.LintResults{Warnings: []lint.Warning{}, Sources: []*pb.SourceInfo{source(file)}}
	sources := map[string]int32{file: 0}
	for _, f := range findings {
		index, ok := sources[f.File]
		if !ok {
			index = int32(len(out.Sources)) //nolint:gosec // there are never so many files
			sources[f.File] = index
			out.Sources = append(out.Sources, source(f.File))
		}
		detail := f.Message
		if f.File != file { // buildx prints the build file's name over every excerpt
			detail = fmt.Sprintf("%s:%d: %s", f.File, f.Range.Start.Line, f.Message)
		}
		out.Warnings = append(out.Warnings, lint.Warning{
			RuleName:    f.Rule,
			Description: f.Description,
			URL:         f.Page(),
			Detail:      detail,
			Location:    &pb.Location{SourceIndex: index, Ranges: []*pb.Range{compile.Range(f.Range)}},
		})
	}
	return out
}

// ReadTree reads a build file and its context for a check without a daemon.
func ReadTree(name string, text []byte, files fs.FS, buildArgs map[string]string) (check.Input, error) {
	var in check.Input
	p := platforms.DefaultSpec()
	opt := spec.Options{BuildArgs: buildArgs, Predefined: predefined(p, p, "", buildArgs)}
	f, err := spec.Load(name, text, opt)
	if err != nil {
		return in, err
	}
	if err := f.Discover(files); err != nil {
		return in, err
	}
	g, err := graph.New(f, files, graph.Options{Platform: platforms.Format(p), Predefined: opt.Predefined, Now: time.Now()})
	if err != nil {
		return in, err
	}
	config, err := check.ParseConfig(text, nil)
	return check.Input{File: f, Text: text, Graph: g, Context: files, Config: config}, err
}

// lintConfig is what the build file and the client say of rules.
func (r *request) lintConfig() (*linter.Config, error) {
	config, err := check.ParseConfig(r.source.Data, r.client.LinterConfig)
	return config, errors.Wrap(err, "# check=")
}

func (r *request) checkInput(in input, config *linter.Config) check.Input {
	return check.Input{
		File:    in.file,
		Text:    r.source.Data,
		Graph:   in.graph,
		Context: in.files,
		Config:  config,
	}
}

// warnFindings warns of what the rules find before anything is built. Errors
// among the findings, and all of them where the build file wants that, end the
// build.
func (r *request) warnFindings(ctx context.Context, in input) (*check.Checker, error) {
	config, err := r.lintConfig()
	if err != nil {
		return nil, err
	}
	reading := rules.Read(r.checkInput(in, config))
	return reading, r.report(ctx, in, reading.Run(), config)
}

// report warns of findings, and returns those that end the build. Of notes, it
// tells how many there are.
func (r *request) report(ctx context.Context, in input, findings []check.Finding, config *linter.Config) error {
	var fatal []check.Finding
	notes := 0
	for _, f := range findings {
		if f.Severity == check.Note {
			notes++
			continue
		}
		if f.Severity == check.Error || config.ReturnAsError {
			fatal = append(fatal, f)
			continue
		}
		r.source.Warn(ctx, fmt.Sprintf("%s: %s (%s:%d)", f.Rule, f.Message, f.File, f.Range.Start.Line), client.WarnOpts{
			Level:      1,
			SourceInfo: r.infoOf(in, f.File),
			Range:      []*pb.Range{compile.Range(f.Range)},
			Detail:     [][]byte{[]byte(f.Description)},
			URL:        check.URL(f.Rule),
		})
	}
	if notes > 0 {
		r.source.Warn(ctx, fmt.Sprintf("%d more that may be nothing; pgstrata check shows them", notes), client.WarnOpts{Level: 1})
	}
	return r.failure(in, fatal)
}

// failure is an error that shows the places of all findings, or nil.
func (r *request) failure(in input, findings []check.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	var lines []string
	for _, f := range findings {
		lines = append(lines, f.String()+" ("+check.URL(f.Rule)+")")
	}
	err := errors.New(strings.Join(lines, "\n"))
	for i := min(len(findings), maxExcerpts) - 1; i >= 0; i-- { // the client prints the outermost excerpt first
		err = errdefs.WithSource(err, &errdefs.Source{
			Info:   r.infoOf(in, findings[i].File),
			Ranges: []*pb.Range{compile.Range(findings[i].Range)},
		})
	}
	return err
}

// infoOf is a file as messages show it: the build file, or one of the context.
func (r *request) infoOf(in input, name string) *pb.SourceInfo {
	if name == in.graph.File {
		return r.sourceInfo()
	}
	data, _ := in.files.ReadFile(name) // rules have read it already
	return &pb.SourceInfo{Filename: name, Language: "sh", Data: data}
}
