package check

import (
	"path"
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
			if compiles(c) && !p.makefileSetsJobs(u, c) && !slices.ContainsFunc(c.Args, isJobs) && !slices.ContainsFunc(c.Args, unknownOptions) {
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
	if c.Name == "cmake" {
		goals = nil // its folder
		if i := slices.IndexFunc(c.Args, func(w shell.Word) bool { return w.Is("--target") || w.Is("-t") }); i >= 0 {
			goals = c.Args[i+1:]
		}
	}
	return len(goals) == 0 || slices.ContainsFunc(goals, compilesGoal) && !slices.ContainsFunc(goals, short)
}

// compilesGoal tells whether a goal of make is called as those that compile: what
// others do, only their Makefile says.
func compilesGoal(w shell.Word) bool {
	return slices.ContainsFunc([]string{"all", "build", "world", "release", "compile", "bin", "lib", "static", "shared", "stage", "bootstrap", "bzImage", "vmlinux", "modules"},
		func(start string) bool { return strings.HasPrefix(w.Value, start) })
}

// short tells whether a goal of make takes no compiler long.
func short(w shell.Word) bool {
	return slices.ContainsFunc([]string{"install", "clean", "distclean", "check", "test", "uninstall"}, func(goal string) bool {
		return strings.HasPrefix(w.Value, goal) || strings.HasSuffix(w.Value, goal)
	})
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
		if p.inline(s) && (c.Name == "go" || installsGo(c) || slices.ContainsFunc(c.Args, func(w shell.Word) bool { return speaks(w.Text) })) {
			return true
		}
	}
	return false
}

// installsGo tells whether a command installs Go's compiler as a package.
func installsGo(c *shell.Call) bool {
	return installsPackages(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Is("go") || strings.HasPrefix(w.Value, "golang") })
}

// makefileSetsJobs tells whether the Makefile that a call of make reads, where it
// is one of the build context, asks for jobs by itself.
func (p *pass) makefileSetsJobs(u *unit, c *shell.Call) bool {
	dir, names := c.Dir, []string{"GNUmakefile", "makefile", "Makefile"}
	for i, w := range c.Args {
		switch {
		case i+1 == len(c.Args):
		case w.Is("-C") || w.Is("--directory"):
			dir = path.Join(dir, c.Args[i+1].Value)
		case w.Is("-f") || w.Is("--file"):
			names = []string{c.Args[i+1].Value}
		}
	}
	if dir == "" {
		return false
	}
	for _, name := range names {
		text := p.contextText(u, path.Join(dir, name))
		if slices.ContainsFunc([]string{" -j", "MAKEFLAGS", "--parallel", "ninja", "cargo ", "go build", "go install"}, func(s string) bool { return strings.Contains(text, s) }) {
			return true
		}
	}
	return false
}

// contextText is the text of the context's file that a setup script finds at a
// path, "" if none is known to be there.
func (p *pass) contextText(u *unit, target string) string {
	if s := p.stageOf(u); s != nil {
		for _, step := range s.All() {
			if step.Copy == nil {
				continue
			}
			for _, f := range step.Copy.Files {
				if f.Target == target {
					return string(p.text(f.Source))
				}
			}
		}
		return ""
	}
	if name, ok := strings.CutPrefix(target, graph.ContextMount+"/"); ok {
		return string(p.text(name))
	}
	return ""
}
