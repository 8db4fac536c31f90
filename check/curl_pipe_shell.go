package check

import "github.com/pgstrata/pgstrata/shell"

func curlPipeShell() Rule {
	return Rule{
		Name:        "CurlPipeShell",
		Severity:    Warning,
		Description: "What is downloaded is looked at before it runs.",
		check:       checkCurlPipeShell,
		dockerfile:  checkCurlPipeShell,
	}
}

func checkCurlPipeShell(p *pass) {
	for u := range p.units() {
		for s, c := range u.calls() {
			if !isDownloader(c) {
				continue
			}
			into := c.Subst.Into
			if into == "" && c.Pipe.Pos.IsValid() {
				into = pipedInto(s, c)
			}
			if isInterpreter(into) || into == "eval" || into == "source" || into == "." {
				p.call(s, c, "what %s downloads runs at once, whatever it is, and half of it where the connection breaks; save it, compare its checksum, then run it", c.Name)
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
	if _, ok := hasFlag(c, 's', ""); ok {
		return true
	}
	files := operands(c)
	return len(files) == 0 || files[0].Value == "-"
}
