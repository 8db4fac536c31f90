package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/replay"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/terminal"
	"github.com/pgstrata/pgstrata/worktree"
)

func newAnalyzeCommand() *cobra.Command {
	var (
		o options
		a analysis
	)
	cmd := &cobra.Command{
		Use:   "analyze [OPTIONS] [PATH]",
		Short: "Tell what the commits of a git history would have built again, and what would have saved most",
		Long: `Tell what the commits of a git history would have built again, and what would
have saved most. Nothing is built, and no daemon is asked.

Each commit is compared with the one that it was made on, as if one daemon had
built them all. The report has the share of commits that needed no setup, what
made setup run, how often each file changed, and the order of scripts that
would have run least, as a change of the build file. Times are those of the
last recorded build; without one, steps are counted. Commits that change
nothing of the build context are counted apart.

The newest commits are read first. Interrupted, the report is on those that
have been read.`,
		Example: `  pgstrata analyze .
  pgstrata analyze --since v1.0 .
  pgstrata analyze -f pgstrata.yaml --against Dockerfile .
  pgstrata analyze -n 100 --format json . | jq '.contenders[0].none'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.format != "text" && a.format != "json" {
				return fmt.Errorf("--format %s: must be text or json", a.format)
			}
			if a.commits.Most < 0 {
				return fmt.Errorf("--max-count %d: must be a number of commits, or 0 for all", a.commits.Most)
			}
			if len(o.platforms) > 1 {
				return errors.New("--platform: a history is replayed for one platform at a time")
			}
			a.options, a.dir, a.file = &o, contextOf(args), o.file
			if a.file == "" {
				var err error
				if a.file, err = findBuildFile(a.dir, ""); err != nil { // it may be in the history alone
					a.file = filepath.Join(a.dir, dockerui.DefaultDockerfileName)
				}
			}
			a.progress, a.every = cmd.ErrOrStderr(), progressEvery
			report, err := a.report(cmd.Context())
			if err != nil {
				return err
			}
			return a.write(cmd.OutOrStdout(), report)
		},
	}
	f := cmd.Flags()
	o.addInputFlags(f)
	f.StringVar(&a.against, "against", "", "another build file for the same files, such as the Dockerfile that was there before: a second column")
	f.StringVar(&a.commits.Since, "since", "", "only the commits after this git revision")
	f.IntVarP(&a.commits.Most, "max-count", "n", 1000, "only the newest commits, 0 for all")
	f.BoolVar(&a.commits.FirstParent, "first-parent", false, "leave out the commits of branches that were merged: the merge stands for them")
	f.StringVar(&a.format, "format", "text", "text or json")
	return cmd
}

// analysis is one run of analyze.
type analysis struct {
	*options
	dir, file string
	// against is the build file of the second column, "" for none that is named.
	against string
	commits worktree.Range
	format  string
	// progress is where it is told how far the reading is, every is how often.
	progress io.Writer
	every    time.Duration
	now      time.Time
	// histories are the open ones, by their folders.
	histories map[string]*worktree.History
}

// history opens the history of a folder, once.
func (a *analysis) history(ctx context.Context, folder string) (*worktree.History, error) {
	folder = filepath.Clean(folder)
	if h, ok := a.histories[folder]; ok {
		return h, nil
	}
	h, err := worktree.OpenHistory(ctx, folder)
	if err == nil {
		a.histories[folder] = h
	}
	return h, err
}

// report replays the history.
func (a *analysis) report(ctx context.Context) (*replay.Report, error) {
	a.now, a.histories = time.Now(), map[string]*worktree.History{}
	defer func() {
		for _, h := range a.histories {
			h.Close()
		}
	}()
	history, err := a.history(ctx, a.dir)
	if err != nil {
		return nil, err
	}
	log, err := history.Commits(a.commits)
	if err != nil {
		return nil, err
	}
	if len(log) == 0 {
		return nil, fmt.Errorf("there are no commits after %s", a.commits.Since)
	}
	last := log[len(log)-1].ID
	r, err := a.reader(ctx, a.file, last)
	if err != nil {
		return nil, err
	}
	contenders := []contender{{"pgstrata", r}}
	build, err := r.newest(log)
	switch {
	case a.against != "":
		other, err := a.reader(ctx, a.against, last)
		if err != nil {
			return nil, err
		}
		other.whole = true
		contenders = append(contenders, contender{filepath.Base(a.against), other})
	case err == nil && build.Graph == nil: // what pgstrata takes apart, as the Dockerfile has it
		whole := *r
		whole.known, whole.whole = map[string]replay.Snapshot{}, true
		contenders = append(contenders, contender{"Dockerfile", &whole})
	}
	series, read := a.read(ctx, log, contenders)
	if read == 0 {
		return nil, ctx.Err()
	}
	newest := &series[0].Snapshots[read]
	a.measured(newest)
	report := replay.New(commits(log[len(log)-read:]), series...)
	report.FirstParent = a.commits.FirstParent
	if read < len(log) {
		report.Notes = append(report.Notes, fmt.Sprintf("interrupted: this is on the newest %d of %d commits", read, len(log)))
	}
	if err == nil && build.Graph != nil && newest.Record != nil {
		if err := a.advise(report, build.Graph, newest.Record); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// contender is a way of building with its name.
type contender struct {
	name string
	*reader
}

// progressEvery is how often a reading that takes long says how far it is.
const progressEvery = 10 * time.Second

// read reads the commits, the newest first, until it is interrupted. It returns of
// how many it is, with the one before them in front.
func (a *analysis) read(ctx context.Context, log []worktree.Commit, contenders []contender) ([]replay.Series, int) {
	series := make([]replay.Series, len(contenders))
	for i, c := range contenders {
		series[i] = replay.Series{Name: c.name, Snapshots: make([]replay.Snapshot, len(log)+1)}
	}
	next := a.now.Add(a.every)
	for at := len(log); at >= 0; at-- {
		id := parent(log[0])
		if at > 0 {
			id = log[at-1].ID
		}
		for i, c := range contenders {
			snapshot := c.read(id)
			if ctx.Err() != nil {
				for j := range series { // what is before those that are whole is not known
					series[j].Snapshots = series[j].Snapshots[at:]
					series[j].Snapshots[0] = replay.Snapshot{Err: ctx.Err()}
				}
				return series, len(log) - at
			}
			series[i].Snapshots[at] = snapshot
		}
		if now := time.Now(); now.After(next) && at > 0 {
			next = now.Add(a.every)
			fmt.Fprintf(a.progress, "read %d of %d commits; an interrupt ends it with a report on these\n", len(log)-at+1, len(log))
		}
	}
	return series, len(log)
}

// measured adds, to the newest record, how long its steps took when they last
// ran, as far as a build has been recorded.
func (a *analysis) measured(newest *replay.Snapshot) {
	last, err := readHistory(a.dir, a.file)
	if err != nil || newest.Record == nil {
		return // times are a bonus
	}
	if was := last.record(newest.Record.Platform); was != nil {
		newest.Record.Took = maps.Clone(was.Took)
	}
}

// advise adds what would have saved most, and what to change for it.
func (a *analysis) advise(report *replay.Report, newest *graph.Graph, record *plan.Record) error {
	data, err := os.ReadFile(a.file)
	if err != nil {
		return err
	}
	name := filepath.Base(a.file)
	listed, err := spec.Listed(name, data)
	if err != nil {
		return nil //nolint:nilerr // it has been edited since, and is broken now: there is nothing to advise
	}
	needs := map[string][]string{}
	for _, s := range listed {
		for _, n := range s.Needs {
			needs[s.Path.Value] = append(needs[s.Path.Value], n.Value)
		}
	}
	report.Advise(replay.NewChain(newest, needs, record.Took), record)
	for i := range report.Advice {
		advice := &report.Advice[i]
		if len(advice.Order) == 0 {
			continue
		}
		order := scripts(newest, advice.Order)
		advice.Edit = edit(name, data, order)
		if listed == nil && numbered(order) {
			advice.Note = "then the list counts, no longer the numbers in the names: rename the files to match it"
		}
	}
	return nil
}

// scripts are all setup scripts with those of the chain in another order:
// isolated ones keep their places.
func scripts(g *graph.Graph, chain []string) []string {
	var out []string
	for _, s := range g.Scripts {
		if s.Isolated() {
			out = append(out, s.Path)
			continue
		}
		out = append(out, chain[0])
		chain = chain[1:]
	}
	return out
}

// edit is the change of the build file that puts its scripts in an order: as a
// diff, or, where that cannot be, as what to write.
func edit(name string, data []byte, order []string) string {
	after, err := spec.Reorder(name, data, order)
	if err == nil {
		return replay.Diff(name, string(data), string(after))
	}
	text := fmt.Sprintf("# %v\nsetup:\n  scripts:\n", err)
	for _, p := range order {
		text += "    - " + p + "\n"
	}
	return text
}

// numbered tells whether all names begin with a number.
func numbered(paths []string) bool {
	for _, p := range paths {
		if base := path.Base(p); base[0] < '0' || base[0] > '9' {
			return false
		}
	}
	return true
}

func (a *analysis) write(w io.Writer, r *replay.Report) error {
	if a.format == "text" {
		return r.Write(w, terminal.Of(w))
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
