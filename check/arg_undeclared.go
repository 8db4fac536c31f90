package check

import (
	"bytes"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/util/suggest"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func argUndeclared() Rule {
	return Rule{
		Name:        "ArgUndeclared",
		Severity:    Warning,
		Description: "A build argument that a setup script reads is declared.",
		check:       checkArgUndeclared,
	}
}

func checkArgUndeclared(p *pass) {
	p.imageEnv()
	for _, u := range p.setup {
		if len(u.unresolved()) > 0 { // a file that nobody could read may set anything
			continue
		}
		set := u.variables()
		for _, s := range u.scripts {
			for _, r := range s.Reads {
				p.readVariable(u, s, r, set)
			}
		}
	}
}

// imageEnv judges what image.env refers to: args, the variables above, and those
// of the base. A distribution's base has PATH alone, so that a build ends there; it
// is no error here, since --build-context may give another base by that name.
func (p *pass) imageEnv() {
	known := map[string]string{"PATH": ""}
	for _, list := range [][]graph.Var{p.in.Graph.Predefined, p.in.Graph.Args} {
		for _, v := range list {
			known[v.Name] = v.Value
		}
	}
	for _, v := range p.in.Graph.Image.Env {
		for {
			_, missing, err := spec.Expand(v.Value, known)
			if err != nil || missing == "" { // the first is compile's to tell
				break
			}
			switch certain, hint := p.undeclared(missing, "write \\${"+missing+"} for a dollar sign"); {
			case certain:
				p.file(v.At, "${%s} is neither a build argument nor a variable of the base image; %s", missing, hint)
			case hint != "":
				p.mayFile(v.At, "${%s} is no build argument, and the base image may not set it; %s", missing, hint)
			}
			known[missing] = ""
		}
		known[v.Name] = ""
	}
}

// undeclared says what to do about a name that is no arg, and whether nothing can
// have set it; "" for one that the base may set.
func (p *pass) undeclared(name, otherwise string) (certain bool, hint string) {
	var declared []string
	for _, a := range p.in.File.Args {
		declared = append(declared, a.Name.Value)
	}
	certain = isDistribution(p.in.Graph.Base.Name)
	if match, ok := suggest.Search(name, declared, true); ok {
		return certain, "did you mean " + match + "?"
	}
	if certain {
		return true, otherwise
	}
	return false, ""
}

// variables are those that a program sets itself, or finds set.
func (u *unit) variables() map[string]bool {
	out := map[string]bool{}
	for _, v := range u.node.Env {
		out[v.Name] = true
	}
	for _, s := range u.node.Secrets {
		out[s.Env] = true
	}
	for _, a := range u.assigns() {
		out[a.Name] = true
	}
	for _, c := range u.calls() {
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
func (p *pass) readVariable(u *unit, s *shell.Script, r shell.Read, set map[string]bool) {
	if set[r.Name] || r.Name != strings.ToUpper(r.Name) || !spec.IsIdentifier(r.Name) || wellKnown(r.Name) || p.hasDefault(s, r) {
		return
	}
	var declared []string
	for _, a := range p.in.File.Args {
		declared = append(declared, a.Name.Value)
	}
	at := span(r.Pos, shell.Pos{Line: r.Pos.Line, Column: r.Pos.Column + len(r.Name)})
	if slices.Contains(declared, r.Name) {
		p.at(s.Path, at, "%s is declared, but the build file's `args:` of %s leave it out: it is empty here", r.Name, u.node.Path)
		return
	}
	_, hint := p.undeclared(r.Name, "declare it under args, or give it a default here")
	if hint == "" {
		return
	}
	p.report(true, s.Path, at, "%s may be empty: nothing sets it; %s", r.Name, hint)
}

// hasDefault tells whether an expansion says what holds where the variable is
// not set: ${NAME:-x}, ${NAME+x}, ${NAME?x}.
func (p *pass) hasDefault(s *shell.Script, r shell.Read) bool {
	lines := bytes.Split(p.text(s.Path), []byte("\n"))
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

// wellKnown tells whether a variable is set by shells, by BuildKit or by the
// base image.
func wellKnown(name string) bool {
	if strings.HasPrefix(name, "BASH") || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "BUILDKIT_") || strings.HasPrefix(name, "COMP_") {
		return true
	}
	switch name {
	case "HOME", "PATH", "PWD", "OLDPWD", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR", "HOSTNAME", "IFS", "PS1", "PS2", "PS4",
		"EUID", "UID", "GROUPS", "PPID", "RANDOM", "SRANDOM", "SECONDS", "LINENO", "OPTARG", "OPTIND", "REPLY", "FUNCNAME", "PIPESTATUS", "DIRSTACK",
		"HOSTTYPE", "MACHTYPE", "OSTYPE", "SHLVL", "SHELLOPTS", "COLUMNS", "LINES", "EPOCHSECONDS", "EPOCHREALTIME", "MAPFILE", "COPROC", "CDPATH", "MAIL",
		"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH", "SSH_AUTH_SOCK", "DEBIAN_FRONTEND", "_",
		"CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "MAKEFLAGS":
		return true
	}
	return false
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
