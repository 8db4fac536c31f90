package notation

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell"
)

// Conditions turns what a driver script asks of args into comparisons of the
// build file.
type Conditions struct {
	// Args are what a comparison may refer to.
	Args Names
}

// Keep is a [dockerfile.Conditions]: what depends on args is kept, or it is said
// why it cannot be.
func (c *Conditions) Keep(driver *shell.Program, g shell.Guard) (bool, string) {
	list, depends := c.Of(driver, g)
	switch {
	case !depends:
		return false, ""
	case list == nil:
		return false, fmt.Sprintf("%s:%d asks %s, which is no comparison of args", path.Base(driver.Main.Path), g.Pos.Line, strings.Join(strings.Fields(g.Text), " "))
	}
	return true, ""
}

// Of returns the comparisons that a guard stands for, nil if it is none, and
// whether it depends on args.
func (c *Conditions) Of(driver *shell.Program, g shell.Guard) (list []string, depends bool) {
	known := c.Within(driver)
	if g.Kind == shell.GuardCase {
		return caseComparisons(g, known)
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(g.Text), "")
	if err != nil {
		return nil, false
	}
	if !mentionsAny(file, known) {
		return nil, false
	}
	if len(file.Stmts) != 1 {
		return nil, true
	}
	negated := g.Kind == shell.GuardElse || g.Kind == shell.GuardOr
	found, ok := comparisons(file.Stmts[0], negated, known)
	if !ok {
		return nil, true
	}
	for _, one := range found {
		list = append(list, strings.Join(one, " || "))
	}
	return list, true
}

// Within also knows the variables that the driver sets from args, once and for
// all.
func (c *Conditions) Within(driver *shell.Program) Names {
	var known Names
	visiting := map[string]bool{}
	known = func(name string) (string, bool) {
		if visiting[name] { // PG=${PG:-15}
			return c.Args(name)
		}
		var set []shell.Assign
		for _, s := range driver.Scripts() {
			for _, a := range s.Assigns {
				if a.Name == name && !a.Naked {
					set = append(set, a)
				}
			}
		}
		if len(set) == 0 {
			return c.Args(name)
		}
		a := set[0]
		if len(set) > 1 || a.Array || a.Append || a.Func != "" || len(a.Guards) > 0 {
			return "", false
		}
		visiting[name] = true
		defer delete(visiting, name)
		word := ShellWord(a.Value.Text)
		if word == nil {
			return "", false
		}
		return FromShell(word, known)
	}
	return known
}

// mentionsAny reports whether text reads a variable that comes from args.
func mentionsAny(node syntax.Node, known Names) bool {
	found := false
	syntax.Walk(node, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ParamExp:
			if n.Param != nil {
				text, ok := known(n.Param.Value)
				found = found || ok && strings.Contains(text, "${")
			}
		case *syntax.ArithmExp, *syntax.ArithmCmd:
			syntax.Walk(n, func(m syntax.Node) bool {
				if lit, ok := m.(*syntax.Lit); ok {
					text, ok := known(lit.Value)
					found = found || ok && strings.Contains(text, "${")
				}
				return true
			})
		}
		return !found
	})
	return found
}

// clauses are conditions that all have to hold, each of them comparisons of
// which one has to.
type clauses [][]string

// most is how many clauses a condition may become.
const most = 8

// comparisons turns a test into clauses.
func comparisons(stmt *syntax.Stmt, negated bool, known Names) (clauses, bool) {
	if len(stmt.Redirs) > 0 || stmt.Background {
		return nil, false
	}
	negated = negated != stmt.Negated
	switch cmd := stmt.Cmd.(type) {
	case *syntax.BinaryCmd:
		if cmd.Op != syntax.AndStmt && cmd.Op != syntax.OrStmt {
			return nil, false
		}
		return both(negated, cmd.Op == syntax.AndStmt,
			func() (clauses, bool) { return comparisons(cmd.X, negated, known) },
			func() (clauses, bool) { return comparisons(cmd.Y, negated, known) })
	case *syntax.TestClause:
		return testComparisons(cmd.X, negated, known)
	case *syntax.CallExpr:
		return callComparisons(cmd, negated, known)
	case *syntax.ArithmCmd:
		return arithmComparisons(cmd.X, negated, known)
	}
	return nil, false
}

// both joins two conditions: `a && b`, or `a || b` that must not hold, has the
// clauses of both; `a || b` has one for each pair.
func both(negated, and bool, x, y func() (clauses, bool)) (clauses, bool) {
	a, ok1 := x()
	b, ok2 := y()
	if !ok1 || !ok2 {
		return nil, false
	}
	if and != negated {
		return append(a, b...), true
	}
	var out clauses
	for _, one := range a {
		for _, other := range b {
			out = append(out, append(slices.Clone(one), other...))
		}
	}
	return out, len(out) <= most
}

func testComparisons(x syntax.TestExpr, negated bool, known Names) (clauses, bool) {
	switch x := x.(type) {
	case *syntax.ParenTest:
		return testComparisons(x.X, negated, known)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			return testComparisons(x.X, !negated, known)
		}
		if w, ok := x.X.(*syntax.Word); ok {
			return emptiness(x.Op.String(), w, negated, known)
		}
	case *syntax.BinaryTest:
		if x.Op == syntax.AndTest || x.Op == syntax.OrTest {
			return both(negated, x.Op == syntax.AndTest,
				func() (clauses, bool) { return testComparisons(x.X, negated, known) },
				func() (clauses, bool) { return testComparisons(x.Y, negated, known) })
		}
		l, ok1 := x.X.(*syntax.Word)
		r, ok2 := x.Y.(*syntax.Word)
		if ok1 && ok2 {
			return comparison(x.Op.String(), l, r, negated, known)
		}
	}
	return nil, false
}

