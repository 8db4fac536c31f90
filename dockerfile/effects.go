package dockerfile

import (
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell/interp"
)

// effects are what a command leaves in the shell that runs it.
type effects struct {
	// sets are the variables that it sets; exports says that programs see them,
	// exportsAll that they see those that are set later too, unsets that it only
	// removes them.
	sets                        []string
	exports, exportsAll, unsets bool
	// all says that it may leave anything else; runs that a value is the output of
	// a program, and changing that it is another one each time, or depends on the
	// directory.
	all, runs, changing    bool
	asks, process, returns bool // see link
}

func effectsOf(stmt *syntax.Stmt) *effects {
	e := &effects{}
	e.stmt(stmt)
	slices.Sort(e.sets)
	e.sets = slices.Compact(e.sets)
	return e
}

// stmt looks through a command that the shell itself runs.
func (e *effects) stmt(top syntax.Node) {
	syntax.Walk(top, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			if n.Background || n.Coprocess {
				e.all = true
			}
		case *syntax.Redirect:
			if n.N != nil && strings.HasPrefix(n.N.Value, "{") {
				e.all = true // it stays open
			}
		case *syntax.BinaryTest:
			if n.Op == syntax.TsReMatch {
				e.sets = append(e.sets, "BASH_REMATCH")
			}
		case *syntax.ArithmExp:
			for _, name := range changing() {
				e.changing = e.changing || mentions(arithmeticText(n), name)
			}
		case *syntax.ProcSubst:
			e.all = true // nobody waits for it
		case *syntax.Subshell:
			e.apart(n)
			return false
		case *syntax.CmdSubst:
			if !steady(n) {
				e.apart(n)
			}
			return false
		case *syntax.BinaryCmd:
			if n.Op == syntax.Pipe || n.Op == syntax.PipeAll {
				e.apart(n)
				return false
			}
		case *syntax.CallExpr:
			e.call(n, n == whole(top))
		case *syntax.DeclClause:
			e.declares(n)
		case *syntax.FuncDecl:
			inner := &effects{}
			inner.stmt(n.Body)
			e.all = e.all || inner.all || inner.asks || inner.process || len(inner.sets) > 0
			e.returns = e.returns || inner.returns
			return false
		case *syntax.ForClause:
			if loop, ok := n.Loop.(*syntax.WordIter); ok {
				e.sets = append(e.sets, loop.Name.Value)
			}
		case *syntax.ParamExp:
			e.param(n)
		case *syntax.ArithmCmd, *syntax.LetClause:
			e.all = true
		case *syntax.BinaryArithm:
			if strings.HasSuffix(n.Op.String(), "=") && !slices.Contains([]string{"==", "!=", "<=", ">="}, n.Op.String()) {
				e.all = true
			}
		case *syntax.UnaryArithm:
			if n.Op == syntax.Inc || n.Op == syntax.Dec {
				e.all = true
			}
		case *syntax.ExtGlob:
			e.changing = true
		}
		return true
	})
}

// whole is the command that a statement is, if it is nothing more.
func whole(n syntax.Node) syntax.Node {
	if s, ok := n.(*syntax.Stmt); ok && !s.Negated && len(s.Redirs) == 0 {
		return s.Cmd
	}
	return nil
}

// arithmeticText is the text of $((...)).
func arithmeticText(n *syntax.ArithmExp) string {
	var b strings.Builder
	_ = syntax.NewPrinter().Print(&b, &syntax.Word{Parts: []syntax.WordPart{n}})
	return b.String()
}

// changing are the variables that the shell gives another value each time.
func changing() []string {
	return []string{"PWD", "RANDOM", "SRANDOM", "SECONDS", "EPOCHSECONDS", "EPOCHREALTIME", "LINENO", "SHLVL"}
}

// silent reports whether a variable counts for commands that do not speak of it.
func silent(name string) bool {
	return slices.Contains([]string{"PATH", "IFS", "HOME", "CDPATH", "LANG", "GLOBIGNORE", "OPTIND", "POSIXLY_CORRECT"}, name) || strings.HasPrefix(name, "LC_")
}

// apart looks through commands that have shells of their own: what counts is what
// they read, and leave running.
func (e *effects) apart(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Stmt:
			e.all = e.all || n.Background || n.Coprocess
		case *syntax.ProcSubst:
			e.all = true
		case *syntax.ParamExp:
			inner := &effects{}
			inner.param(n)
			e.asks, e.process, e.returns = e.asks || inner.asks, e.process || inner.process, e.returns || inner.returns
		case *syntax.CallExpr:
			e.returns = e.returns || returns(n)
		}
		return true
	})
	e.runs = true
}

