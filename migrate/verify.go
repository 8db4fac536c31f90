package migrate

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// RefusedError is why pgstrata would refuse what was made of a Dockerfile: a mistake
// of this package.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("pgstrata would refuse what it becomes, which is a bug of migrate: %v", e.Err)
}

// Unwrap returns what pgstrata says.
func (e *RefusedError) Unwrap() error { return e.Err }

// verify reads what was written, as pgstrata will.
func (m *migration) verify(out *Result) error {
	f, given, err := m.accepted(out.BuildFile)
	if err != nil {
		return &RefusedError{err}
	}
	for _, name := range keys(given) {
		out.Missing = append(out.Missing, name)
		m.report.note(m.where(m.arg(name).lines[0]), "%s has no default, and a build needs a value: --build-arg %[1]s=…", name)
	}
	context := m.overlay()
	if err := f.Discover(context); err != nil {
		return &RefusedError{err}
	}
	if err := m.readable(f); err != nil {
		return err
	}
	g, err := graph.New(f, context, graph.Options{Platform: m.opt.Dockerfile.Platform, Predefined: m.opt.Dockerfile.Predefined})
	if err != nil {
		return &RefusedError{err}
	}
	m.cached(g)
	left := map[string][]int{} // lines that install what a stage leaves behind
	for _, finding := range rules.Run(check.Input{File: f, Text: out.BuildFile, Graph: g, Context: context}) {
		if finding.Severity == check.Error {
			m.report.note(fmt.Sprintf("%s:%d", finding.File, finding.Range.Start.Line), "a build ends with this: %s", finding.Message)
		}
		if finding.Rule == "PackagesInIsolatedScript" {
			left[finding.File] = append(left[finding.File], finding.Range.Start.Line)
		}
	}
	for _, name := range keys(left) {
		if f := m.generated[name]; f != nil {
			f.Data = allowing(name, f.Data, left[name])
		}
	}
	return nil
}

// allowing says above lines of a stage's script that its packages are meant to be
// left behind, as the Dockerfile does.
func allowing(name string, data []byte, at []int) []byte {
	lines := strings.Split(string(data), "\n")
	slices.Sort(at)
	for _, number := range slices.Backward(slices.Compact(at)) {
		line := lines[number-1]
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		lines = slices.Insert(lines, number-1, indent+"# pgstrata: allow=PackagesInIsolatedScript the stage leaves them behind, too")
	}
	out := []byte(strings.Join(lines, "\n"))
	if _, err := interp.Parse(name, out); err != nil {
		return data // within a text, or behind a line that goes on
	}
	return out
}

// readable reports a script whose text no shell can read, as its own cannot: that is
// no mistake of this package.
func (m *migration) readable(f *spec.File) error {
	for _, s := range slices.Concat(f.Setup.Scripts, f.Setup.FinalCleanup) {
		program, err := m.loader().Load(s.Path.Value, interp.Options{Dir: "/"})
		var broken *shell.SyntaxError
		switch {
		case !errors.As(err, &broken):
		case m.generated[s.Path.Value] != nil:
			return fmt.Errorf("the commands of a RUN, of which it would make %s, are none that a shell can read: %w", s.Path.Value, broken)
		case program != nil:
			return fmt.Errorf("one of its scripts cannot be read: %w", broken)
		}
	}
	return nil
}

// mostUnset is how many args without default are tried with values of both
// kinds.
const mostUnset = 6

// accepted loads a build file. Where that takes values of args that have none, it
// finds some, and returns them.
func (m *migration) accepted(text []byte) (f *spec.File, given map[string]string, err error) {
	load := func(more map[string]string) (*spec.File, error) {
		args := map[string]string{}
		for name, v := range m.opt.Dockerfile.Args {
			args[name] = v
		}
		for name, v := range more {
			args[name] = v
		}
		return spec.Load(m.opt.Name, text, spec.Options{BuildArgs: args, Predefined: m.opt.Dockerfile.Predefined})
	}
	if f, err = load(nil); err == nil {
		return f, nil, nil
	}
	var unset []string
	for _, a := range m.out.args {
		if _, is := m.opt.Dockerfile.Args[a.name]; a.unset && a.text == "" && !is {
			unset = append(unset, a.name)
		}
	}
	for bits := range 1 << min(len(unset), mostUnset) {
		given = map[string]string{}
		for i, name := range unset {
			given[name] = "1"
			if bits>>i&1 == 1 {
				given[name] = "/1" // it is a path
			}
		}
		f, second := load(given)
		if second != nil && bits == 0 {
			err = second
		}
		if second == nil {
			for _, name := range unset { // those that are needed
				v := given[name]
				delete(given, name)
				if _, err := load(given); err != nil {
					given[name] = v
				}
			}
			return f, given, nil
		}
	}
	return nil, nil, err
}

// fits reports whether pgstrata takes a key of image as it is; what it refuses is
// lost, and told.
func (m *migration) fits(step *dockerfile.Step, n *node) bool {
	root := mapping("", str("base", "scratch.invalid/base"))
	root.pairs = append(root.pairs, m.argsNode()...)
	root.pairs = append(root.pairs, block(mapping("image", n)))
	_, _, err := m.accepted([]byte(document(root)))
	if err == nil {
		return true
	}
	why := err.Error()
	if list := spec.AsErrors(err); len(list) > 0 {
		why = list[0].Msg
	}
	m.report.went(step.Start, Lost, "pgstrata refuses it: %s", why)
	return false
}
