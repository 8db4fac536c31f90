package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/terminal"
	"github.com/pgstrata/pgstrata/worktree"
)

// errFindings makes the exit status 1, as docker buildx build --check does.
var errFindings = errors.New("the check found something")

func newCheckCommand() *cobra.Command {
	var (
		c         checkRun
		file      string
		buildArgs []string
	)
	cmd := &cobra.Command{
		Use:   "check [OPTIONS] [PATH]",
		Short: "Check a build file, or a Dockerfile, and its scripts, without a daemon",
		Long: `Check a build file, or a Dockerfile, and its scripts, without a daemon.

An error is sure to fail, or unsafe; a warning is certain, and costs something; a
note is for what may be. The exit status is 1 where there is a warning or worse,
as with docker buildx build --check; --fail-on asks for another line. A build
file that cannot be read is an error like others, in each format.

Of a Dockerfile, text and json also tell what a build makes of it: which scripts
are steps, and why others are not.

Where a cure is mechanical, --fix shows it as a diff, and then edits the files.`,
		Example: `  pgstrata check .
  pgstrata check --fix .
  pgstrata check --fail-on error --format sarif . >check.sarif`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := contextOf(args)
			t, err := openTree(dir, file)
			if err != nil {
				c.buildContext = &buildContext{name: filepath.Base(cmp.Or(file, dockerui.DefaultDockerfileName))}
				return c.unreadable(cmd.OutOrStdout(), err)
			}
			c.buildContext, c.args = t, arguments(buildArgs)
			return c.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", fileUsage)
	cmd.Flags().StringVar(&c.format, "format", "text", "output format: text, json (as docker's --call=check,format=json) or sarif")
	cmd.Flags().StringVar(&c.failOn, "fail-on", "warning", "what makes the exit status 1: error, warning or never")
	cmd.Flags().BoolVar(&c.fix, "fix", false, "apply the cures that are mechanical, shown as a diff first")
	cmd.Flags().StringArrayVar(&buildArgs, "build-arg", nil, "build argument as NAME=VALUE")
	return cmd
}

// buildContext is a build context on disk, with its build file.
type buildContext struct {
	*worktree.Tree
	dir string
	// name is the build file's, file its path, text what it holds.
	name, file string
	text       []byte
	// ignored are .dockerignore's patterns.
	ignored []string
	// notes are what a check says beside its findings, decisions what a build makes of
	// a Dockerfile's instructions.
	notes     []string
	decisions []dockerfile.Decision
}

// checkRun is one run of check.
type checkRun struct {
	*buildContext
	args           map[string]string
	format, failOn string
	fix            bool
}

func (c *checkRun) run(ctx context.Context, w, stderr io.Writer) error {
	if !slices.Contains([]string{"text", "json", "sarif"}, c.format) {
		return fmt.Errorf("--format %s: must be text, json or sarif", c.format)
	}
	if !slices.Contains([]string{"error", "warning", "never"}, c.failOn) {
		return fmt.Errorf("--fail-on %s: must be error, warning or never", c.failOn)
	}
	if c.fix && c.format != "text" {
		return fmt.Errorf("--fix: has nothing to say as %s", c.format)
	}
	findings, err := c.check(ctx, c.args)
	if err != nil {
		return c.unreadable(w, err)
	}
	for _, note := range c.notes {
		fmt.Fprintln(stderr, "pgstrata:", note)
	}
	if c.fix {
		fixed, err := c.applyFixes(w, findings)
		if err != nil {
			return err
		}
		findings = slices.DeleteFunc(findings, func(f check.Finding) bool { return slices.Contains(fixed, f.Fix) && f.Fix != nil })
	}
	if err := c.write(w, findings, nil); err != nil {
		return err
	}
	if slices.ContainsFunc(findings, c.fails) {
		return errFindings
	}
	return nil
}

// unreadable writes that the build file cannot be read, where a program reads it,
// and returns the error.
func (c *checkRun) unreadable(w io.Writer, err error) error {
	if c.format == "json" || c.format == "sarif" {
		if err := c.write(w, c.broken(err), err); err != nil {
			return err
		}
	}
	return err
}

// fails tells whether a finding makes the exit status 1.
func (c *checkRun) fails(f check.Finding) bool {
	switch c.failOn {
	case "error":
		return f.Severity == check.Error
	case "warning":
		return f.Severity != check.Note
	}
	return false
}

// broken are the mistakes for which a build file cannot be read, as findings.
func (c *checkRun) broken(err error) []check.Finding {
	finding := func(message string, at spec.Range) check.Finding {
		if at.Start.Line == 0 {
			at = spec.Range{Start: spec.Position{Line: 1, Column: 1}, End: spec.Position{Line: 1, Column: 1}}
		}
		return check.Finding{
			Rule: mistakeRule, Severity: check.Error, Description: "The build file can be read.", File: c.name, Range: at, Message: message,
			URL: "https://github.com/pgstrata/pgstrata/blob/main/docs/build-file.md",
		}
	}
	var out []check.Finding
	for _, m := range spec.AsErrors(err) {
		out = append(out, finding(m.Msg, m.At))
	}
	if len(out) > 0 {
		return out
	}
	var at spec.Range
	for _, s := range errdefs.Sources(err) {
		if s.Info.GetFilename() == c.name && len(s.Ranges) > 0 {
			at = spec.Range{
				Start: spec.Position{Line: int(s.Ranges[0].GetStart().GetLine()), Column: 1},
				End:   spec.Position{Line: int(s.Ranges[0].GetEnd().GetLine()), Column: 1},
			}
		}
	}
	var mistake *dockerfile.Error
	if at.Start.Line == 0 && errors.As(err, &mistake) {
		at = spec.Range{Start: spec.Position{Line: mistake.Start, Column: 1}, End: spec.Position{Line: mistake.End, Column: 1}}
	}
	return []check.Finding{finding(err.Error(), at)}
}

// offline is the build without a daemon.
func (t *buildContext) offline(buildArgs map[string]string) frontend.Offline {
	build := frontend.Offline{
		Name: t.name, Data: t.text, Exclude: t.ignored, Options: map[string]string{"filename": t.name},
		Context: func(_, _ []string) (fs.FS, error) { return t, nil },
	}
	for name, value := range buildArgs {
		build.Options["build-arg:"+name] = value
	}
	return build
}

func arguments(list []string) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		name, value, _ := strings.Cut(a, "=")
		out[name] = value
	}
	return out
}

