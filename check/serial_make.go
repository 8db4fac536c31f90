package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
)

func serialMake() Rule {
	return Rule{
		Name:        "SerialMake",
		Severity:    Warning,
		Description: "A compilation uses every processor.",
		check:       checkSerialMake,
		dockerfile:  checkSerialMake,
	}
}

func checkSerialMake(p *pass) {
	for _, u := range p.setup {
		if u.setsJobs() || p.isGo(u) {
			continue
		}
		for s, c := range u.calls() {
			if compiles(c) && !slices.ContainsFunc(c.Args, isJobs) && !slices.ContainsFunc(c.Args, unknownOptions) {
				p.call(s, c, `%s runs one compiler at a time; add -j"$(nproc)"`, c.Name)
				if c.Command.Text == c.Name { // a word that stands there
					p.fix(behind(c.Command.End), ` -j"$(nproc)"`)
				}
			}
		}
	}
}

// setsJobs tells whether a program sets the jobs for all of its make calls.
func (u *unit) setsJobs() bool {
	for _, a := range u.assigns() {
		if a.Name == "MAKEFLAGS" || a.Name == "CMAKE_BUILD_PARALLEL_LEVEL" {
			return true
		}
	}
	return slices.ContainsFunc(u.node.Env, func(v graph.Var) bool { return v.Name == "MAKEFLAGS" })
}

// compiles tells whether a call is a build that could run several jobs and
// does not by itself.
func compiles(c *shell.Call) bool {
	switch c.Name {
	case "make", "gmake":
	case "cmake":
		return c.HasArg("--build")
	default:
		return false
	}
	goals := operands(c, "-C", "-f", "-I", "-o", "-W", "--directory", "--file", "--makefile")
	goals = slices.DeleteFunc(goals, func(w shell.Word) bool { return strings.Contains(w.Value, "=") })
	short := func(w shell.Word) bool {
		for _, goal := range []string{"install", "clean", "distclean", "check", "test", "uninstall"} {
			if strings.HasPrefix(w.Value, goal) || strings.HasSuffix(w.Value, "-"+goal) {
				return true
			}
		}
		return false
	}
	return len(goals) == 0 || !slices.ContainsFunc(goals, short)
}

// isJobs tells whether a word is make's option for parallel jobs.
func isJobs(w shell.Word) bool {
	v := w.Value
	return strings.HasPrefix(v, "--jobs") || strings.HasPrefix(v, "--parallel") || v == "-l" ||
		strings.HasPrefix(v, "-") && !strings.HasPrefix(v, "--") && strings.Contains(v, "j") && v != "-j1"
}

// unknownOptions tells whether a word may hold any options.
func unknownOptions(w shell.Word) bool { return w.Splits && !w.Known }

// isGo tells whether a program works on Go's sources: Go's own tool runs its
// compilers beside each other, whatever make is told.
func (p *pass) isGo(u *unit) bool {
	if slices.ContainsFunc(referenceParts(p.rootOf(u)), func(part string) bool { return isNumbered(part, "golang") || part == "go" }) {
		return true
	}
	return slices.ContainsFunc(p.setup, func(other *unit) bool {
		return (other == u || p.stageOf(u) != nil && p.stageOf(u) == p.stageOf(other)) && p.worksOnGo(other)
	})
}

// worksOnGo tells whether a program speaks of Go's tool or where it is.
func (p *pass) worksOnGo(u *unit) bool {
	speaks := func(text string) bool {
		return slices.ContainsFunc([]string{"GOROOT", "GOPATH", "/go/bin", "/go/src", "/go/pkg", "golang.org", "go.dev/dl"}, func(s string) bool { return strings.Contains(text, s) })
	}
	for _, s := range u.scripts {
		if !p.inline(s) && speaks(string(p.text(s.Path))) {
			return true
		}
	}
	for s, a := range u.assigns() {
		if p.inline(s) && (speaks(a.Name) || speaks(a.Value.Text)) {
			return true
		}
	}
	for s, c := range u.calls() {
		if p.inline(s) && (c.Name == "go" || slices.ContainsFunc(c.Args, func(w shell.Word) bool { return speaks(w.Text) })) {
			return true
		}
	}
	return false
}