// param looks at an expansion.
func (e *effects) param(p *syntax.ParamExp) {
	if p.Exp != nil && (p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull) {
		e.sets = append(e.sets, p.Param.Value)
	}
	switch p.Param.Value {
	case "OLDPWD":
		e.changing, e.returns = true, true
	case "?", "_", "PIPESTATUS":
		e.changing, e.asks = true, true
	case "$", "BASHPID", "PPID":
		e.changing, e.process = true, true
	case "!", "-":
		e.changing = true
	}
	if slices.Contains(changing(), p.Param.Value) || p.Excl || p.Names != 0 {
		e.changing = true // a variable that another one names
	}
}

// returns reports whether a command goes back to the directory before the last cd.
func returns(n *syntax.CallExpr) bool {
	return slices.ContainsFunc(n.Args, func(w *syntax.Word) bool { return strings.HasPrefix(w.Lit(), "~-") }) ||
		len(n.Args) > 1 && n.Args[0].Lit() == "cd" && n.Args[len(n.Args)-1].Lit() == "-"
}

// call looks at a simple command; top says that it is the whole one.
func (e *effects) call(n *syntax.CallExpr, top bool) {
	if len(n.Args) == 0 {
		for _, a := range n.Assigns {
			e.assign(a)
		}
		return
	}
	name := n.Args[0].Lit()
	e.returns = e.returns || returns(n)
	switch name {
	case ":", ".", "eval", "exec", "export", "readonly", "set", "shift", "trap", "unset":
		e.all = e.all || len(n.Assigns) > 0 // in sh they stay
	}
	switch name {
	case "cd":
		if !top || len(n.Args) != 2 || n.Args[1].Lit() == "-" || len(n.Assigns) > 0 {
			e.all = true
		}
	case "set", "umask", "shopt", "ulimit", "shift":
		if !top {
			e.all = true
		}
		operands := false
		for _, w := range n.Args[1:] {
			e.word(w)
			operands = operands || w.Lit() == "--"
			switch lit := w.Lit(); {
			case name == "set" && strings.HasPrefix(lit, "+") && strings.ContainsAny(lit, "eo"), lit == "lastpipe":
				e.all = true // a failure may no longer end it; the last of a pipeline is no longer apart
			case name == "set" && (strings.HasPrefix(lit, "-") && strings.Contains(lit, "P") || lit == "physical"), name == "shopt" && strings.HasPrefix(lit, "-") && strings.Contains(lit, "o"):
				e.all = true // a cd goes elsewhere; or it does what set does
			case lit == "" && !operands:
				e.all = true // it may be an option
			case name == "set" && (strings.HasPrefix(lit, "-") && strings.Contains(lit, "a") || lit == "allexport"):
				e.exportsAll = true
			}
		}
	case "export", "readonly", "unset":
		e.exports, e.unsets = e.exports || name == "export", name == "unset"
		for _, w := range n.Args[1:] {
			e.word(w)
			variable, ok := exported(w)
			e.all = e.all || !ok
			e.sets = append(e.sets, variable)
		}
	case ".", "source":
		file := ""
		if len(n.Args) == 2 {
			file = n.Args[1].Lit()
		}
		if e.sets = append(e.sets, interp.Sets(file)...); interp.Sets(file) == nil {
			e.all = true
		}
	case "read", "mapfile", "readarray":
		for _, w := range n.Args[1:] {
			e.sets = append(e.sets, w.Lit())
			e.all = e.all || w.Lit() == "" && !plain(w)
		}
		e.sets = append(e.sets, "REPLY", "MAPFILE")
	case "printf":
		if len(n.Args) > 1 && n.Args[1].Lit() == "-v" {
			e.all = true
		}
	case "exit":
		status := 0
		if len(n.Args) == 2 {
			status, _ = strconv.Atoi(n.Args[1].Lit())
		}
		if status < 1 || status > 255 {
			e.all = true // it may end it without a failure
		}
	case "exec", "eval", "trap", "alias", "unalias", "return", "pushd", "popd", "let", "wait", "jobs", "bg", "fg", "disown", "enable", "command", "builtin", "local", "typeset", "declare", "getopts", "hash":
		// command -v, hash -r and their like are the usual ones.
		if name != "command" && name != "hash" || len(n.Args) < 2 || !slices.Contains([]string{"-v", "-V", "-r"}, n.Args[1].Lit()) {
			e.all = true
		}
	default:
		// A variable, a quoted word, x=y that only bash knows: it may be a builtin.
		if name == "" || strings.ContainsAny(name, `\={*?[`) && name != "[" && name != "[[" {
			e.all = e.all || !quoted(n.Args[0])
		}
	}
}

