package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/frontend"
	pgllb "github.com/pgstrata/pgstrata/llb"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/worktree"
)

// errFindings makes the exit status 1, as docker buildx build --check does.
var errFindings = errors.New("the check found something")

func newCheckCommand() *cobra.Command {
	var (
		file, format string
		buildArgs    []string
	)
	cmd := &cobra.Command{
		Use:   "check [OPTIONS] [PATH]",
		Short: "Check a build file, or a Dockerfile, and its scripts, without a daemon",
		Example: `  pgstrata check .
  pgstrata check --format sarif . >check.sarif`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := contextOf(args)
			t, err := openTree(dir, file)
			if err != nil {
				return err
			}
			defer t.Close()
			findings, err := t.check(cmd.Context(), dir, arguments(buildArgs))
			if err != nil {
				return errors.Join(t.writeError(cmd.OutOrStdout(), format, err), err)
			}
			for _, note := range t.notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "pgstrata:", note)
			}
			if err := t.write(cmd.OutOrStdout(), format, findings); err != nil {
				return err
			}
			if len(findings) > 0 {
				return errFindings
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", fileUsage)
	cmd.Flags().StringVar(&format, "format", "text", "output format: text, json (as docker's --call=check,format=json) or sarif")
	cmd.Flags().StringArrayVar(&buildArgs, "build-arg", nil, "build argument as NAME=VALUE")
	return cmd
}

func arguments(list []string) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		name, value, _ := strings.Cut(a, "=")
		out[name] = value
	}
	return out
}

// tree is a build context on disk, without what .dockerignore excludes. No
// symbolic link leads out of it.
type tree struct {
	name  string
	text  []byte
	root  *os.Root
	files fs.FS
	// ignored are .dockerignore's patterns, exclude the same to match with.
	ignored []string
	exclude *patternmatcher.PatternMatcher
	// notes are what a check says beside its findings.
	notes []string
}

func openTree(dir, file string) (*tree, error) {
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
	exclude, err := patternmatcher.New(ignored)
	if err != nil {
		return nil, fmt.Errorf(".dockerignore: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("build context: %w", err)
	}
	return &tree{name: filepath.Base(file), text: text, root: root, files: root.FS(), ignored: ignored, exclude: exclude}, nil
}

// check checks the build file, or Dockerfile, of a context in dir.
func (t *tree) check(ctx context.Context, dir string, buildArgs map[string]string) ([]check.Finding, error) {
	kind, err := dockerfile.Detect(t.name, t.text)
	if err != nil {
		return nil, err
	}
	if kind == dockerfile.Dockerfile {
		build := frontend.Offline{
			Name: t.name, Data: t.text, Exclude: t.ignored, Options: map[string]string{"filename": t.name},
			Context: func(_, _ []string) (fs.FS, error) { return t, nil },
		}
		for name, value := range buildArgs {
			build.Options["build-arg:"+name] = value
		}
		return build.CheckDockerfile(ctx)
	}
	in, err := frontend.ReadTree(t.name, t.text, t, buildArgs)
	if err != nil {
		return nil, t.locate(err)
	}
	t.notes = unused(in.File.Undeclared(spec.Options{BuildArgs: buildArgs, Predefined: frontend.OwnArgs(buildArgs)}))
	in.Changes = changes(ctx, dir)
	return check.Run(in), nil
}

// Close lets go of the directory.
func (t *tree) Close() error { return t.root.Close() }

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	if t.excludes(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return t.files.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.files, name)
	out := entries[:0]
	for _, e := range entries {
		if e.IsDir() || !t.excludes(filepath.ToSlash(filepath.Join(name, e.Name()))) {
			out = append(out, e)
		}
	}
	return out, err
}

// Lstat implements fs.ReadLinkFS.
func (t *tree) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(t.files, name) }

// ReadLink implements fs.ReadLinkFS.
func (t *tree) ReadLink(name string) (string, error) { return fs.ReadLink(t.files, name) }

// excludes tells whether .dockerignore keeps a file out. A directory may hold
// exceptions, so it is never kept out by itself.
func (t *tree) excludes(name string) bool {
	out, err := t.exclude.MatchesOrParentMatches(name)
	if err != nil || !out {
		return false
	}
	info, err := fs.Stat(t.files, name)
	return err != nil || !info.IsDir()
}

func (t *tree) source(name string) *pb.SourceInfo {
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
func (t *tree) locate(err error) error {
	mistakes := spec.AsErrors(err)
	for i := len(mistakes) - 1; i >= 0; i-- {
		if at := mistakes[i].At; at != (spec.Range{}) {
			err = errdefs.WithSource(err, &errdefs.Source{Info: t.source(t.name), Ranges: []*pb.Range{pgllb.Range(at)}})
		}
	}
	return err
}

func (t *tree) write(w io.Writer, format string, findings []check.Finding) error {
	results := frontend.LintResults(findings, t.name, t.source)
	encode := json.NewEncoder(w)
	encode.SetIndent("", "  ")
	switch format {
	case "json":
		return encode.Encode(results)
	case "sarif":
		return encode.Encode(newSARIF(findings))
	case "text":
		if len(findings) == 0 {
			_, err := fmt.Fprintln(w, "Check complete, no warnings found.")
			return err
		}
		return results.PrintTo(w, nil)
	}
	return fmt.Errorf("--format %s: must be text, json or sarif", format)
}

// writeError writes why nothing could be checked, for programs that read the
// report. People read it on standard error.
func (t *tree) writeError(w io.Writer, format string, failure error) error {
	if format == "text" {
		return nil
	}
	findings := t.mistakes(failure)
	if format == "sarif" {
		return t.write(w, format, findings)
	}
	results := frontend.LintResults(nil, t.name, t.source)
	results.Error = &lint.BuildError{Message: failure.Error()}
	for _, f := range findings {
		results.Error.Location.Ranges = append(results.Error.Location.Ranges, pgllb.Range(f.Range))
	}
	encode := json.NewEncoder(w)
	encode.SetIndent("", "  ")
	return encode.Encode(results)
}

// mistakes are an error as findings: those of a build file each at its place,
// any other at the lines that it points at.
func (t *tree) mistakes(failure error) []check.Finding {
	finding := func(at spec.Range, message string) check.Finding {
		if at.Start.Line == 0 {
			at.Start = spec.Position{Line: 1, Column: 1}
			at.End = at.Start
		}
		return check.Finding{Rule: mistakeRule, Severity: check.Error, File: t.name, Range: at, Message: message}
	}
	var out []check.Finding
	for _, m := range spec.AsErrors(failure) {
		out = append(out, finding(m.At, m.Msg))
	}
	if len(out) > 0 {
		return out
	}
	var at spec.Range
	for _, source := range errdefs.Sources(failure) {
		for _, r := range source.Ranges {
			at.Start = spec.Position{Line: int(r.GetStart().GetLine()), Column: 1}
			at.End = spec.Position{Line: int(r.GetEnd().GetLine()), Column: 1}
		}
	}
	return []check.Finding{finding(at, failure.Error())}
}

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
	for _, warning := range warnings {
		fmt.Fprintf(w, "\nWARNING: %s\n", warning.Short)
		for _, d := range warning.Detail {
			fmt.Fprintf(w, "%s\n", d)
		}
		if warning.URL != "" {
			fmt.Fprintf(w, "%s\n", warning.URL)
		}
		if warning.SourceInfo != nil {
			_ = (&errdefs.Source{Info: warning.SourceInfo, Ranges: warning.Range}).Print(w) // standard error: there is nowhere to say that it failed
		}
	}
}
