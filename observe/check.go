package observe

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/trace"
)

// Kind is what is wrong with a declaration.
type Kind string

// Kinds of findings.
const (
	MissingNeed     Kind = "MissingNeed"
	UnneededNeed    Kind = "UnneededNeed"
	MissingOutput   Kind = "MissingOutput"
	UnmadeOutput    Kind = "UnmadeOutput"
	UndeclaredInput Kind = "UndeclaredInput"
	UnreadInput     Kind = "UnreadInput"
	NotObserved     Kind = "NotObserved"
)

// Finding is a declaration that is not what happens.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Script string `json:"script"`
	// Text says what, with the path that shows it.
	Text string `json:"text"`
	// At is the script's place in the build file.
	At spec.Range `json:"-"`
}

// String is the finding in a line.
func (f Finding) String() string { return string(f.Kind) + ": " + f.Script + " " + f.Text }

// Check compares what the build file declares with what happened.
func (c *Chain) Check() []Finding {
	var out []Finding
	for i, s := range c.Scripts {
		add := func(kind Kind, format string, args ...any) {
			out = append(out, Finding{Kind: kind, Script: s.Name, Text: fmt.Sprintf(format, args...), At: s.At})
		}
		for _, what := range s.Record.Unknown {
			add(NotObserved, "could not be followed: %s", what)
		}
		if len(s.Record.Unknown) > 0 && len(s.Record.Paths) == 0 {
			continue
		}
		c.checkNeeds(i, add)
		c.checkOutputs(i, add)
		c.checkInputs(i, add)
	}
	return out
}

type addFinding func(kind Kind, format string, args ...any)

func (c *Chain) checkNeeds(index int, add addFinding) {
	s := c.Scripts[index]
	needs := c.needsOf(index)
	if s.Cleanup {
		for _, need := range needs {
			if c.script(need.On).Isolated() && !slices.Contains(s.Sees, need.On) && need.Did&(trace.Read|trace.Executed) != 0 {
				add(MissingNeed, "%s, whose work a cleanup script does not see", need)
			}
		}
		return
	}
	for _, need := range needs {
		if !slices.Contains(s.Sees, need.On) {
			add(MissingNeed, "%s, and does not need it", need)
		}
	}
	for _, name := range s.Needs {
		used := slices.ContainsFunc(needs, func(need Need) bool {
			// What it reads may have come by a need of the other.
			return need.On == name || slices.Contains(c.script(name).Sees, need.On) && !c.seenWithout(s, name, need.On)
		})
		if !used {
			add(UnneededNeed, "needs %s, and reads nothing of it", name)
		}
	}
}

// seenWithout tells whether a script sees another one by its own needs, but for
// one of these.
func (c *Chain) seenWithout(s *Script, without, other string) bool {
	return slices.ContainsFunc(s.Needs, func(name string) bool {
		return name != without && (name == other || slices.Contains(c.script(name).Sees, other))
	})
}

func (c *Chain) checkOutputs(index int, add addFinding) {
	s := c.Scripts[index]
	if !s.Isolated() || s.Auto {
		return
	}
	left := c.contribution(index)
	used := make([]bool, len(s.Outputs))
	var lost []string
	for _, name := range sortedKeys(left) {
		covered := left[name] == trace.Directory && c.above(s, name)
		for i, o := range s.Outputs {
			if matches(o, name) {
				covered, used[i] = true, true
			}
		}
		if !covered && (len(lost) == 0 || !paths.Below(name, lost[len(lost)-1])) {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		add(MissingOutput, "leaves %s, and no output has it", some(lost, 5))
	}
	for _, name := range sortedKeys(s.effects.deleted) {
		if apart(name, trace.File) == nil {
			add(MissingOutput, "deletes %s, which no output can tell", name)
		}
	}
	for i, o := range s.Outputs {
		// What lies apart is an output where somebody says so.
		if !used[i] && !slices.ContainsFunc(s.effects.names(), func(name string) bool { return matches(o, name) }) {
			add(UnmadeOutput, "has the output %s, and leaves nothing there", o)
		}
	}
}

// above tells whether a directory is above an output, so that it comes along.
func (c *Chain) above(s *Script, name string) bool {
	return slices.ContainsFunc(s.Outputs, func(o string) bool {
		fixed, _ := doublestar.SplitPattern(o)
		return paths.Below(o, name) || fixed == name
	})
}

// matches tells whether an output has a path: as itself, by a pattern, or in a
// directory of it.
func matches(output, name string) bool {
	for ; name != "/"; name = path.Dir(name) {
		if ok, err := doublestar.Match(output, name); ok && err == nil || output == name {
			return true
		}
	}
	return false
}

func (c *Chain) checkInputs(index int, add addFinding) {
	s := c.Scripts[index]
	used := make([]bool, len(s.Inputs))
	given := func(name string) (is bool) {
		for i, in := range s.Inputs {
			if in.Path == name || in.Dir && paths.Below("/"+name, "/"+in.Path) {
				is, used[i] = true, true
			}
		}
		return is
	}
	told := map[string]bool{}
	undeclared := func(name, how string) {
		if c.Given(name) && !told[name] {
			told[name] = true
			add(UndeclaredInput, "%s %s of the build context, which is none of its inputs", how, name)
		}
	}
	for _, p := range s.Record.Paths {
		name, is := strings.CutPrefix(p.Name, graph.ContextMount+"/")
		if !is || p.Did&trace.Reads == 0 || strings.HasPrefix(name, "sources/") && !c.Given(name) {
			continue
		}
		switch {
		case given(name):
		case p.Did&trace.Absent != 0 && !missedBelow(s.Record, p.Name):
			undeclared(name, "looks for")
		}
		if p.Did&trace.Listed == 0 {
			continue
		}
		for _, entry := range c.Entries(name) {
			if full := path.Join(name, entry); !given(full) && !c.way(s, full) {
				undeclared(full, "lists "+name+", and does not see")
			}
		}
	}
	for i, in := range s.Inputs {
		if in.Why == "declared" && !used[i] {
			add(UnreadInput, "has the input %s, and does not read it", in.Path)
		}
	}
}

// way tells whether a path is a directory on the way to an input.
func (c *Chain) way(s *Script, name string) bool {
	return slices.ContainsFunc(s.Inputs, func(in graph.Input) bool { return paths.Below("/"+in.Path, "/"+name) })
}

// missedBelow reports whether something below a path was looked for in vain: that is
// what is told then.
func missedBelow(r *trace.Record, name string) bool {
	return slices.ContainsFunc(r.Paths, func(p trace.Path) bool {
		return p.Did&trace.Absent != 0 && strings.HasPrefix(p.Name, name+"/")
	})
}
