package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() { os.Exit(run()) }

func run() int {
	var o options
	flag.StringVar(&o.json, "json", "", "write all that was measured to this file, to compare versions")
	flag.StringVar(&o.program, "replay", "", "replay histories too, by this pgstrata")
	flag.IntVar(&o.commits, "commits", 100, "how many commits of a history are replayed")
	flag.DurationVar(&o.limit, "limit", time.Minute, "how long the replay of one Dockerfile may take")
	flag.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "how many Dockerfiles are measured at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "field:", err)
		return 1
	}
	return 0
}

// options are what the command line asks for.
type options struct {
	json, program string
	commits, jobs int
	limit         time.Duration
}

func (o *options) run(ctx context.Context, dirs []string) error {
	var files []buildFile
	for _, dir := range dirs {
		list, err := findFiles(dir)
		if err != nil {
			return err
		}
		files = append(files, list...)
	}
	r := report{Files: make([]measure, len(files))}
	if o.program != "" {
		r.Histories = make([]history, len(files))
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.jobs)
	for i, f := range files {
		group.Go(func() error {
			r.Files[i] = take(ctx, f)
			if o.program != "" && r.Files[i].Error == "" {
				r.Histories[i] = replayed(ctx, o.program, f, o.commits, o.limit)
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if o.json != "" {
		data, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(data, '\n'), 0o644); err != nil { //nolint:gosec // figures
			return err
		}
	}
	return r.write(os.Stdout)
}
