package frontend

import (
	"context"
	"io/fs"

	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/check"
	dockerfilecheck "github.com/pgstrata/pgstrata/check/dockerfile"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/spec"
)

// answerLint answers docker buildx build --check for a Dockerfile: BuildKit's own
// checks, and the rules that a Dockerfile has an answer for.
func (d *dockerfileBuild) answerLint(ctx context.Context) (*client.Result, error) {
	results, findings, err := d.lint(ctx)
	if err != nil {
		return nil, err
	}
	if results.Error == nil {
		config, err := d.lintConfig()
		if err != nil {
			return nil, err
		}
		findings = certain(findings)
		results = LintResults(findings, d.source.Filename, d.infoOf)
		results.Error = violation(config, findings)
	}
	return results.ToResult(nil)
}

// lint checks the Dockerfile. Where BuildKit cannot compile it, the results say
// so, and there are no findings.
func (d *dockerfileBuild) lint(ctx context.Context) (*lint.LintResults, []check.Finding, error) {
	skips, err := d.lintConfig()
	if err != nil {
		return nil, nil, err
	}
	rc, err := dockerui.NewClient(d.gateway)
	if err != nil {
		return nil, nil, err
	}
	all := *skips
	all.ReturnAsError = false // it would end the checks before ours have run
	rc.LinterConfig = &all
	config := rc.Config
	results, err := dockerfile2llb.DockerfileLint(ctx, d.source.Data, dockerfile2llb.ConvertOpt{
		Config: config, Client: rc, SourceMap: d.source.SourceMap, MetaResolver: d.gateway,
	})
	if err != nil || results.Error != nil {
		return results, nil, err
	}
	if err := d.read(ctx, false); err != nil {
		return nil, nil, err
	}
	opt := d.meaning(d.targets()[0])
	opt.Context = fs.FS(oneFile{}) // of a Dockerfile that copies nothing
	if d.tree != nil {
		opt.Context = d.tree
	}
	in, err := dockerfilecheck.Read(d.file, opt)
	if err != nil {
		return nil, nil, err
	}
	in.Config = skips
	return results, check.Merge(rules.Run(in), ownFindings(results, d.source.Filename), d.source.Filename), nil
}

// ownFindings are what BuildKit's own checks have found.
func ownFindings(results *lint.LintResults, file string) []check.Finding {
	var out []check.Finding
	for _, w := range results.Warnings {
		f := check.Finding{Rule: w.RuleName, Severity: check.Warning, Description: w.Description, URL: w.URL, File: file, Message: w.Detail}
		f.Range.Start = spec.Position{Line: 1, Column: 1}
		f.Range.End = f.Range.Start
		if list := w.Location.GetRanges(); len(list) > 0 {
			f.Range.Start, f.Range.End = position(list[0].Start), position(list[len(list)-1].End)
		}
		out = append(out, f)
	}
	return out
}

func position(p *pb.Position) spec.Position {
	return spec.Position{Line: int(p.GetLine()), Column: int(p.GetCharacter()) + 1}
}

// infoOf is a file as messages show it: the Dockerfile, or one of the context.
func (d *dockerfileBuild) infoOf(name string) *pb.SourceInfo {
	if name == d.source.Filename || d.tree == nil {
		return d.sourceInfo()
	}
	data, _ := d.tree.ReadFile(name) // rules have read it already
	return &pb.SourceInfo{Filename: name, Language: "sh", Data: data}
}

// CheckDockerfile checks a Dockerfile without a daemon, as docker buildx build
// --check does with one. It also returns what a build makes of the instructions.
func (o Offline) CheckDockerfile(ctx context.Context) (_ []check.Finding, _ []dockerfile.Decision, err error) {
	defer recovered(&err)
	r, err := newRequest(ctx, &offlineClient{of: &o, options: o.Options})
	if err != nil {
		return nil, nil, err
	}
	f, err := dockerfile.Parse(o.Name, o.Data)
	if err != nil {
		return nil, nil, r.located(err)
	}
	d := &dockerfileBuild{request: r, file: f}
	results, findings, err := d.lint(ctx)
	if err == nil && results.Error != nil {
		err = errdefs.WithSource(errors.New(results.Error.Message), &errdefs.Source{Info: d.sourceInfo(), Ranges: results.Error.Location.Ranges})
	}
	return findings, d.decisions(0), err
}
