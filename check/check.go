// Package check runs rules over a build file or a Dockerfile: it reads what they
// look at, gives it to each of them, and takes out what the user allows. The rules
// themselves are in package rules, the reading of a Dockerfile in check/dockerfile.
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

	// Check reads the text, and contract looks into the built setup; a rule
	// has one of them, or both.
	Check, Contract func(*Pass)
	// History tells that it needs to know how often files change.
	History bool
	// Dockerfile reads a Dockerfile, in check's place; nil for a rule that it
	// has no answer for.
	Dockerfile func(*Pass)
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

	// Setup is the root of the built setup, for Contract. Its symbolic links are
	// followed by the rules, inside of it.
	Setup fs.FS
	// Path is the image's PATH, "" where the base is not known.
	Path string
	// Changes counts how often each context file changed, nil where there is
	// no history.
	Changes map[string]int

	// Dockerfile is set where all this was read from a Dockerfile.
	Dockerfile *Dockerfile
}

// Checker is an input whose scripts have been read, which is most of the work.
// It answers one question at a time.
type Checker struct{ tree *Tree }

// Read reads an input's scripts for these rules.
func Read(in Input, rules []Rule) *Checker { return &Checker{newTree(&in, rules)} }

// Run checks the text: the build file, its scripts, and what will be built.
// Findings come in the order of files (the build file first) and lines, and
// are the same for the same input.
func (r *Checker) Run() []Finding {
	t := r.on(nil, r.tree.Input.Path) // what was found must not depend on whether it is known already
	return t.run(func(r Rule) func(*Pass) {
		if t.Input.Dockerfile != nil {
			return r.Dockerfile
		}
		if r.History && t.Input.Changes == nil {
			return nil
		}
		return r.Check
	})
}

// Contract checks the entrypoint against the root of a built setup, with the
// image's PATH: what scripts run, source and name is there. It repeats nothing
// of what Run finds.
func (r *Checker) Contract(setup fs.FS, path string) []Finding {
	return r.on(setup, path).run(func(r Rule) func(*Pass) { return r.Contract })
}

// on is the tree with another setup.
func (r *Checker) on(setup fs.FS, path string) *Tree {
	in, t := *r.tree.Input, *r.tree
	in.Setup, in.Path, t.Input = setup, path, &in
	return &t
}

func (t *Tree) run(part func(Rule) func(*Pass)) []Finding {
	in := t.Input
	var out []Finding
	judged := map[string]bool{}
	for _, r := range t.rules {
		check := part(r)
		if check == nil || skipped(in.Config, r.Name) {
			continue
		}
		check(&Pass{Tree: t, rule: r, out: &out})
		// Of a rule with two parts, neither can tell that an allowance is of
		// no use to the other.
		judged[r.Name] = r.Check == nil || r.Contract == nil || in.Dockerfile != nil
	}
	if d := in.Dockerfile; d != nil {
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

// Merge puts together what Run found in a Dockerfile and what BuildKit's own
// checks did. A secret that both see is told of once, in BuildKit's words.
func Merge(own, buildkit []Finding, file string) []Finding {
	own = slices.DeleteFunc(own, func(f Finding) bool {
		return f.Rule == "SecretInArg" && slices.ContainsFunc(buildkit, func(b Finding) bool {
			return b.Rule == "SecretsUsedInArgOrEnv" && f.File == file && b.Range.Start.Line <= f.Range.Start.Line && f.Range.Start.Line <= b.Range.End.Line
		})
	})
	out := slices.Concat(own, buildkit)
	sortFindings(out, file)
	return out
}
