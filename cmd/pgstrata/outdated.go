package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/worktree"
)

// errOutdated makes the exit status 3: something has moved.
var errOutdated = errors.New("something is outdated")

func newOutdatedCommand() *cobra.Command {
	var (
		o      options
		format string
	)
	cmd := &cobra.Command{
		Use:   "outdated [OPTIONS] [PATH]",
		Short: "Tell what of the lock file has moved, and what a refresh would run again",
		Long: `Tell what of the lock file has moved, and what a refresh would run again.

Base images, sources and packages are asked for by the daemon; the tags of git
repositories by git. A source with a checksum in the build file has moved where
its address has another file, or none. What a refresh costs is how long its steps
took when pgstrata build last ran them. The exit status is 0 where nothing has
moved, 3 where something has, and 1 for a failure.`,
		Example: `  pgstrata outdated .
  pgstrata outdated --format markdown . >body.md`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			write, ok := map[string]func(io.Writer, []outdated) error{"text": writeOutdated, "json": writeOutdatedJSON, "markdown": writeOutdatedMarkdown}[format]
			if !ok {
				return fmt.Errorf("--format %s: must be text, json or markdown", format)
			}
			dir, err := o.context(args)
			if err != nil {
				return err
			}
			list, err := o.outdated(cmd.Context(), dir)
			if err != nil {
				return err
			}
			if err := write(cmd.OutOrStdout(), list); err != nil {
				return err
			}
			if len(list) > 0 {
				return errOutdated
			}
			return nil
		},
	}
	o.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&format, "format", "text", "text, json or markdown")
	return cmd
}

// outdated is what has moved, and what it would cost to follow.
type outdated struct {
	frontend.Moved
	// Newer is a newer tag than the one that a source names: the build file has to
	// be edited for that.
	Newer string `json:"newer,omitempty"`
	// Runs are the steps that a refresh runs again, Perhaps those that it runs if
	// these make other files; Seconds is how long all of them took.
	Runs    []string `json:"runs"`
	Perhaps []string `json:"perhaps,omitempty"`
	Seconds float64  `json:"seconds,omitempty"`
}

