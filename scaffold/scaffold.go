// Package scaffold makes a working tree for a new image: one of the examples, with what is asked for.
package scaffold

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/pgstrata/pgstrata/examples"
	"github.com/pgstrata/pgstrata/spec/schema"
)

// Options say what the tree is to be.
type Options struct {
	// Name is the build file's name, without a folder.
	Name string
	// Syntax is the frontend image that the build file names.
	Syntax string
	// Release is Debian's: one of Releases.
	Release string
	// From is where PostgreSQL comes from: Packages, PGDG or Source.
	From string
	// Major is PostgreSQL's major version, "" for the release's own.
	Major string
	// Patroni makes the image one that can also be a node of a cluster.
	Patroni bool
}

// Where PostgreSQL comes from.
const (
	Packages = "packages" // Debian's packages
	PGDG     = "pgdg"     // those of PostgreSQL's own repository
	Source   = "source"   // compiled, with extensions, pgBackRest, PgBouncer and pgBadger
)

// SchemaFile is where the tree has the JSON Schema of its build file.
const SchemaFile = ".pgstrata.schema.json"

// File is one file of a tree.
type File struct {
	// Name is the path in the tree, with slashes.
	Name string
	// Text is what it holds.
	Text string
}

// mode is what a file is created with: what has an interpreter can be run.
func (f File) mode() fs.FileMode {
	if strings.HasPrefix(f.Text, "#!") {
		return 0o755
	}
	return 0o644
}

// Tree makes the files, sorted by name.
func Tree(o Options) ([]File, error) {
	r, err := releaseOf(o.Release)
	if err != nil {
		return nil, err
	}
	folder := "postgresql"
	switch o.From {
	case Packages, PGDG:
	case Source:
		folder = "postgresql-source"
	default:
		return nil, fmt.Errorf("PostgreSQL comes from %s, %s or %s, not from %q", Packages, PGDG, Source, o.From)
	}
	if err := r.checkMajor(o); err != nil {
		return nil, err
	}
	o.Major = cmp.Or(o.Major, r.postgresql)
	if o.Name == "" || o.Name != filepath.Base(o.Name) {
		return nil, fmt.Errorf("the build file is in the tree itself, so its name has no folder: %q", o.Name)
	}
	texts, err := example(folder, o.Patroni)
	if err != nil {
		return nil, err
	}
	for _, templates := range []string{folder, "shared"} {
		if err := fill(texts, templates, values{Options: o, PatroniVersion: r.patroni, Schema: SchemaFile, README: readme}); err != nil {
			return nil, err
		}
	}
	files := []File{{Name: SchemaFile, Text: schema.JSON()}}
	for name, text := range texts {
		if name == buildFile {
			name = o.Name
		}
		files = append(files, File{Name: name, Text: text})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// buildFile is the name of the examples' build file.
const buildFile = "Dockerfile"

// readme is the page that describes the examples' images.
const readme = "https://github.com/pgstrata/pgstrata/blob/main/examples/postgresql/README.md"

// templates are the files of the examples that a tree has other words in: those of
// one example in the folder of its name, those of both in shared. Examples have
// what they say with Patroni.
//
//go:embed all:templates
var templates embed.FS

// values are what templates are filled with.
type values struct {
	Options
	PatroniVersion string
	// Schema is SchemaFile, README the page that describes the image.
	Schema, README string
}

// example reads an example, but for what only the project needs and, where it is
// not wanted, Patroni's own files.
func example(folder string, patroni bool) (map[string]string, error) {
	files := map[string]string{}
	err := each(examples.Files(), folder, func(name, text string) error {
		switch {
		case name == "README.md", name == "compose.yaml", name == "docker-bake.hcl", strings.HasPrefix(name, "kubernetes/"):
		case !patroni && strings.Contains(path.Base(name), "patroni"):
		default:
			files[name] = text
		}
		return nil
	})
	return files, err
}

// fill fills the templates of a folder, and puts them in the place of the files of
// their names.
func fill(files map[string]string, folder string, v values) error {
	return each(templates, path.Join("templates", folder), func(name, text string) error {
		t, err := template.New(name).Parse(text)
		if err != nil {
			return err
		}
		var b strings.Builder
		err = t.Execute(&b, v)
		files[name] = b.String()
		return err
	})
}

// each goes through the files of a folder.
func each(fsys fs.FS, folder string, do func(name, text string) error) error {
	return fs.WalkDir(fsys, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return do(strings.TrimPrefix(name, folder+"/"), string(data))
	})
}

// Write writes the files below a folder, which it makes where there is none. It writes nothing if one of them is there
// already, and says which.
func Write(dir string, files []File) error {
	var there []string
	for _, f := range files {
		switch _, err := os.Lstat(filepath.Join(dir, f.Name)); {
		case err == nil:
			there = append(there, f.Name)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	if there != nil {
		return fmt.Errorf("files in %s would be overwritten: %s; name an empty folder", dir, list(there))
	}
	for _, f := range files {
		name := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // a source tree, for all to read
			return err
		}
		if err := create(name, f); err != nil {
			return err
		}
	}
	return nil
}

// list names some files.
func list(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// create writes a file that is not there.
func create(name string, f File) error {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode())
	if err != nil {
		return err
	}
	_, err = bytes.NewBufferString(f.Text).WriteTo(out)
	return errors.Join(err, out.Close())
}