func openTree(dir, file string) (*buildContext, error) {
	file, err := findBuildFile(dir, file)
	if err != nil {
		return nil, err
	}
	context, beside, err := sources(dir, file)
	if err != nil {
		return nil, err
	}
	text, err := worktree.Read(beside, filepath.Base(file))
	if err != nil {
		return nil, fmt.Errorf("build file: %w", err)
	}
	ignored, err := worktree.Ignored(context, beside, filepath.Base(file))
	if err != nil {
		return nil, err
	}
	tree, err := worktree.New(context, worktree.Filter{Exclude: ignored})
	if err != nil {
		return nil, fmt.Errorf("build context %s: %w", dir, err)
	}
	return &buildContext{Tree: tree, dir: dir, name: filepath.Base(file), file: file, text: text, ignored: ignored}, nil
}

// check checks the build file, or Dockerfile.
func (t *buildContext) check(ctx context.Context, buildArgs map[string]string) ([]check.Finding, error) {
	kind, err := dockerfile.Detect(t.name, t.text)
	if err != nil {
		return nil, err
	}
	predefined := frontend.OwnArgs(buildArgs)
	if kind == dockerfile.Dockerfile {
		if f, err := dockerfile.Parse(t.name, t.text); err == nil { // else the check says so
			t.notes = unused(spec.Unconsumed(f.ArgNames(), buildArgs, predefined))
		}
		var findings []check.Finding
		findings, t.decisions, err = t.offline(buildArgs).CheckDockerfile(ctx)
		return findings, err
	}
	in, err := frontend.ReadTree(t.name, t.text, t, buildArgs)
	if err != nil {
		return nil, t.locate(err)
	}
	t.notes = unused(in.File.Undeclared(spec.Options{BuildArgs: buildArgs, Predefined: predefined}))
	in.Changes = changes(ctx, t.dir)
	return rules.Run(in), nil
}

func (t *buildContext) source(name string) *pb.SourceInfo {
	if name == t.name {
		language := "yaml"
		if kind, err := dockerfile.Detect(t.name, t.text); err == nil && kind == dockerfile.Dockerfile {
			language = "Dockerfile"
		}
		return &pb.SourceInfo{Filename: name, Language: language, Data: t.text}
	}
	data, _ := fs.ReadFile(t, name) // the rules have read it
	return &pb.SourceInfo{Filename: name, Language: "sh", Data: data}
}

// locate adds the places of mistakes, for main to print.
func (t *buildContext) locate(err error) error { return frontend.Locate(err, t.source(t.name)) }

// changes counts how often each file changed, where git knows it.
func changes(ctx context.Context, dir string) map[string]int {
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "log", "-1000", "--no-merges", "--relative", "--name-only", "--format=", "--", ".").Output() //nolint:gosec // a directory
	if err != nil {
		return nil
	}
	counts := map[string]int{}
	for name := range strings.Lines(string(out)) {
		if name = strings.TrimSpace(name); name != "" {
			counts[name]++
		}
	}
	return counts
}

// printWarnings writes what a build warned of: message, page, place.
func printWarnings(w io.Writer, warnings []client.VertexWarning) {
	style := terminal.Of(w)
	for _, warning := range warnings {
		fmt.Fprintf(w, "\n%s: %s\n", style.Paint(terminal.Yellow, "WARNING"), style.Wrap(string(warning.Short), 0))
		for _, d := range warning.Detail {
			fmt.Fprintln(w, style.Wrap(string(d), 0))
		}
		if warning.URL != "" {
			fmt.Fprintf(w, "%s\n", warning.URL)
		}
		if warning.SourceInfo != nil {
			_ = (&errdefs.Source{Info: warning.SourceInfo, Ranges: warning.Range}).Print(w) // standard error: there is nowhere to say that it failed
		}
	}
}
