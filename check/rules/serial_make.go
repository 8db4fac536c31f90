package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
)

func serialMake() check.Rule {
	return check.Rule{
		Name:        "SerialMake",
		Severity:    check.Warning,
		Description: "A compilation uses every processor.",
		Check:       checkSerialMake,
		Dockerfile:  checkSerialMake,
	}
}

func checkSerialMake(p *check.Pass) {
	for _, u := range p.Setup {
		if setsJobs(p, u) || isGo(p, u) {
			continue
		}
		for s, c := range u.Calls() {
			if compiles(c) && !tellsOfItself(c) && !makefileSetsJobs(p, u, c) && !slices.ContainsFunc(c.Args, isJobs) && !slices.ContainsFunc(c.Args, unknownOptions) {
				p.Call(s, c, `%s runs one compiler at a time; add -j"$(nproc)"`, c.Name)
				if c.Command.Text == c.Name { // a word that stands there
					p.Fix(check.Behind(c.Command.End), ` -j"$(nproc)"`)
				}
			}
		}
	}
}

// setsJobs tells whether a program sets the jobs for all of its make calls.
func setsJobs(p *check.Pass, u *check.Unit) bool {
	for _, a := range u.Assigns() {
		if a.Name == "MAKEFLAGS" || a.Name == "CMAKE_BUILD_PARALLEL_LEVEL" {
			return true
		}
	}
	if s := stageOf(p.Tree, u); s != nil {
		for _, step := range s.All() {
			if _, ok := step.Scope.Env["MAKEFLAGS"]; ok && step.Start == u.Node.At.Start.Line {
				return true
			}
		}
	}
	return slices.ContainsFunc(u.Node.Env, func(v graph.Var) bool { return v.Name == "MAKEFLAGS" })
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
	goals := check.Operands(c, "-C", "-f", "-I", "-o", "-W", "--directory", "--file", "--makefile")
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
func isGo(p *check.Pass, u *check.Unit) bool {
	if slices.ContainsFunc(check.ReferenceParts(p.RootOf(u)), func(part string) bool { return check.IsNumbered(part, "golang") || part == "go" }) {
		return true
	}
	return slices.ContainsFunc(p.Setup, func(other *check.Unit) bool {
		return (other == u || stageOf(p.Tree, u) != nil && stageOf(p.Tree, u) == stageOf(p.Tree, other)) && worksOnGo(p, other)
	})
}

// worksOnGo tells whether a program speaks of Go's tool or where it is.
func worksOnGo(p *check.Pass, u *check.Unit) bool {
	speaks := func(text string) bool {
		return slices.ContainsFunc([]string{"GOROOT", "GOPATH", "/go/bin", "/go/src", "/go/pkg", "golang.org", "go.dev/dl"}, func(s string) bool { return strings.Contains(text, s) })
	}
	for _, s := range u.Scripts {
		if !p.Inline(s) && speaks(string(p.Text(s.Path))) {
			return true
		}
	}
	for s, a := range u.Assigns() {
		if p.Inline(s) && (speaks(a.Name) || speaks(a.Value.Text)) {
			return true
		}
	}
	for s, c := range u.Calls() {
		if p.Inline(s) && (c.Name == "go" || installsGo(c) || slices.ContainsFunc(c.Args, func(w shell.Word) bool { return speaks(w.Text) })) {
			return true
		}
	}
	return false
}

// installsGo tells whether a command installs Go's compiler as a package.
func installsGo(c *shell.Call) bool {
	return check.InstallsPackages(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Is("go") || strings.HasPrefix(w.Value, "golang") })
}

// makefileSetsJobs tells whether the Makefile that a call of make reads, where it
// is one of the build context, asks for jobs by itself.
func makefileSetsJobs(p *check.Pass, u *check.Unit, c *shell.Call) bool {
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
		text := contextText(p, u, path.Join(dir, name))
		if slices.ContainsFunc([]string{" -j", "MAKEFLAGS", "--parallel", "ninja", "cargo ", "go build", "go install"}, func(s string) bool { return strings.Contains(text, s) }) {
			return true
		}
	}
	return false
}

// contextText is the text of the context's file that a setup script finds at a
// path, "" if none is known to be there.
func contextText(p *check.Pass, u *check.Unit, target string) string {
	if s := stageOf(p.Tree, u); s != nil {
		for _, step := range s.All() {
			if step.Copy == nil {
				continue
			}
			for _, f := range step.Copy.Files {
				if f.Target == target {
					return string(p.Text(f.Source))
				}
			}
		}
		return ""
	}
	if name, ok := strings.CutPrefix(target, graph.ContextMount+"/"); ok {
		return string(p.Text(name))
	}
	return ""
}
