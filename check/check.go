// Package check holds the rules: what makes PostgreSQL images slow, bloated,
// insecure or broken at start-up, found in the build file and its scripts
// before anything is built, and in the built setup where only that can tell.
//
// A rule is one file. It reads the build file (package spec), what the scripts
// do (package shell) and what will be built (package graph), and reports
// findings with file and line. A rule that has to guess says "may".
package check

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// Severity is how bad a finding is, and how certain: what is not certain is a
// note.
type Severity string

const (
	// Error is for what is sure to fail in a build or in a container, or to be
	// unsafe; it ends an ordinary build.
	Error Severity = "error"
	// Warning is for what is certain, and costs something.
	Warning Severity = "warning"
	// Note is for what may be: the rule had to guess.
	Note Severity = "note"
)

// Rule is one rule.
type Rule struct {
	// Name is what findings, allowances and `# check=skip=` call it.
	Name string
	// Severity is that of its findings, but for those that may be wrong, which
	// are notes.
	Severity Severity
	// Description is one sentence.
	Description string

	// check reads the text, and contract looks into the built setup; a rule
	// has one of them, or both.
	check, contract func(*pass)
	// history tells that it needs to know how often files change.
	history bool
	// dockerfile reads a Dockerfile, in check's place; nil for a rule that it
	// has no answer for.
	dockerfile func(*pass)
}

// URL is the address of the rule's page.
func (r Rule) URL() string { return URL(r.Name) }

// URL is the address of a rule's page.
func URL(name string) string {
	return "https://github.com/pgstrata/pgstrata/blob/main/docs/rules/" + name + ".md"
}

// Finding is one mistake.
type Finding struct {
	// Rule is the rule's name.
	Rule string
	// Severity is how bad it is.
	Severity Severity
	// Description is the rule's.
	Description string
	// URL is the address of the page of a rule that is not this package's.
	URL string
	// File is the build file's name, or a script's path in the context.
	File string
	// Range is the place in it. It is never zero: what has no place is said of
	// the first line.
	Range spec.Range
	// Message says what is wrong and what to do.
	Message string
	// Fix is the edit that cures it, nil where that is not mechanical.
	Fix *Fix
}

// Fix is a replacement of a place in the finding's file.
type Fix struct {
	// Range is what is replaced. Its End is the last character, as in a finding;
	// with End before Start, the text is put in front of Start.
	Range spec.Range
	// Text takes its place.
	Text string
}

// Page is the address of the rule's page.
func (f Finding) Page() string { return cmp.Or(f.URL, URL(f.Rule)) }

// String is the finding in one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", f.File, f.Range.Start.Line, f.Range.Start.Column, f.Rule, f.Message)
}

// Input is what is checked.
type Input struct {
	// File is the build file, completed by its Discover; Text is its content.
	File *spec.File
	Text []byte
	// Graph is what graph.New made of it.
	Graph *graph.Graph
	// Context is the build context that both were made from.
	Context fs.FS
	// Config says which rules are skipped; nil skips none.
	Config *linter.Config

	// Setup is the root of the built setup state, for Contract. Its symbolic
	// links are followed by the rules, inside of it.
	Setup fs.FS
	// Path is the image's PATH, "" where the base is not known.
	Path string
	// Changes counts how often each context file changed, nil where there is
	// no history.
	Changes map[string]int

	// dockerfile is set where all this was read from a Dockerfile.
	dockerfile *dockerfileFacts
}

// Run checks the text: the build file, its scripts, and what will be built.
// Findings come in the order of files (the build file first) and lines, and
// are the same for the same input.
func Run(in Input) []Finding { return Read(in).Run() }

// Contract checks the entrypoint against the built setup: what scripts run,
// source and name is there. It repeats nothing of what Run finds.
func Contract(in Input) []Finding { return Read(in).Contract(in.Setup, in.Path) }

// Checker is an input whose scripts have been read, which is most of the work.
// It answers one question at a time.
type Checker struct{ tree *tree }

// Read reads an input's scripts.
func Read(in Input) *Checker { return &Checker{newTree(&in)} }

// Run is the function of that name.
func (r *Checker) Run() []Finding {
	t := r.on(nil, r.tree.in.Path) // what was found must not depend on whether it is known already
	return t.run(func(r Rule) func(*pass) {
		if t.in.dockerfile != nil {
			return r.dockerfile
		}
		if r.history && t.in.Changes == nil {
			return nil
		}
		return r.check
	})
}

// Contract is the function of that name, for the root of a built setup and the
// image's PATH.
func (r *Checker) Contract(setup fs.FS, path string) []Finding {
	return r.on(setup, path).run(func(r Rule) func(*pass) { return r.contract })
}

// on is the tree with another setup.
func (r *Checker) on(setup fs.FS, path string) *tree {
	in, t := *r.tree.in, *r.tree
	in.Setup, in.Path, t.in = setup, path, &in
	return &t
}

func (t *tree) run(part func(Rule) func(*pass)) []Finding {
	in := t.in
	var out []Finding
	judged := map[string]bool{}
	for _, r := range Rules() {
		check := part(r)
		if check == nil || skipped(in.Config, r.Name) {
			continue
		}
		check(&pass{tree: t, rule: r, out: &out})
		// Of a rule with two parts, neither can tell that an allowance is of
		// no use to the other.
		judged[r.Name] = r.check == nil || r.contract == nil || in.dockerfile != nil
	}
	if d := in.dockerfile; d != nil {
		out = slices.DeleteFunc(out, func(f Finding) bool { return f.File == in.Graph.File && d.skipped(&f) })
	}
	out = t.allow(unique(out), judged)
	sortFindings(out, in.Graph.File)
	return out
}

// unique drops what several programs say of the one helper that they share, and
// what is said twice of a line: what can be fixed is a finding for each place.
func unique(list []Finding) []Finding {
	type key struct {
		rule, file, message string
		start               spec.Position
	}
	seen := map[key]bool{}
	return slices.DeleteFunc(list, func(f Finding) bool {
		k := key{f.Rule, f.File, f.Message, f.Range.Start}
		if f.Fix == nil {
			k.start.Column = 0
		}
		dup := seen[k]
		seen[k] = true
		return dup
	})
}

func sortFindings(list []Finding, first string) {
	slices.SortStableFunc(list, func(a, b Finding) int {
		if a.File != b.File && (a.File == first || b.File == first) {
			if a.File == first {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
			cmp.Compare(a.Range.Start.Column, b.Range.Start.Column),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Message, b.Message),
		)
	})
}
