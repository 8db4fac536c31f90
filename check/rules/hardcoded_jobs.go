package rules

import (
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func hardcodedJobs() check.Rule {
	return check.Rule{
		Name:        "HardcodedJobs",
		Severity:    check.Warning,
		Description: "The number of parallel jobs follows the machine that builds.",
		Check:       checkHardcodedJobs,
		Dockerfile:  checkHardcodedJobs,
	}
}

func checkHardcodedJobs(p *check.Pass) {
	for _, u := range p.Setup {
		for s, c := range u.Calls() {
			switch c.Name {
			case "make", "gmake", "ninja", "samu", "cmake", "ccmake", "meson", "scons":
				for i, w := range c.Args {
					if n := jobsIn(c, i); n > 1 && isLiteral(w) {
						p.Word(s, w, `%d jobs are too many for a small machine and too few for a large one; write -j"$(nproc)"`, n)
						if !strings.HasSuffix(w.Text, strconv.Itoa(n)) && i+1 < len(c.Args) {
							w = c.Args[i+1] // -j 4
						}
						if option, ok := strings.CutSuffix(w.Text, strconv.Itoa(n)); ok {
							p.Fix(check.Span(w.Pos, w.End), option+`"$(nproc)"`)
						}
					}
				}
			}
		}
		for s, a := range u.Assigns() {
			if a.Name != "MAKEFLAGS" && a.Name != "CMAKE_BUILD_PARALLEL_LEVEL" || !isLiteral(a.Value) {
				continue
			}
			if n, err := strconv.Atoi(strings.TrimLeft(a.Value.Value, "-jobs= ")); err == nil && n > 1 {
				p.At(s.Path, check.Span(a.Pos, a.End), `%d jobs are too many for a small machine and too few for a large one; write %s="-j$(nproc)"`, n, a.Name)
			}
		}
	}
}

// jobsIn is the number of jobs that the i-th argument asks for, or 0.
func jobsIn(c *shell.Call, i int) int {
	v := c.Args[i].Value
	for _, option := range []string{"-j", "--jobs", "--parallel"} {
		rest, ok := strings.CutPrefix(v, option)
		if !ok {
			continue
		}
		rest = strings.TrimPrefix(rest, "=")
		if rest == "" {
			rest = c.Arg(i + 1)
			if i+1 < len(c.Args) && !isLiteral(c.Args[i+1]) {
				return 0
			}
		}
		n, _ := strconv.Atoi(rest) // not a number: not hard-coded
		return n
	}
	return 0
}