// outdated asks what has moved.
func (o *options) outdated(ctx context.Context, dir string) ([]outdated, error) {
	opt, err := o.solveOpt(dir)
	if err != nil {
		return nil, err
	}
	answer, err := o.ask(ctx, opt, frontend.OutdatedRequest)
	if err != nil {
		return nil, err
	}
	var moved []frontend.Moved
	if err := json.Unmarshal(answer["result.json"], &moved); err != nil {
		return nil, err
	}
	r, err := o.refresh(dir)
	if err != nil {
		return nil, err
	}
	list := []outdated{}
	for _, m := range moved {
		list = append(list, outdated{Moved: m})
	}
	list = append(list, r.newer(ctx, moved)...)
	for i := range list {
		if err := r.cost(&list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// refresher knows what a build with another lock file would do.
type refresher struct {
	*options
	dir     string
	history *history
	locked  *lock.File
	// now are the builds as they are locked.
	now []frontend.Resolved
}

func (o *options) refresh(dir string) (*refresher, error) {
	r := &refresher{options: o, dir: dir}
	beside, err := worktree.Dir(filepath.Dir(o.file))
	if err != nil {
		return nil, err
	}
	if r.locked, err = lockOf(beside, filepath.Base(o.file)); err != nil {
		return nil, err
	}
	if r.history, err = readHistory(dir, o.file); err != nil {
		return nil, err
	}
	if r.locked == nil {
		r.locked = &lock.File{Sources: map[string]lock.Source{}}
	}
	r.now, err = r.builds(r.locked, nil)
	return r, err
}

// builds resolves what would be built with a lock file, and with an edit of the build
// file, which may be nil.
func (r *refresher) builds(locked *lock.File, edit *strings.Replacer) ([]frontend.Resolved, error) {
	context, beside, err := sources(r.dir, r.file)
	if err != nil {
		return nil, err
	}
	build, err := r.without(context, beside, r.file, time.Now())
	if err != nil {
		return nil, err
	}
	build.Lock = locked
	if edit != nil {
		build.Data = []byte(edit.Replace(string(build.Data)))
	}
	build.Last = r.history.record
	return build.Resolve()
}

// newer are sources whose repositories have newer tags than those that are named.
func (r *refresher) newer(ctx context.Context, moved []frontend.Moved) []outdated {
	var out []outdated
	for _, s := range r.now[0].Graph.Sources {
		if s.Git == "" || slices.ContainsFunc(moved, func(m frontend.Moved) bool { return m.Kind == "source" && m.Name == s.Name }) {
			continue
		}
		one := outdated{Moved: frontend.Moved{Kind: "source", Name: s.Name, From: s.Place(), Locked: s.Ref}}
		tags, err := remoteTags(ctx, s.Git)
		if err != nil {
			one.Why = err.Error()
			out = append(out, one)
			continue
		}
		if one.Newer = newestTag(s.Ref, tags); one.Newer != "" {
			one.Now = one.Newer
			out = append(out, one)
		}
	}
	return out
}

// cost tells what a refresh of one thing runs again.
func (r *refresher) cost(m *outdated) error {
	m.Runs = []string{}
	if m.Now == "" {
		return nil
	}
	to := r.locked.Without(func(string) bool { return false })
	var edit *strings.Replacer
	const other = "0000000000000000000000000000000000000000"
	switch {
	case m.Kind == "base":
		to.Bases[m.Name] = m.Now
	case m.Declared:
		edit = strings.NewReplacer(m.Locked, m.Now)
	case m.Newer != "":
		to.Sources[m.Name] = lock.Source{From: m.From, Pin: other}
	case m.Kind == "source":
		to.Sources[m.Name] = lock.Source{From: m.From, Pin: m.Now}
	default:
		to.Platforms[m.Platform].Move(map[string]string{m.Name: m.Now})
	}
	builds, err := r.builds(to, edit)
	if err != nil {
		return err
	}
	for i, b := range builds {
		before, err := r.now[i].Record()
		if err != nil {
			return err
		}
		after, err := b.Record()
		if err != nil {
			return err
		}
		if last := r.history.record(b.Platform()); last != nil {
			before.Took = last.Took
		}
		m.add(plan.Compare(before, after))
	}
	return nil
}

// add adds what a plan runs again.
func (m *outdated) add(p *plan.Plan) {
	for _, s := range p.Steps {
		if s.Vertex == "" || s.Cache == plan.Hit || s.Kind == plan.KindOutputs || s.Kind.Housekeeping() || s.Slight() {
			continue
		}
		list := &m.Runs
		if s.Cache == plan.Conditional {
			list = &m.Perhaps
		}
		if !slices.Contains(*list, s.Title) {
			*list = append(*list, s.Title)
		}
		m.Seconds += s.Seconds
	}
}

// what names what has moved.
func (m *outdated) what() string {
	if m.Newer != "" || m.Declared {
		return "source " + m.Name + " (edit the build file)"
	}
	return m.Kind + " " + m.Name
}

// change says from what to what.
func (m *outdated) change() string {
	if m.Now == "" {
		return brief(m.Locked) + ", and what it is today nobody tells: " + m.Why
	}
	return brief(m.Locked) + " -> " + brief(m.Now)
}

// brief shortens a digest or commit.
func brief(s string) string {
	const enough = 12
	hex := strings.TrimPrefix(s, "sha256:")
	if len(hex) < 40 || strings.Trim(hex, "0123456789abcdef") != "" {
		return s
	}
	return hex[:enough]
}

// again says what is run again.
func (m *outdated) again() string {
	if m.Now == "" {
		return ""
	}
	out := "runs nothing"
	if len(m.Runs) > 0 {
		out = "runs " + strings.Join(m.Runs, ", ")
	}
	if len(m.Perhaps) > 0 {
		out += ", and perhaps " + strings.Join(m.Perhaps, ", ")
	}
	if m.Seconds > 0 {
		out += fmt.Sprintf(" (~%s)", plan.Duration(time.Duration(m.Seconds*float64(time.Second))))
	}
	return out
}

func writeOutdated(w io.Writer, list []outdated) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Nothing has moved.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.what(), m.change(), m.again())
	}
	return table.Flush()
}

func writeOutdatedJSON(w io.Writer, list []outdated) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(list)
}

func writeOutdatedMarkdown(w io.Writer, list []outdated) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Nothing has moved.")
		return err
	}
	if _, err := fmt.Fprint(w, "| what | from | to | a refresh |\n|---|---|---|---|\n"); err != nil {
		return err
	}
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, m := range list {
		to := "`" + brief(m.Now) + "`"
		if m.Now == "" {
			to = m.Why
		}
		if _, err := fmt.Fprintf(w, "| %s | `%s` | %s | %s |\n", cell.Replace(m.what()), brief(m.Locked), cell.Replace(to), cell.Replace(m.again())); err != nil {
			return err
		}
	}
	return nil
}
