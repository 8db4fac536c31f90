package plan

import (
	"encoding/json"
	"slices"

	"github.com/pgstrata/pgstrata/graph"
)

// repositories are what counts of the package repositories, in each step that
// may ask them: what they are, and their keys.
func (b *builder) repositories() ([]Part, error) {
	var parts []Part
	for _, r := range b.graph.Toolchain.Repositories {
		var files []string
		if r.Key != nil && r.Key.Path != "" {
			files = append(files, r.Key.Path)
		}
		part, err := b.described("repository", r.Name, r, files)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// sources are what counts of a script's sources: where they are, what they are
// pinned to, and the context files that change or verify them. What an archive
// holds is known to a build alone: it may run nothing where this says that a
// script runs.
func (b *builder) sources(script *graph.Script) ([]Part, error) {
	var parts []Part
	for _, name := range script.Sources {
		s := b.graph.Source(name)
		files := slices.Clone(s.Patches)
		for _, file := range []string{s.Signature, s.SignedBy} {
			if file != "" {
				files = append(files, file)
			}
		}
		part, err := b.described("source", name, s, files)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return parts, nil
}

// described is a part whose value is all that is known of it, and the digests of
// its files.
func (b *builder) described(kind, name string, what any, files []string) (Part, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return Part{}, err
	}
	for _, file := range files {
		sum, err := b.files.digest(file)
		if err != nil {
			return Part{}, err
		}
		text = append(text, " "+sum...)
	}
	return Part{Kind: kind, Name: name, Value: string(text)}, nil
}
