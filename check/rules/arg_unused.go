package rules

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/spec"
)

func argUnused() check.Rule {
	return check.Rule{
		Name:        "ArgUnused",
		Severity:    check.Warning,
		Description: "A build argument that is declared is read by something.",
		Check:       checkArgUnused,
		Dockerfile:  checkArgUnusedInDockerfile,
	}
}

func checkArgUnused(p *check.Pass) {
	used := argsInText(p.Tree)
	for _, u := range p.Setup {
		for _, v := range u.Node.Env {
			used[v.Name] = true
		}
	}
	for _, r := range p.Input.File.CacheBoundary.Rules {
		for _, t := range r.WhenChanged {
			if name, ok := strings.CutPrefix(t.Value, "arg:"); ok {
				used[name] = true
			}
		}
	}
	for _, a := range p.Input.File.Args {
		if !used[a.Name.Value] {
			p.File(a.Name.At, "no setup script and nothing in the build file reads %s; remove it, or is its name right?", a.Name)
		}
	}
	for _, s := range append(p.Input.File.Setup.Scripts[:len(p.Input.File.Setup.Scripts):len(p.Input.File.Setup.Scripts)], p.Input.File.Setup.FinalCleanup...) {
		unusedByScript(p, s)
	}
}

func checkArgUnusedInDockerfile(p *check.Pass) {
	for _, name := range p.Input.Dockerfile.Unused {
		p.File(name.At, "nothing that comes after reads %s; remove it, or is its name right?", name)
	}
}

// unusedByScript judges the args that the build file hands to a script.
func unusedByScript(p *check.Pass, s spec.Script) {
	program := p.Input.Graph.Programs[s.Path.Value]
	if program == nil || len(s.Args) == 0 {
		return
	}
	for _, script := range program.Closure() {
		if slices.ContainsFunc(script.Calls, check.ReadsAnything) {
			return // a program that it runs may: whoever lists an arg knows one
		}
	}
	for _, t := range s.Args {
		if !program.MayRead(t.Value) && !check.WellKnown(t.Value) {
			p.File(t.At, "%s does not read %s, and yet each new value of it would run the script again; remove it from the script's args", s.Path, t)
		}
	}
}

// argsInText are the names that the build file's values refer to.
func argsInText(t *check.Tree) map[string]bool {
	out := map[string]bool{}
	file, err := parser.ParseBytes(t.Input.Text, 0)
	if err != nil { // spec has reported it
		return out
	}
	for _, doc := range file.Docs {
		ast.Walk(names(out), doc)
	}
	return out
}

// names collects the parameters in every string of a YAML document.
type names map[string]bool

// Visit implements ast.Visitor.
func (n names) Visit(node ast.Node) ast.Visitor {
	text, ok := node.(ast.ScalarNode)
	if !ok {
		return n
	}
	value, ok := text.GetValue().(string)
	if !ok || !strings.Contains(value, "$") {
		return n
	}
	word, err := syntax.NewParser().Document(strings.NewReader(value))
	if err != nil {
		return n
	}
	syntax.Walk(word, func(s syntax.Node) bool {
		if param, ok := s.(*syntax.ParamExp); ok && param.Param != nil {
			n[param.Param.Value] = true
		}
		return true
	})
	return n
}
