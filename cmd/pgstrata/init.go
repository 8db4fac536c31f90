package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/release"
	"github.com/pgstrata/pgstrata/scaffold"
)

func newInitCommand() *cobra.Command {
	var (
		o                   scaffold.Options
		patroni, postgresql bool
	)
	cmd := &cobra.Command{
		Use:   "init [OPTIONS] [DIR]",
		Short: "Write a working tree for a new image into an empty folder",
		Long: `Write a working tree for a new image into an empty folder: build file, setup scripts, entrypoint, configuration, a test.

The image runs a single PostgreSQL server or, unless --postgresql is given, also a node of a Patroni cluster. DIR is the
working directory if it is left out, and made if it is not there. No file is ever overwritten.`,
		Example: `  pgstrata init postgresql
  pgstrata init --postgresql --release trixie .
  pgstrata init --from pgdg --major 17 .
  pgstrata init --from source --syntax registry.example.com/pgstrata:1 --file pgstrata.yaml postgresql`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("patroni") && patroni && postgresql {
				return errors.New("--patroni and --postgresql exclude each other")
			}
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			if info, err := os.Stat(dir); err == nil && !info.IsDir() {
				return fmt.Errorf("%s is a file: name a folder for the tree", dir)
			}
			o.Patroni = patroni && !postgresql
			o.Syntax = cmp.Or(o.Syntax, release.Current().Image())
			files, err := scaffold.Tree(o)
			if err != nil {
				return err
			}
			if err := scaffold.Write(dir, files); err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), nextSteps(o, dir, len(files)))
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&patroni, "patroni", true, "an image that can also be a node of a Patroni cluster")
	f.BoolVar(&postgresql, "postgresql", false, "an image of PostgreSQL alone")
	f.StringVar(&o.Release, "release", scaffold.Releases()[0], "Debian's release: bookworm, whose package is PostgreSQL 15, or trixie, 17")
	f.StringVar(&o.From, "from", scaffold.Packages, "where PostgreSQL comes from: packages, of Debian, or pgdg, those of its own repository, or source (15), with extensions, pgBackRest, PgBouncer and pgBadger")
	f.StringVar(&o.Major, "major", "", "PostgreSQL's major version, of pgdg 13 to 18 (default: the release's own)")
	f.StringVarP(&o.Name, "file", "f", dockerui.DefaultDockerfileName, "name of the build file")
	addSyntaxFlag(f, &o.Syntax)
	return cmd
}

// nextSteps is what to do with a new tree.
func nextSteps(o scaffold.Options, dir string, count int) string {
	var file string
	if o.Name != dockerui.DefaultDockerfileName {
		file = " --file " + dir + "/" + o.Name
	}
	return fmt.Sprintf(`%d files in %s. Next:
  pgstrata check%s %[2]s
  pgstrata build%[3]s --target test %[2]s     # builds the image, and runs its tests
  docker buildx build%[3]s --load --tag postgresql %[2]s     # the same by the frontend image, %[4]s
`, count, dir, file, o.Syntax)
}