// callComparisons reads `[ … ]` and `test …`.
func callComparisons(cmd *syntax.CallExpr, negated bool, known Names) (clauses, bool) {
	args := cmd.Args
	if len(args) == 0 || len(cmd.Assigns) > 0 {
		return nil, false
	}
	switch args[0].Lit() {
	case "[":
		if args[len(args)-1].Lit() != "]" {
			return nil, false
		}
		args = args[1 : len(args)-1]
	case "test":
		args = args[1:]
	default:
		return nil, false
	}
	if len(args) > 1 && args[0].Lit() == "!" {
		args, negated = args[1:], !negated
	}
	switch len(args) {
	case 2:
		return emptiness(args[0].Lit(), args[1], negated, known)
	case 3:
		return comparison(args[1].Lit(), args[0], args[2], negated, known)
	}
	return nil, false
}

// arithmComparisons reads `(( … ))`.
func arithmComparisons(x syntax.ArithmExpr, negated bool, known Names) (clauses, bool) {
	b, ok := x.(*syntax.BinaryArithm)
	if !ok {
		return nil, false
	}
	op := b.Op.String()
	if op == "&&" || op == "||" {
		return both(negated, op == "&&",
			func() (clauses, bool) { return arithmComparisons(b.X, negated, known) },
			func() (clauses, bool) { return arithmComparisons(b.Y, negated, known) })
	}
	l, ok1 := arithmText(b.X, known)
	r, ok2 := arithmText(b.Y, known)
	if !ok1 || !ok2 {
		return nil, false
	}
	return written(l, map[string]string{"==": "-eq", "!=": "-ne", "<": "-lt", "<=": "-le", ">": "-gt", ">=": "-ge"}[op], r, negated)
}

func arithmText(x syntax.ArithmExpr, known Names) (string, bool) {
	w, ok := x.(*syntax.Word)
	if !ok {
		return "", false
	}
	if name := w.Lit(); name != "" && !IsDigit(name[0]) { // a variable without its dollar sign
		return known(name)
	}
	return FromShell(w, known)
}

// IsDigit reports whether a byte is a digit.
func IsDigit(c byte) bool { return c >= '0' && c <= '9' }

// emptiness is [ -n word ] or [ -z word ].
func emptiness(op string, w *syntax.Word, negated bool, known Names) (clauses, bool) {
	text, ok := FromShell(w, known)
	if !ok || op != "-n" && op != "-z" {
		return nil, false
	}
	if (op == "-z") == negated {
		return clauses{{operand(text) + ` != ""`}}, true
	}
	return clauses{{operand(text) + ` == ""`}}, true
}

func comparison(op string, l, r *syntax.Word, negated bool, known Names) (clauses, bool) {
	left, ok1 := FromShell(l, known)
	right, ok2 := FromShell(r, known)
	if !ok1 || !ok2 {
		return nil, false
	}
	return written(left, op, right, negated)
}

// written is a comparison as the build file has it. Both sides of a numeric one
// are taken to be numbers, as the shell takes them.
func written(left, op, right string, negated bool) (clauses, bool) {
	ops := []string{"==", "!=", "<", ">=", ">", "<="} // pairs of opposites
	i := slices.Index(ops, map[string]string{
		"=": "==", "==": "==", "!=": "!=", "-eq": "==", "-ne": "!=", "-lt": "<", "-le": "<=", "-gt": ">", "-ge": ">=",
	}[op])
	if i < 0 || strings.Contains(right, "|") {
		return nil, false
	}
	if negated {
		i ^= 1
	}
	return clauses{{operand(left) + " " + ops[i] + " " + operand(right)}}, true
}

// operand quotes what is empty or has spaces; neither can hold a quote.
func operand(text string) string {
	switch {
	case text == "" || strings.ContainsAny(text, " \t'"):
		return `"` + text + `"`
	case strings.Contains(text, `"`):
		return "'" + text + "'"
	}
	return text
}

// caseComparisons reads an arm of case.
func caseComparisons(g shell.Guard, known Names) (list []string, depends bool) {
	text, _, ok := strings.Cut(g.Text, " in ")
	word := ShellWord(text)
	if !ok || word == nil || !mentionsAny(word, known) {
		return nil, false
	}
	left, ok := FromShell(word, known)
	if !ok || len(g.Patterns) == 0 {
		return nil, true
	}
	above, ok := alternatives(g.Above)
	if !ok {
		return nil, true
	}
	if len(g.Patterns) == 1 && g.Patterns[0] == "*" {
		if above == "" {
			return nil, true
		}
		return []string{operand(left) + " != " + above}, true
	}
	these, ok := alternatives(g.Patterns)
	if !ok {
		return nil, true
	}
	return []string{operand(left) + " == " + these}, true
}

// alternatives are patterns that are plain texts, with | between them.
func alternatives(patterns []string) (string, bool) {
	var out []string
	for _, p := range patterns {
		word := ShellWord(p)
		if word == nil {
			return "", false
		}
		text, ok := FromShell(word, func(string) (string, bool) { return "", false })
		if !ok || text == "" || strings.ContainsAny(text, "|\\$ '\"") {
			return "", false
		}
		out = append(out, text)
	}
	return strings.Join(out, "|"), true
}
