package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/shell"
)

func curlPipeShell() check.Rule {
	return check.Rule{
		Name:        "CurlPipeShell",
		Severity:    check.Warning,
		Description: "What is downloaded is looked at before it runs.",
		Check:       checkCurlPipeShell,
		Dockerfile:  checkCurlPipeShell,
	}
}

func checkCurlPipeShell(p *check.Pass) {
	for u := range p.Units() {
		for s, c := range u.Calls() {
			if !check.IsDownloader(c) {
				continue
			}
			if slices.ContainsFunc(c.Args, func(w shell.Word) bool { return strings.Contains(w.Value, "169.254.") }) {
				continue // the cloud's own address for the machine
			}
			into := c.Subst.Into
			if c.Pipe.Pos.IsValid() && into != "" && filtered(s, c) {
				continue // what is made of it runs, not it
			}
			if into == "" && c.Pipe.Pos.IsValid() {
				into = pipedInto(s, c)
			}
			if isInterpreter(into) || into == "eval" || into == "source" || into == "." {
				p.Call(s, c, "what %s downloads runs at once, whatever it is, and half of it where the connection breaks; save it, compare its checksum, then run it%s", c.Name, declared(p, "a url and its checksum"))
			}
		}
	}
}

// pipedInto is the interpreter among the later commands of a pipeline.
func pipedInto(s *shell.Script, c *shell.Call) string {
	for _, other := range s.Calls {
		if other.Pipe.Pos == c.Pipe.Pos && other.Pipe.Stage > c.Pipe.Stage && isInterpreter(other.Name) && readsProgram(other) {
			return other.Name
		}
	}
	return ""
}

// readsProgram tells whether an interpreter takes its program from its input:
// it is given no file, or `-`, or -s before arguments.
func readsProgram(c *shell.Call) bool {
	if _, ok := check.HasFlag(c, 's', ""); ok {
		return true
	}
	files := check.Operands(c)
	return len(files) == 0 || files[0].Value == "-"
}

// filtered tells whether a later command of the pipeline makes something else of
// what was downloaded.
func filtered(s *shell.Script, c *shell.Call) bool {
	return slices.ContainsFunc(s.Calls, func(other *shell.Call) bool {
		if other.Pipe.Pos != c.Pipe.Pos || other.Pipe.Stage <= c.Pipe.Stage {
			return false
		}
		switch other.Name {
		case "jq", "sed", "awk", "grep", "cut", "yq", "head", "tail", "tr":
			return true
		}
		return false
	})
}