// plain reports whether a quoted word holds nothing that can be the name of a
// variable.
func plain(w *syntax.Word) bool {
	for _, part := range w.Parts {
		q, ok := part.(*syntax.SglQuoted)
		if !ok || q.Value != "" && nameByte(q.Value[0]) {
			return false
		}
	}
	return true
}

// quoted reports whether a command's name holds a slash, so that it is a program.
func quoted(w *syntax.Word) bool {
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok && strings.Contains(lit.Value, "/") {
			return true
		}
		if q, ok := part.(*syntax.DblQuoted); ok && quoted(&syntax.Word{Parts: q.Parts}) {
			return true
		}
	}
	return false
}

func (e *effects) assign(a *syntax.Assign) {
	if a.Name != nil {
		e.sets = append(e.sets, a.Name.Value)
	}
	if a.Array != nil {
		for _, elem := range a.Array.Elems {
			e.word(elem.Value)
		}
	}
}

// declares looks at export, declare and their like.
func (e *effects) declares(d *syntax.DeclClause) {
	if d.Variant.Value == "local" {
		return
	}
	e.exports = e.exports || d.Variant.Value == "export"
	e.all = e.all || d.Variant.Value == "nameref"
	for _, a := range d.Args {
		e.assign(a)
		if a.Name == nil { // an option, or a name that is put together
			e.exports = e.exports || strings.Contains(wordText(a.Value), "x")
			e.all = e.all || d.Variant.Value != "export" && strings.Contains(wordText(a.Value), "n") // another name of a variable
			e.all = e.all || !strings.HasPrefix(wordText(a.Value), "-")
		}
		if a.Naked && a.Value != nil {
			e.word(a.Value)
		}
	}
}

// exported is the variable of an argument of export; ok is false for an option, and
// for a name that is put together.
func exported(w *syntax.Word) (name string, ok bool) {
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok {
		return "", false
	}
	name, _, value := strings.Cut(lit.Value, "=")
	return name, name != "" && name[0] != '-' && (value || len(w.Parts) == 1)
}

func wordText(w *syntax.Word) string {
	if w == nil {
		return ""
	}
	return w.Lit()
}

// word notes a pattern: which files it means depends on the directory and on what
// is there.
func (e *effects) word(w *syntax.Word) {
	for _, part := range w.Parts {
		if lit, ok := part.(*syntax.Lit); ok && strings.ContainsAny(lit.Value, "*?[~") {
			e.changing = true
		}
	}
}

// steady reports whether a substitution gives the same in each step of a RUN,
// whatever its commands do to files: what machine it is, or a text that is cut.
func steady(s *syntax.CmdSubst) bool {
	if len(s.Stmts) != 1 {
		return false
	}
	var stages []*syntax.Stmt
	for at := s.Stmts[0]; ; {
		b, ok := at.Cmd.(*syntax.BinaryCmd)
		if !ok {
			stages = append(stages, at)
			break
		}
		if b.Op != syntax.Pipe {
			return false
		}
		stages, at = append(stages, b.Y), b.X
	}
	for i, stmt := range stages {
		call, ok := stmt.Cmd.(*syntax.CallExpr)
		if !ok || len(stmt.Redirs) > 0 || len(call.Args) == 0 || len(call.Assigns) > 0 || stmt.Negated || stmt.Background {
			return false
		}
		first := i == len(stages)-1
		switch name := call.Args[0].Lit(); {
		case slices.Contains([]string{"nproc", "uname", "arch"}, name) && first:
		case name == "getconf" && first && len(call.Args) == 2 && call.Args[1].Lit() == "_NPROCESSORS_ONLN":
		case name == "dpkg" && first && len(call.Args) == 2 && call.Args[1].Lit() == "--print-architecture":
		case (name == "echo" || name == "printf") && first:
		case name == "cut" && !first:
			for j, w := range call.Args[1:] {
				if !strings.HasPrefix(prefix(w), "-") && !slices.Contains([]string{"-d", "-f", "-c", "-b"}, call.Args[j].Lit()) {
					return false // a file
				}
			}
		case name == "tr" && !first:
		default:
			return false
		}
		e := &effects{}
		for _, w := range call.Args {
			e.stmt(w)
			e.word(w)
		}
		if e.all || e.runs || e.changing {
			return false
		}
	}
	return true
}

// prefix is what a word begins with.
func prefix(w *syntax.Word) string {
	if lit, ok := w.Parts[0].(*syntax.Lit); ok {
		return lit.Value
	}
	return ""
}
