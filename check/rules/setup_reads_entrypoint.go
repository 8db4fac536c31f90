package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// setupReadsEntrypoint finds what is left once graph.New has refused inputs on
// the entrypoint's side of the boundary: files that a script names without
// their being inputs. None of them is ever mounted, so the script cannot work.
func setupReadsEntrypoint() check.Rule {
	return check.Rule{
		Name:        "SetupReadsEntrypoint",
		Severity:    check.Warning,
		Description: "Setup scripts do not depend on entrypoint files.",
		Check:       checkSetupReadsEntrypoint,
		Dockerfile:  checkSetupReadsEntrypointInDockerfile,
	}
}

func checkSetupReadsEntrypoint(p *check.Pass) {
	for _, u := range p.Setup {
		linked := linkWords(u)
		for _, s := range u.Scripts {
			for _, ref := range s.Paths {
				if ref.Bare || ref.Glob || linked[place{s, ref.Pos}] {
					continue
				}
				if ref.InContext && spec.Matches(p.Input.File.CacheBoundary.VolatileFiles, ref.Context) {
					p.Severe(certainlyRead(s, ref), s.Path, check.Span(ref.Pos, ref.Pos), "%s is an entrypoint file, and setup never sees those: else each edit of it would run setup again; move it to setup/, or let the entrypoint do this", ref.Context)
				}
				if f, ok := p.Targets[ref.Path]; ok && ref.Access != shell.AccessWrite && !copiesTo(p, ref.Path) {
					p.At(s.Path, check.Span(ref.Pos, ref.Pos), "%s is not there while setup runs: %s becomes it later, in a layer of its own; its mode and owner are set there", ref.Path, f.Source)
				}
			}
		}
	}
}

// checkSetupReadsEntrypointInDockerfile finds what a Dockerfile allows: a step
// that reads a file which changes many times a day, and so runs as often.
func checkSetupReadsEntrypointInDockerfile(p *check.Pass) {
	for _, u := range p.Setup {
		owned := linkWords(u)
		for s, c := range u.Calls() {
			for _, w := range changesOwner(c) { // CopiedTwice tells of these
				owned[place{s, w.Pos}] = true
			}
			if editsInPlace(c) { // it cannot be copied later
				for _, w := range c.Args {
					owned[place{s, w.Pos}] = true
				}
			}
		}
		told := map[string]bool{}
		for _, s := range u.Scripts {
			for _, ref := range s.Paths {
				if told[ref.Context] || owned[place{s, ref.Pos}] || ref.Bare || ref.Glob || !ref.InContext || ref.Access == shell.AccessWrite || !p.Exists(ref.Context) {
					continue
				}
				if spec.Matches(p.Input.File.CacheBoundary.VolatileFiles, ref.Context) {
					told[ref.Context] = true
					p.At(s.Path, check.Span(ref.Pos, ref.Pos), "%s is an entrypoint file, and each edit of it runs this step and all after it again; copy it behind the last RUN, or let the entrypoint do this", ref.Context)
				}
			}
		}
	}
}

// copiesTo tells whether setup itself puts a file at a path, or a link there, or
// takes the one away that the base has.
func copiesTo(p *check.Pass, target string) bool {
	for _, c := range p.SetupCalls() {
		switch c.Name {
		case "cp", "install", "mv", "ln", "rsync":
			if c.Name == "mv" && c.HasArg(target) {
				return true
			}
			if to, ok := destination(c); ok && path.IsAbs(to) && paths.Within(target, path.Clean(to)) {
				return true
			}
		}
	}
	return false
}

// destination is where a command puts what it copies: its last operand, or what
// -t names.
func destination(c *shell.Call) (string, bool) {
	for i, w := range c.Args {
		if (w.Value == "-t" || w.Value == "--target-directory") && i+1 < len(c.Args) {
			return c.Args[i+1].Value, c.Args[i+1].Known
		}
		if dir, ok := strings.CutPrefix(w.Value, "--target-directory="); ok {
			return dir, w.Known
		}
	}
	w := check.Operands(c, "-m", "-o", "-g", "--mode", "--owner", "--group")
	if len(w) < 2 {
		return "", false
	}
	return w[len(w)-1].Value, w[len(w)-1].Known
}

// place is a word of a program.
type place struct {
	script *shell.Script
	pos    shell.Pos
}

// linkWords are the words that ln is given: a link reads nothing.
func linkWords(u *check.Unit) map[place]bool {
	out := map[place]bool{}
	for s, c := range u.Calls() {
		if _, symbolic := check.HasFlag(c, 's', "tS", "--symbolic"); c.Name == "ln" && symbolic {
			for _, w := range c.Args {
				out[place{s, w.Pos}] = true
			}
		}
	}
	return out
}

// certainlyRead tells whether a script is sure to end at a file that is not
// there: a command that always runs reads it.
func certainlyRead(s *shell.Script, ref shell.PathRef) bool {
	if ref.Access == shell.AccessWrite || ref.Access == shell.AccessTest {
		return false
	}
	return slices.ContainsFunc(s.Calls, func(c *shell.Call) bool {
		if c.MayNotRun() || !c.Errexit || c.Func != "" || !dockerfile.OnlyReads(c) && c.Name != "cp" && c.Name != "install" && c.Name != "source" && c.Name != "." {
			return false
		}
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Pos == ref.Pos && w.Known && !w.Assumed }) ||
			slices.ContainsFunc(c.Redirects, func(r shell.Redirect) bool { return r.Reads() && r.Target.Pos == ref.Pos && r.Target.Known })
	})
}

// editsInPlace tells whether a command changes the files that it is given.
func editsInPlace(c *shell.Call) bool {
	switch c.Name {
	case "sed":
		_, ok := check.HasFlag(c, 'i', "efl", "--in-place")
		return ok
	case "perl":
		_, ok := check.HasFlag(c, 'i', "eE")
		return ok
	case "patch", "dos2unix", "truncate", "ex", "ed":
		return true
	}
	return false
}
