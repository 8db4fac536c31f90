package rules

import (
	"bytes"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/util/suggest"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func argUndeclared() check.Rule {
	return check.Rule{
		Name:        "ArgUndeclared",
		Severity:    check.Warning,
		Description: "A build argument that a setup script reads is declared.",
		Check:       checkArgUndeclared,
	}
}

// ImageVariables finds what the image's configuration refers to and nothing sets: the
// part of the rule that a build ends with.
func ImageVariables(in check.Input) []check.Finding {
	rule := argUndeclared()
	rule.Check = imageEnv
	return check.Read(in, []check.Rule{rule}).Run()
}

func checkArgUndeclared(p *check.Pass) {
	imageEnv(p)
	for _, u := range p.Setup {
		if len(unresolved(u)) > 0 { // a file that nobody could read may set anything
			continue
		}
		set := variables(u)
		for _, s := range u.Scripts {
			for _, r := range s.Reads {
				readVariable(p, u, s, r, set)
			}
		}
	}
}

// imageEnv judges what image.env, labels and user refer to: args, those of the base,
// and of a variable those above. A distribution's base has PATH alone, so that a build ends
// there; it is no error here, since --build-context may give another base by that name.
func imageEnv(p *check.Pass) {
	known := map[string]string{"PATH": ""}
	for _, list := range [][]graph.Var{p.Input.Graph.Predefined, p.Input.Graph.Args} {
		for _, v := range list {
			known[v.Name] = v.Value
		}
	}
	img := p.Input.Graph.Image
	user := graph.EnvVar{Var: graph.Var{Value: img.User}, At: img.UserAt}
	for i, v := range slices.Concat(img.Labels, []graph.EnvVar{user}, img.Env) {
		for {
			_, missing, err := spec.Expand(v.Value, known)
			if err != nil || missing == "" { // the first is compile's to tell
				break
			}
			switch certain, hint := undeclared(p, missing, "write \\${"+missing+"} for a dollar sign"); {
			case certain:
				p.File(v.At, "${%s} is neither a build argument nor a variable of the base image; %s", missing, hint)
			case hint != "":
				p.MayFile(v.At, "${%s} is no build argument, and the base image may not set it; %s", missing, hint)
			}
			known[missing] = ""
		}
		if i > len(img.Labels) { // labels and user see no variable of the image's own
			known[v.Name] = ""
		}
	}
}

// undeclared says what to do about a name that is no arg, and whether nothing can
// have set it; "" for one that the base may set.
func undeclared(p *check.Pass, name, otherwise string) (certain bool, hint string) {
	var declared []string
	for _, a := range p.Input.File.Args {
		declared = append(declared, a.Name.Value)
	}
	certain = isDistribution(p.Input.Graph.Base.Name)
	if match, ok := suggest.Search(name, declared, true); ok {
		return certain, "did you mean " + match + "?"
	}
	if certain {
		return true, otherwise
	}
	return false, ""
}

// variables are those that a program sets itself, or finds set.
func variables(u *check.Unit) map[string]bool {
	out := map[string]bool{}
	for _, v := range u.Node.Env {
		out[v.Name] = true
	}
	for _, s := range u.Node.Secrets {
		out[s.Env] = true
	}
	for _, a := range u.Assigns() {
		out[a.Name] = true
	}
	for _, c := range u.Calls() {
		for _, g := range c.Guards {
			out[g.Var] = true
		}
		switch c.Name {
		case "read", "mapfile", "readarray", "getopts", "printf", "let":
			for _, w := range c.Args {
				out[w.Value] = true
			}
		}
	}
	return out
}

// readVariable judges one variable that a setup script reads. Only names in
// capitals can be arguments, by every convention that there is.
func readVariable(p *check.Pass, u *check.Unit, s *shell.Script, r shell.Read, set map[string]bool) {
	if set[r.Name] || r.Name != strings.ToUpper(r.Name) || !spec.IsIdentifier(r.Name) || check.WellKnown(r.Name) || hasDefault(p, s, r) {
		return
	}
	var declared []string
	for _, a := range p.Input.File.Args {
		declared = append(declared, a.Name.Value)
	}
	at := check.Span(r.Pos, shell.Pos{Line: r.Pos.Line, Column: r.Pos.Column + len(r.Name)})
	if slices.Contains(declared, r.Name) {
		if !isDistribution(p.Input.Graph.Base.Name) {
			return // which may set it
		}
		p.At(s.Path, at, "%s is declared, but the build file's `args:` of %s leave it out: it is empty here", r.Name, u.Node.Path)
		return
	}
	_, hint := undeclared(p, r.Name, "declare it under args, or give it a default here")
	if hint == "" {
		return
	}
	p.Report(true, s.Path, at, "%s may be empty: nothing sets it; %s", r.Name, hint)
}

// hasDefault tells whether an expansion says what holds where the variable is
// not set: ${NAME:-x}, ${NAME+x}, ${NAME?x}.
func hasDefault(p *check.Pass, s *shell.Script, r shell.Read) bool {
	lines := bytes.Split(p.Text(s.Path), []byte("\n"))
	if r.Pos.Line < 1 || r.Pos.Line > len(lines) {
		return false
	}
	line := lines[r.Pos.Line-1]
	end := r.Pos.Column - 1 + len(r.Name)
	if end < len(line) && r.Pos.Column > 2 && line[r.Pos.Column-2] == '!' && (line[end] == '@' || line[end] == '*') {
		return true // the names that begin so, if any do
	}
	if end >= len(line) || r.Pos.Column < 2 || line[r.Pos.Column-2] != '{' {
		return false
	}
	rest := bytes.TrimPrefix(line[end:], []byte(":"))
	return len(rest) > 0 && strings.IndexByte("-=+?", rest[0]) >= 0
}

// isDistribution tells whether an image is a distribution's own, which sets no
// variable but PATH.
func isDistribution(ref string) bool {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return false
	}
	switch reference.FamiliarName(named) {
	case "debian", "ubuntu", "alpine", "fedora", "rockylinux", "almalinux", "oraclelinux", "amazonlinux", "centos":
		return true
	}
	return false
}
