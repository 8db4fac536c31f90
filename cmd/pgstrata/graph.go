package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/picture"
)

func newGraphCommand() *cobra.Command {
	var (
		o      options
		p      planOptions
		output string
	)
	cmd := &cobra.Command{
		Use:   "graph [OPTIONS] [PATH]",
		Short: "Draw a build, and what the next one would run again, building nothing",
		Long: `Draw a build, and what the next one would run again, building nothing.

The picture has the states of a build with all of their steps, the cache
boundary as a line, and each step in its cache state, compared as pgstrata plan
does it. An SVG image shows causes, times and sizes where the mouse rests; an
HTML page also has them as text. Both are single files that load nothing. What a plan
tells beside its steps, such as why a script of a Dockerfile is one step, is
written to standard error, too.`,
		Example: `  pgstrata graph .                                       # graph.html
  pgstrata graph --output build.svg --since HEAD~3 .
  pgstrata graph --change entrypoint.d/entrypoint.sh -o edit.svg .`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, err := drawer(output)
			if err != nil {
				return err
			}
			dir, err := o.context(args)
			if err != nil {
				return err
			}
			list, err := p.compare(cmd.Context(), &o, dir)
			if err != nil {
				return err
			}
			page := picture.Page{Title: title(dir)}
			for _, c := range list {
				for _, told := range slices.Concat(c.plan.Told(), c.plan.Notes) {
					fmt.Fprintln(cmd.ErrOrStderr(), "pgstrata:", told)
				}
				page.Builds = append(page.Builds, picture.Build{Record: c.after, Plan: c.plan, Before: c.before})
			}
			var data bytes.Buffer
			if err := draw(&data, page); err != nil { // before the file is touched
				return err
			}
			if output == "-" {
				_, err = cmd.OutOrStdout().Write(data.Bytes())
				return err
			}
			return os.WriteFile(output, data.Bytes(), 0o644) //nolint:gosec // it is there to be shown
		},
	}
	f := cmd.Flags()
	o.addInputFlags(f)
	p.addFlags(f)
	f.StringVarP(&output, "output", "o", "graph.html", "file to write: FILE.svg, FILE.html, or - for SVG on standard output")
	return cmd
}

// drawer is the function that makes a file of that name.
func drawer(output string) (func(io.Writer, picture.Page) error, error) {
	if err := hasFolder("output", output); output != "-" && err != nil {
		return nil, err
	}
	switch ext := strings.ToLower(filepath.Ext(output)); {
	case output == "-" || ext == ".svg":
		return func(w io.Writer, p picture.Page) error {
			if len(p.Builds) != 1 {
				return fmt.Errorf("an SVG image shows one platform, not %d: name one with --platform, or write an .html", len(p.Builds))
			}
			return picture.SVG(w, p.Title, p.Builds[0])
		}, nil
	case ext == ".html" || ext == ".htm":
		return picture.HTML, nil
	}
	return nil, fmt.Errorf("--output %s: must end in .svg or .html", output)
}

// title is the folder's name: enough to tell pictures apart, and nobody's business beyond that.
func title(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return filepath.Base(abs)
	}
	return filepath.Base(dir)
}
