// Command field measures pgstrata on Dockerfiles that other people wrote: it runs
// the rules, the rewrite, migrate and a replay of the history over any number of
// checked-out trees, in parallel and without a daemon, and prints a table.
package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// buildFile is a Dockerfile of a tree, with the folder that it is built in.
type buildFile struct {
	// Tree is the tree's name, File the path in it, Context that of the folder.
	Tree    string `json:"tree"`
	File    string `json:"file"`
	Context string `json:"context"`
	// dir is the tree's folder.
	dir string
}

func (b buildFile) path() string    { return filepath.Join(b.dir, b.File) }
func (b buildFile) context() string { return filepath.Join(b.dir, b.Context) }

// findFiles are the Dockerfiles of a tree that BuildKit's parser takes, in the
// order of their names.
func findFiles(dir string) ([]buildFile, error) {
	var out []buildFile
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case !entry.Type().IsRegular() || !isBuildFile(entry.Name()):
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		stages := parse(data)
		if len(stages) == 0 {
			return nil // a template, or a text about Dockerfiles
		}
		file, err := filepath.Rel(dir, name)
		out = append(out, buildFile{Tree: filepath.Base(dir), File: file, Context: contextOf(dir, file, stages), dir: dir})
		return err
	})
	return out, err
}

// isBuildFile tells whether a file is called as Dockerfiles are.
func isBuildFile(name string) bool {
	lower := strings.ToLower(name)
	stem, _, _ := strings.Cut(lower, ".")
	switch filepath.Ext(lower) {
	case ".dockerignore", ".md", ".j2", ".erb", ".template", ".tmpl", ".sh", ".py":
		return false
	case ".dockerfile", ".containerfile":
		return true
	}
	stem, _, _ = strings.Cut(stem, "-")
	return stem == "dockerfile" || stem == "containerfile"
}

func parse(data []byte) []instructions.Stage {
	result, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	stages, _, err := instructions.Parse(result.AST, nil)
	if err != nil {
		return nil
	}
	return stages
}

// contextOf is the folder that a Dockerfile is built in, as far as what it
// copies tells: of its own folder and those above, the first that has most.
func contextOf(dir, file string, stages []instructions.Stage) string {
	var sources []string
	for _, s := range stages {
		for _, c := range s.Commands {
			switch c := c.(type) {
			case *instructions.CopyCommand:
				if c.From == "" {
					sources = append(sources, c.SourcePaths...)
				}
			case *instructions.AddCommand:
				sources = append(sources, c.SourcePaths...)
			}
		}
	}
	sources = slices.DeleteFunc(sources, func(s string) bool { return strings.ContainsAny(s, "$:") })
	best, most := filepath.Dir(file), -1
	for at := best; ; at = filepath.Dir(at) {
		found := 0
		for _, s := range sources {
			if names, _ := filepath.Glob(filepath.Join(dir, at, s)); len(names) > 0 { // a bad pattern matches nothing
				found++
			}
		}
		if found > most {
			best, most = at, found
		}
		if at == "." {
			return best
		}
	}
}
