package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/patternmatcher"
	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/migrate"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/release"
	"github.com/pgstrata/pgstrata/scaffold"
	"github.com/pgstrata/pgstrata/spec/schema"
)

// defaultOutput is what a migrated build file is called: the name Dockerfile is
// taken.
const defaultOutput = "pgstrata.yaml"

func newMigrateCommand() *cobra.Command {
	var o migration
	cmd := &cobra.Command{
		Use:   "migrate [OPTIONS] [PATH | DOCKERFILE]",
		Short: "Make a build file of a Dockerfile and the scripts that it runs",
		Long: `Make a build file of a Dockerfile and the scripts that it runs.

No script is changed. What stands in the Dockerfile itself becomes generated
scripts below setup/generated; what a script that runs the others does, the build
file says. The report tells where each line of the Dockerfile went, and what
could not be carried over.

The Dockerfile stays as it is, and no file is overwritten unless --force is
given. Nothing is built, and no daemon is asked, but with --observe: then the
scripts are run and watched, and the build file has the graph of what they do.`,
		Example: `  pgstrata migrate
  pgstrata migrate --dry-run docker/Dockerfile --context .
  pgstrata migrate --report json --target production Dockerfile >report.json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.file, err = findDockerfile(contextOf(args)); err != nil {
				return err
			}
			if o.observe && o.dryRun {
				return errors.New("--observe watches what was written: it does not go with --dry-run")
			}
			if err := o.run(cmd.OutOrStdout()); err != nil || !o.observe {
				return err
			}
			watched := options{address: o.address, builder: o.builder, progress: o.progress, file: o.output, buildArgs: o.buildArgs}
			return watched.watch(cmd.Context(), cmd.OutOrStdout(), o.dir, false, true)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "context", "", "build context (default: the Dockerfile's folder)")
	f.StringVarP(&o.output, "output", "o", "", `build file to write (default "CONTEXT/`+defaultOutput+`")`)
	f.BoolVar(&o.force, "force", false, "overwrite files that are there")
	f.BoolVar(&o.dryRun, "dry-run", false, "print what would be written")
	f.StringVar(&o.report, "report", "text", "format of the report: text or json")
	f.BoolVar(&o.keepAccounts, "keep-accounts", false, "make no account the build file's user")
	f.StringVar(&o.target, "target", "", "stage that becomes the image (default: the last)")
	f.StringArrayVar(&o.buildArgs, "build-arg", nil, "build argument as NAME=VALUE")
	f.BoolVar(&o.observe, "observe", false, "run the scripts, and write what they need and contribute into the build file, as pgstrata observe --write does")
	f.StringVar(&o.address, "addr", "", "BuildKit's address, for --observe (default $BUILDKIT_HOST)")
	f.StringVar(&o.builder, "builder", "", "builder of docker buildx, for --observe (default: without $BUILDKIT_HOST, the one in use)")
	f.StringVar(&o.progress, "progress", "auto", "progress display of --observe: auto, plain, tty, quiet or rawjson")
	addSyntaxFlag(f, &o.syntax)
	return cmd
}

// migration is what the command line asks for.
type migration struct {
	file, dir, output, target, report, syntax string
	force, dryRun, keepAccounts, observe      bool
	address, builder, progress                string
	buildArgs                                 []string
	// ignore is the .dockerignore of the build file, nil where it needs none.
	ignore *output
}

func (o *migration) run(w io.Writer) error {
	if o.report != "text" && o.report != "json" {
		return fmt.Errorf("--report %s: must be text or json", o.report)
	}
	o.syntax = cmp.Or(o.syntax, release.Current().Image())
	o.dir = cmp.Or(o.dir, filepath.Dir(o.file))
	o.output = cmp.Or(o.output, filepath.Join(o.dir, defaultOutput))
	result, err := o.migrate()
	if err != nil {
		return err
	}
	files := o.files(result)
	if o.dryRun {
		if err := o.print(w, files); err != nil {
			return err
		}
	} else if err := o.write(files); err != nil {
		return err
	}
	if o.report == "json" {
		return result.Report.WriteJSON(w)
	}
	if err := result.Report.WriteText(w); err != nil || o.dryRun {
		return err
	}
	_, err = fmt.Fprint(w, o.next(result))
	return err
}

// migrate reads the Dockerfile in its context, and makes a build file of it.
func (o *migration) migrate() (*migrate.Result, error) {
	t, err := openTree(o.dir, o.file)
	if err != nil {
		return nil, err
	}
	kind, err := dockerfile.Detect(t.name, t.text)
	if err != nil {
		return nil, err
	}
	if kind != dockerfile.Dockerfile {
		return nil, fmt.Errorf("%s is a build file already", o.file)
	}
	f, err := dockerfile.Parse(t.name, t.text)
	if err != nil {
		return nil, err
	}
	args := arguments(o.buildArgs)
	result, err := migrate.Migrate(f, migrate.Options{
		Dockerfile: dockerfile.Options{
			Args: args, Predefined: frontend.OwnArgs(args), Target: o.target, Context: t,
			Base: bases.Known, Platform: platforms.Format(platforms.Normalize(platforms.DefaultSpec())),
		},
		Name: filepath.Base(o.output), Syntax: o.syntax, Schema: scaffold.SchemaFile, KeepAccounts: o.keepAccounts,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.file, err)
	}
	return result, o.letThrough(t, result)
}

// letThrough makes a .dockerignore for the build file where the Dockerfile's has
// its name, or hides what was generated.
func (o *migration) letThrough(t *buildContext, r *migrate.Result) error {
	var hidden []string
	for _, f := range r.Files {
		out, err := patternmatcher.MatchesOrParentMatches(f.Path, t.ignored)
		if err != nil {
			return fmt.Errorf(".dockerignore: %w", err)
		}
		if out {
			hidden = append(hidden, f.Path)
		}
	}
	own := o.file + ".dockerignore"
	text, err := os.ReadFile(own)
	if errors.Is(err, fs.ErrNotExist) && len(hidden) > 0 {
		own = filepath.Join(o.dir, ".dockerignore")
		text, err = os.ReadFile(own)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name := filepath.Base(o.output) + ".dockerignore"
	if len(hidden) > 0 {
		text = append(bytes.TrimRight(text, "\n"), "\n# What pgstrata migrate generated:\n"...)
		for _, path := range hidden {
			text = append(text, "!"+path+"\n"...)
		}
		r.Report.Note(filepath.Base(own), "hides generated files from the build; %s is a copy that lets them through. Under another name of the build file it needs another one, too", name)
	}
	o.ignore = &output{o.output + ".dockerignore", text, 0o644}
	return nil
}

// output is a file to be written.
type output struct {
	path string
	data []byte
	mode fs.FileMode
}

// files are all files to write, with their whole paths.
func (o *migration) files(r *migrate.Result) []output {
	out := []output{{o.output, r.BuildFile, 0o644}}
	for _, f := range r.Files {
		out = append(out, output{filepath.Join(o.dir, f.Path), f.Data, f.Mode})
	}
	out = append(out, output{filepath.Join(filepath.Dir(o.output), scaffold.SchemaFile), []byte(schema.JSON()), 0o644})
	if o.ignore != nil {
		out = append(out, *o.ignore)
	}
	return out
}

// write writes the files: all, or none if one would be overwritten.
func (o *migration) write(files []output) error {
	var there []string
	for _, f := range files {
		old, err := os.ReadFile(f.path)
		switch {
		case err == nil && !bytes.Equal(old, f.data):
			there = append(there, f.path)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if len(there) > 0 && !o.force {
		return fmt.Errorf("it would overwrite %s; give --output another name, or --force", strings.Join(there, ", "))
	}
	for _, f := range files {
		if err := os.MkdirAll(filepath.Dir(f.path), 0o755); err != nil { //nolint:gosec // a source tree, for all to read
			return err
		}
		if err := os.WriteFile(f.path, f.data, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// print shows what would be written, but for the schema.
func (o *migration) print(w io.Writer, files []output) error {
	if o.report == "json" {
		return nil // the report is all of the output, for programs to read
	}
	for _, f := range files {
		if filepath.Base(f.path) == scaffold.SchemaFile {
			continue
		}
		if _, err := fmt.Fprintf(w, "-- %s --\n%s\n", f.path, f.data); err != nil {
			return err
		}
	}
	return nil
}

// next is what to do with a new build file.
func (o *migration) next(r *migrate.Result) string {
	with := fmt.Sprintf("--file %s %s", o.output, o.dir)
	what := o.output
	switch len(r.Files) {
	case 0:
	case 1:
		what += " and " + r.Files[0].Path
	default:
		what += fmt.Sprintf(" and %d files below %s", len(r.Files), o.dir)
	}
	for _, name := range r.Missing {
		with = "--build-arg " + name + "=… " + with
	}
	return fmt.Sprintf("\n%s: written. Next:\n  pgstrata check %[2]s\n  pgstrata plan %[2]s\n  pgstrata build --tag migrated --load %[2]s\n", what, with)
}
