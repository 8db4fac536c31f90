package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/tonistiigi/fsutil"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/terminal"
	"github.com/pgstrata/pgstrata/worktree"
)

func newPlanCommand() *cobra.Command {
	var (
		o options
		p planOptions
	)
	cmd := &cobra.Command{
		Use:   "plan [OPTIONS] [PATH]",
		Short: "Tell what a build would run again, and why, building nothing",
		Long: `Tell what a build would run again, and why, building nothing.

The working tree is compared with what was built last, by pgstrata build or by
docker buildx build with the frontend image; with --since, as if a git revision
had been built last; with --change, as if it were built as it is, and the file
were edited then.

No daemon is asked, unless docker buildx has built the tree since the last plan:
then the builder is asked what that build was made from.`,
		Example: `  pgstrata plan .
  pgstrata plan --since HEAD~3 .
  pgstrata plan --change entrypoint.d/entrypoint.sh .
  pgstrata plan --build-arg POSTGRESQL_VERSION=16 --format json .`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.format != "text" && p.format != "json" {
				return fmt.Errorf("--format %s: must be text or json", p.format)
			}
			dir, err := o.context(args)
			if err != nil {
				return err
			}
			list, err := p.compare(cmd.Context(), &o, dir)
			if err != nil {
				return err
			}
			return p.write(cmd.OutOrStdout(), list)
		},
	}
	f := cmd.Flags()
	o.addInputFlags(f)
	p.addFlags(f)
	f.StringVar(&p.format, "format", "text", "text or json")
	return cmd
}

// planOptions are the flags that say what a build is compared with.
type planOptions struct {
	since   string
	changes []string
	format  string
}

func (p *planOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&p.since, "since", "", "compare with this git revision")
	f.StringArrayVar(&p.changes, "change", nil, "take this file of the context, or all in this folder, as changed")
}

// compared is the plan of one platform, and what it was made from.
type compared struct {
	plan          *plan.Plan
	before, after *plan.Record
}

// compare returns the plan of each platform.
func (p *planOptions) compare(ctx context.Context, o *options, dir string) ([]compared, error) {
	file := o.file
	now := time.Now()
	var (
		last  *history
		notes []string
	)
	if p.since == "" {
		var err error
		if last, notes, err = lastBuild(ctx, dir, file); err != nil {
			return nil, err
		}
	}
	context, beside, err := sources(dir, file)
	if err != nil {
		return nil, err
	}
	builds, err := last.after(o, context, beside, file, now)
	if err != nil {
		return nil, err
	}
	then, err := p.then(ctx, o, dir, file, now, last)
	if err != nil {
		return nil, err
	}
	var out []compared
	for i, b := range builds {
		record := last.record(b.Platform())
		c := comparison{planOptions: p, build: b, last: record}
		if then != nil {
			c.then = &then[i]
		}
		result, err := c.plan()
		if err != nil {
			return nil, err
		}
		if c.since() == "" {
			if record != nil {
				result.plan.Since = last.String()
			}
			result.plan.Notes = append(result.plan.Notes, notes...)
		}
		out = append(out, result)
	}
	return out, nil
}

// then resolves what the working tree is compared with, where that is not the
// last build: the revision, or the tree as it is. Build arguments are not taken
// for a part of it: they are for the build that is asked about.
func (p *planOptions) then(ctx context.Context, o *options, dir, file string, now time.Time, last *history) ([]frontend.Resolved, error) {
	if p.since == "" && len(p.changes) == 0 {
		return nil, nil
	}
	before := *o
	before.buildArgs = nil
	context, beside, err := sources(dir, file)
	if err != nil {
		return nil, err
	}
	if p.since != "" {
		if context, err = worktree.Revision(ctx, dir, p.since); err != nil {
			return nil, err
		}
		if beside, err = worktree.Revision(ctx, filepath.Dir(file), p.since); err != nil {
			return nil, err
		}
	}
	out, err := last.after(&before, context, beside, file, now)
	if err != nil && p.since != "" {
		err = fmt.Errorf("%s: %w", p.since, err)
	}
	return out, err
}

// comparison is one platform's.
type comparison struct {
	*planOptions
	build frontend.Resolved
	last  *plan.Record
	then  *frontend.Resolved
}

// since says what is compared with, "" for the last build.
func (c *comparison) since() string {
	if c.then != nil && c.planOptions.since == "" {
		return "the tree as it is"
	}
	return c.planOptions.since
}

