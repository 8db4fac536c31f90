package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/replay"
	"github.com/pgstrata/pgstrata/terminal"
)

func newObserveCommand() *cobra.Command {
	var (
		o     options
		check bool
		write bool
	)
	cmd := &cobra.Command{
		Use:   "observe [OPTIONS] [PATH]",
		Short: "Watch what setup scripts read and write, and make a graph of the chain",
		Long: `Watch what setup scripts read and write, and make a graph of the chain.

For a Dockerfile, watch what its steps read of the files that it copies. What
they read is a record; --write writes it beside the Dockerfile, and builds give
each step no more than that as long as it holds.

For a build file:

The scripts run one after another, each under a tracer. What a script read of
others' work are its needs, what it left behind are its outputs. The graph is
then built, and its root compared with the chain's, file by file: a script that
makes something else goes back to the chain. What is left is shown as a change
of the build file; --write makes it.

With --check, what the build file declares is compared with what happens, and
the exit status is 1 where it is something else.`,
		Example: `  pgstrata observe .
  pgstrata observe --write .
  pgstrata observe --check .`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := o.context(args)
			if err != nil {
				return err
			}
			return o.watch(cmd.Context(), cmd.OutOrStdout(), dir, check, write)
		},
	}
	o.addFlags(cmd.Flags())
	cmd.Flags().BoolVar(&check, "check", false, "compare what is declared with what happens")
	cmd.Flags().BoolVar(&write, "write", false, "write the graph into the build file")
	exclusive(cmd, "check", "write")
	return cmd
}

// watch is the whole command, for the context in dir.
func (o *options) watch(ctx context.Context, w io.Writer, dir string, check, write bool) error {
	if runtime.GOOS != "linux" {
		return errors.New("the scripts are run by this program, in a step, which is for Linux: use docker buildx build --call pgstrata.observe with the frontend image")
	}
	if check {
		o.buildArgs = append(o.buildArgs, frontend.ObserveCheck+"=1")
	}
	before, err := os.ReadFile(o.file)
	if err != nil {
		return err
	}
	answer, text, err := o.observeBeside(ctx, dir, write)
	if err != nil {
		return err
	}
	return o.observed(before, w, answer, text, check, write)
}

// observe asks the daemon.
func (o *options) observe(ctx context.Context, dir string) (*frontend.ObserveAnswer, []byte, error) {
	opt, err := o.solveOpt(dir)
	if err != nil {
		return nil, nil, err
	}
	opt.FrontendAttrs["requestid"] = frontend.ObserveRequest
	if err := lendProgram(&opt); err != nil {
		return nil, nil, err
	}
	var (
		answer frontend.ObserveAnswer
		text   []byte
	)
	_, err = o.run(ctx, opt, func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := frontend.Build(ctx, c)
		if err != nil {
			return nil, err
		}
		text = res.Metadata["result.txt"]
		return gateway.NewResult(), json.Unmarshal(res.Metadata["result.json"], &answer)
	}, func(*client.SolveStatus) {})
	return &answer, text, err
}

// observeFirst writes the record of a Dockerfile that is going to be built, and tells
// what its steps see.
func (o *options) observeFirst(ctx context.Context, dir string) error {
	data, err := os.ReadFile(o.file)
	if err != nil {
		return err
	}
	kind, err := dockerfile.Detect(o.file, data)
	if err != nil {
		return err
	}
	if kind != dockerfile.Dockerfile {
		return fmt.Errorf("--observe is for a Dockerfile; for the build file %s there is pgstrata observe", o.file)
	}
	_, text, err := o.observeBeside(ctx, dir, true)
	if err == nil && o.loud() {
		err = writeObserved(os.Stderr, text)
	}
	return err
}

// writeObserved writes what the frontend says for people.
func writeObserved(w io.Writer, text []byte) error {
	const indent = 4
	_, err := io.WriteString(w, terminal.Of(w).Wrap(string(text), indent))
	return err
}

// observed tells what was observed, and writes the build file where that is asked
// for.
func (o *options) observed(before []byte, w io.Writer, answer *frontend.ObserveAnswer, text []byte, check, write bool) error {
	if err := writeObserved(w, text); err != nil {
		return err
	}
	if check {
		if len(answer.Findings)+len(answer.Steps) > 0 {
			return errFindings
		}
		return nil
	}
	if answer.File == "" {
		return nil
	}
	diff := replay.Diff(filepath.Base(o.file), string(before), answer.File)
	if _, err := fmt.Fprint(w, "\n", terminal.Of(w).Diff(diff)); err != nil {
		return err
	}
	if !write {
		return nil
	}
	now, err := os.ReadFile(o.file)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, before) {
		return fmt.Errorf("%s was edited while its scripts were observed: it is left as it is", o.file)
	}
	return rewrite(o.file, answer.File)
}

// observeBeside asks the daemon, and writes the record of a Dockerfile where that is
// asked for.
func (o *options) observeBeside(ctx context.Context, dir string, write bool) (*frontend.ObserveAnswer, []byte, error) {
	beside, err := o.beside(write)
	if err != nil {
		return nil, nil, err
	}
	answer, text, err := o.observe(ctx, dir)
	return answer, text, beside(answer, err)
}

// beside writes the record of a Dockerfile, where that is asked for. The steps see
// that there is one, so there has to be while they are observed.
func (o *options) beside(write bool) (func(*frontend.ObserveAnswer, error) error, error) {
	name := o.file + narrow.Suffix
	nothing := func(_ *frontend.ObserveAnswer, err error) error { return err }
	if !write {
		return nothing, nil
	}
	data, err := os.ReadFile(o.file)
	if err != nil {
		return nil, err
	}
	kind, err := dockerfile.Detect(o.file, data)
	if err != nil || kind != dockerfile.Dockerfile {
		return nothing, err
	}
	made, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // it is committed
	isNew := err == nil
	if isNew {
		err = made.Close()
	} else if errors.Is(err, os.ErrExist) {
		err = nil
	}
	return func(answer *frontend.ObserveAnswer, failed error) error {
		if isNew && (failed != nil || answer.Record == "") {
			return errors.Join(failed, os.Remove(name))
		}
		if failed != nil || answer.Record == "" {
			return failed
		}
		return rewrite(name, answer.Record)
	}, err
}

// hasRecord reports whether there is a record of the Dockerfile, and this program can
// read many files where the daemon is.
func (o *options) hasRecord() bool {
	_, err := os.Stat(o.file + narrow.Suffix)
	return err == nil && runtime.GOOS == "linux"
}
