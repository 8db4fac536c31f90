package dockerfile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	yaml "github.com/goccy/go-yaml/parser"
	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Kind is what a file that describes an image is written in.
type Kind int

// The kinds of files.
const (
	// BuildFile is pgstrata's own: a YAML mapping.
	BuildFile Kind = iota
	// Dockerfile starts with FROM or ARG.
	Dockerfile
)

// Detect tells a build file from a Dockerfile by its content. A file that is
// empty, that is neither, or that has lines of both, is an error that says so.
func Detect(name string, data []byte) (Kind, error) {
	if isMapping(data) {
		return BuildFile, nil
	}
	result, err := parser.Parse(bytes.NewReader(data))
	if err != nil && startsDockerfile(data) {
		return Dockerfile, nil // BuildKit's parser says what is wrong
	}
	if err != nil || len(result.AST.Children) == 0 {
		if len(bytes.TrimSpace(withoutComments(data))) == 0 {
			return 0, fmt.Errorf("%s is empty: it needs a base at least (base: debian:bookworm-slim), or a Dockerfile's FROM", name)
		}
		return BuildFile, nil // its reader says what is wrong
	}
	first := result.AST.Children[0]
	if !isStart(first.Value) {
		if line := lineOf(result.AST, isFrom); line > 0 && isKey(first.Value) {
			return 0, bothError(name, first.StartLine, line)
		}
		if !isKey(first.Value) && first.Next == nil {
			return BuildFile, nil
		}
		if key, rest, ok := strings.Cut(first.Value, ":"); rest != "" && ok && (key == "base" || key == "version") {
			return 0, fmt.Errorf("%s: line %d: a space is missing behind the colon: write %s: %s", name, first.StartLine, key, rest)
		}
		if side := unmerged(data); side > 0 {
			return 0, fmt.Errorf("%s: line %d is left over from a merge: keep one side of it, and take out the lines that begin with <<<<<<<, ======= and >>>>>>>", name, side)
		}
		if key, _, ok := strings.Cut(first.Value, "："); ok {
			return 0, fmt.Errorf("%s: line %d: the colon behind %s is another sign that looks like one (U+FF1A)", name, first.StartLine, key)
		}
		if !isKey(first.Value) {
			return 0, fmt.Errorf("%s is neither a build file nor a Dockerfile: line %d starts with %q; a build file is a YAML mapping (base: …), a Dockerfile starts with FROM or ARG",
				name, first.StartLine, first.Value)
		}
		return BuildFile, nil
	}
	if line := lineOf(result.AST, func(n *parser.Node) bool { return isKey(n.Value) }); line > 0 {
		return 0, bothError(name, line, first.StartLine)
	}
	return Dockerfile, nil
}

// unmerged is the first line that a merge has left in a file, 0 for none.
func unmerged(data []byte) int {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if bytes.HasPrefix(line, []byte("<<<<<<< ")) {
			return n
		}
	}
	return 0
}

func bothError(name string, key, from int) error {
	return fmt.Errorf("%s is both a build file and a Dockerfile: line %d is a key of the one, line %d an instruction of the other; keep one of them", name, key, from)
}

// isMapping reports whether the data is YAML, and a mapping.
func isMapping(data []byte) bool {
	f, err := yaml.ParseBytes(data, 0)
	if err != nil || len(f.Docs) == 0 {
		return false
	}
	switch f.Docs[0].Body.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

// startsDockerfile reports whether the first word is one that a Dockerfile
// starts with.
func startsDockerfile(data []byte) bool {
	words := bytes.Fields(withoutComments(data))
	return len(words) > 0 && isStart(string(words[0]))
}

func isStart(word string) bool {
	return strings.EqualFold(word, command.From) || strings.EqualFold(word, command.Arg)
}

// isKey reports whether an instruction's name looks like a key of a mapping
// instead.
func isKey(word string) bool {
	_, known := command.Commands[strings.ToLower(word)]
	return !known && strings.HasSuffix(word, ":")
}

func isFrom(n *parser.Node) bool { return strings.EqualFold(n.Value, command.From) && n.Next != nil }

// lineOf returns the line of the first instruction that is wanted, 0 for none.
func lineOf(root *parser.Node, want func(*parser.Node) bool) int {
	for _, n := range root.Children {
		if want(n) {
			return n.StartLine
		}
	}
	return 0
}

func withoutComments(data []byte) []byte {
	var out []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			out = append(out, line...)
		}
	}
	return bytes.TrimPrefix(out, []byte("\xef\xbb\xbf"))
}