func (c *comparison) plan() (compared, error) {
	git := c.planOptions.since != ""
	before := c.last
	if c.then != nil {
		was := *c.then
		was.Options.Git = git
		var err error
		if before, err = was.Record(); err != nil {
			return compared{}, err
		}
	}
	ignored := c.ignored()
	now := c.build
	now.Options.Git = git
	now.Options.Changed = func(name string) bool {
		return slices.ContainsFunc(c.changes, func(change string) bool {
			change = path.Clean(filepath.ToSlash(change))
			return paths.Within(name, change)
		})
	}
	after, err := now.Record()
	if err != nil {
		return compared{}, err
	}
	if c.last != nil && before != c.last {
		before.Took = c.last.Took // how long steps take is as true here
	}
	result := now.Compare(before, after)
	result.Since = c.since()
	result.Notes = slices.Concat(ignored, unused(now.Undeclared), c.unset())
	if c.last == nil && c.since() == "" {
		result.Notes = append(result.Notes, "no build of this context and build file is known, by pgstrata build or by docker buildx with the frontend image; --since compares with a git revision")
	}
	return compared{result, before, after}, nil
}

// ignored warns of changes that no build can see.
func (c *comparison) ignored() []string {
	var out []string
	for _, name := range c.changes {
		if _, err := fs.Stat(c.build.Context, path.Clean(filepath.ToSlash(name))); err != nil {
			out = append(out, name+" is not in the build context, or nothing in the build file can need it")
		}
	}
	return out
}

// unset warns of variables that a build would ask for in vain.
func (c *comparison) unset() []string {
	if c.build.File == nil {
		return nil
	}
	var out []string
	for _, f := range rules.ImageVariables(check.Input{File: c.build.File, Graph: c.build.Graph, Context: c.build.Context}) {
		out = append(out, fmt.Sprintf("%s:%d: %s", f.File, f.Range.Start.Line, f.Message))
	}
	return out
}

// unused warns of build arguments that do nothing.
func unused(undeclared []string) []string {
	if len(undeclared) == 0 {
		return nil
	}
	return []string{"build arguments that the build file does not declare: " + strings.Join(undeclared, ", ")}
}

// write writes plans in the wanted format.
func (p *planOptions) write(w io.Writer, list []compared) error {
	var plans []*plan.Plan
	for _, c := range list {
		plans = append(plans, c.plan)
	}
	if p.format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(plans)
	}
	for i, one := range plans {
		if len(plans) > 1 {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s:\n", one.Platform)
		}
		if err := one.Write(w, terminal.Of(w)); err != nil {
			return err
		}
	}
	return nil
}

// sources are the folders of the context and of the build file.
func sources(dir, file string) (context, beside worktree.Source, err error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, nil, fmt.Errorf("build context: there is no folder %s", dir)
	}
	if context, err = worktree.Dir(dir); err != nil {
		return nil, nil, fmt.Errorf("build context %s: %w", dir, err)
	}
	if beside, err = worktree.Dir(filepath.Dir(file)); err != nil {
		return nil, nil, fmt.Errorf("build file %s: %w", file, err)
	}
	return context, beside, nil
}

// without is a build of the sources without a daemon.
func (o *options) without(context, beside worktree.Source, file string, now time.Time) (*frontend.Offline, error) {
	name := filepath.Base(file)
	data, err := worktree.Read(beside, name)
	if err != nil {
		return nil, fmt.Errorf("build file: %w", err)
	}
	exclude, err := worktree.Ignored(context, beside, name)
	if err != nil {
		return nil, err
	}
	attrs, err := o.attributes(name, map[string]fsutil.FS{})
	if err != nil {
		return nil, err
	}
	locked, err := lockOf(beside, name)
	if err != nil {
		return nil, fmt.Errorf("lock file %s: %w", name+lock.Suffix, err)
	}
	observed, err := worktree.Read(beside, name+narrow.Suffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("record of the steps: %w", err)
	}
	return &frontend.Offline{
		Name: name, Data: data, Lock: locked, Observed: observed, Options: attrs, Now: now, Exclude: exclude,
		Context: func(globs, paths []string) (fs.FS, error) {
			return worktree.New(context, worktree.Filter{Exclude: exclude, Globs: globs, Paths: paths})
		},
	}, nil
}

// after resolves what would be built from the sources after a build that was
// recorded, by this version of the program.
func (h *history) after(o *options, context, beside worktree.Source, file string, now time.Time) ([]frontend.Resolved, error) {
	build, err := o.without(context, beside, file, now)
	if err != nil {
		return nil, err
	}
	build.Last = func(platform string) *plan.Record {
		if r := h.record(platform); r != nil && r.Format == plan.Format {
			return r
		}
		return nil
	}
	return build.Resolve()
}
