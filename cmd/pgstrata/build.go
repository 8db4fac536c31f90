package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/terminal"
)

func newBuildCommand() *cobra.Command {
	var (
		o options
		e exports
		m cacheMounts

		locked     bool
		verify     bool
		observe    bool
		reportFile string
	)
	cmd := &cobra.Command{
		Use:   "build [OPTIONS] [PATH]",
		Short: "Build an image, as docker buildx build does with the frontend image",
		Example: `  pgstrata build --tag registry.example.com/postgresql:15 --push .
  pgstrata build --build-arg POSTGRESQL_VERSION=16 --output type=oci,dest=image.tar .
  pgstrata build --target setup --progress plain .
  pgstrata build --report report.html .`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := o.context(args)
			if err != nil {
				return err
			}
			m.apply(&o)
			if locked {
				o.buildArgs = append(o.buildArgs, frontend.LockedArg+"=1")
			}
			if observe {
				if err := o.observeFirst(cmd.Context(), dir); err != nil {
					return err
				}
			}
			opt, err := o.solveOpt(dir)
			if err != nil {
				return err
			}
			if verify {
				if err := addProgram(&opt); err != nil {
					return err
				}
			}
			if o.hasRecord() {
				_ = lendProgram(&opt) // without it, each file is a question to the daemon
			}
			if opt.Exports, err = e.entries(opt.FrontendAttrs); err != nil {
				return err
			}
			seen := newObserver()
			r, err := newReport(reportFile)
			if err != nil {
				return err
			}
			resp, err := o.run(cmd.Context(), opt, frontend.Telling(seen.tell), r.watch(seen.see))
			if err != nil {
				r.failed(cmd.Context(), seen, &o, dir, err)
				return err
			}
			if len(opt.Exports) == 0 && o.target == "" && o.loud() {
				fmt.Fprintln(os.Stderr, "pgstrata:", nowhere)
			}
			seen.finish(cmd.Context(), &o, dir, resp.ExporterResponse, e.push)
			if err := r.write(title(dir), seen.builds, nil); err != nil {
				return err
			}
			if err := writeMetadata(e.metadataFile, resp.ExporterResponse); err != nil {
				return err
			}
			return m.save(cmd.Context(), o, dir)
		},
	}
	o.addFlags(cmd.Flags())
	e.addFlags(cmd.Flags())
	m.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&reportFile, "report", "", "write what happened, and when, to this .html file")
	cmd.Flags().BoolVar(&locked, "locked", false, "refuse to build anything but what the lock file says")
	cmd.Flags().BoolVar(&verify, "verify", false, "build a Dockerfile as BuildKit's own frontend does, too, and fail if the two images differ")
	cmd.Flags().BoolVar(&observe, "observe", false, "of a Dockerfile, first watch what its steps read, and write that beside it")
	return cmd
}

// run runs a build function against the daemon, with BuildKit's own display on
// standard error. All that the daemon tells is told to watch, too.
func (o *options) run(ctx context.Context, opt client.SolveOpt, fn gateway.BuildFunc, watch func(*client.SolveStatus)) (*client.SolveResponse, error) {
	c, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	display, err := progressui.NewDisplay(os.Stderr, progressui.DisplayMode(o.progress))
	if err != nil {
		return nil, err
	}
	status, shown := make(chan *client.SolveStatus), make(chan *client.SolveStatus)
	var (
		resp     *client.SolveResponse
		warnings []client.VertexWarning
	)
	eg, buildCtx := errgroup.WithContext(ctx)
	eg.Go(func() (err error) {
		resp, err = c.Build(buildCtx, opt, "pgstrata", fn, status)
		return err
	})
	eg.Go(func() (err error) {
		// Not the build's context: what the daemon says last must be shown.
		warnings, err = display.UpdateFrom(context.WithoutCancel(ctx), shown)
		for range shown { // a display that gave up must not stop the build
		}
		return err
	})
	eg.Go(func() error {
		defer close(shown)
		fold := o.drawn(os.Stderr)
		for s := range status {
			watch(s)
			if fold {
				s = folded(s)
			}
			shown <- s
		}
		return nil
	})
	err = eg.Wait()
	if o.loud() {
		printWarnings(os.Stderr, warnings)
	}
	return resp, err
}

// drawn reports whether the progress is drawn anew again and again, as on a terminal:
// elsewhere a line that changes is a line more.
func (o *options) drawn(w io.Writer) bool {
	mode := progressui.DisplayMode(o.progress)
	return mode == progressui.TtyMode || mode == progressui.AutoMode && terminal.Of(w).Width > 0
}

// loud reports whether people read what is printed beside the progress.
func (o *options) loud() bool {
	return o.progress != string(progressui.QuietMode) && o.progress != string(progressui.RawJSONMode)
}

// writeMetadata writes the exporter's answer, as buildx's --metadata-file does.
func writeMetadata(file string, response map[string]string) error {
	if file == "" {
		return nil
	}
	data, err := json.MarshalIndent(response, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644) //nolint:gosec // it holds digests, for other programs to read
}
