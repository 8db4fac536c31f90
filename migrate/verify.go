package migrate

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/check/rules"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
	"github.com/pgstrata/pgstrata/spec"
)

// RefusedError is why pgstrata would refuse what was made of a Dockerfile: a mistake
// of this package.
type RefusedError struct{ Err error }

// Error says so, and what pgstrata says.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("pgstrata would refuse what it becomes, which is a bug of migrate: %v", e.Err)
}

// Unwrap returns what pgstrata says.
func (e *RefusedError) Unwrap() error { return e.Err }

// verify reads what was written, as pgstrata will. It returns the args that a build
// has to be given.
func verify(m *draft.Draft, text []byte) (missing []string, err error) {
	f, given, err := m.Accepted(text)
	if err != nil {
		return nil, &RefusedError{err}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		missing = append(missing, name)
		m.Report.Note(m.Where(m.Arg(name).Lines[0]), "%s has no default, and a build needs a value: --build-arg %[1]s=…", name)
	}
	context := m.FS()
	if err := f.Discover(context); err != nil {
		return nil, &RefusedError{err}
	}
	if err := readable(m, f); err != nil {
		return nil, err
	}
	g, err := graph.New(f, context, graph.Options{Platform: m.Opt.Platform, Predefined: m.Opt.Predefined})
	if err != nil {
		return nil, &RefusedError{err}
	}
	cached(m, g)
	left := map[string][]int{} // lines that install what a stage leaves behind
	for _, finding := range rules.Run(check.Input{File: f, Text: text, Graph: g, Context: context}) {
		if finding.Severity == check.Error {
			m.Report.Note(fmt.Sprintf("%s:%d", finding.File, finding.Range.Start.Line), "a build ends with this: %s", finding.Message)
		}
		if finding.Rule == "PackagesInIsolatedScript" {
			left[finding.File] = append(left[finding.File], finding.Range.Start.Line)
		}
	}
	for name, lines := range left {
		if f := m.Generated[name]; f != nil {
			f.Data = allowing(name, f.Data, lines)
		}
	}
	return missing, nil
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
func readable(m *draft.Draft, f *spec.File) error {
	for _, s := range slices.Concat(f.Setup.Scripts, f.Setup.FinalCleanup) {
		program, err := m.Loader().Load(s.Path.Value, interp.Options{Dir: "/"})
		var broken *shell.SyntaxError
		switch {
		case !errors.As(err, &broken):
		case m.Generated[s.Path.Value] != nil:
			return fmt.Errorf("the commands of a RUN, of which it would make %s, are none that a shell can read: %w", s.Path.Value, broken)
		case program != nil:
			return fmt.Errorf("one of its scripts cannot be read: %w", broken)
		}
	}
	return nil
}

// cached tells of the folders that lie in cache mounts, and so in no layer.
func cached(m *draft.Draft, g *graph.Graph) {
	var paths []string
	for _, c := range g.Caches() {
		paths = append(paths, c.Target+"/")
		for dir := path.Dir(c.Target); dir != "/"; dir = path.Dir(dir) {
			if strings.HasPrefix(path.Base(dir), ".") || path.Base(path.Dir(dir)) == ".cache" {
				paths = append(paths, dir) // which is there only if something else is in it
			}
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(g.Toolchain.Build)+len(g.RuntimePackages()) > 0 || slices.ContainsFunc(slices.Collect(maps.Values(g.Programs)), cache.CallsApt) {
		paths = append(paths, cache.ListsDir+"/")
	}
	if len(paths) > 0 {
		m.Report.Differ("no layer has what programs keep for the next build", paths, nil)
	}
}
