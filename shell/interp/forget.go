package interp

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// changes is what a construct may change, going by its text.
type changes struct {
	names []string // the variables that it assigns
	calls []string // the commands that it calls, which may be functions
	dir   bool     // it changes the working directory
	opts  bool     // it changes the shell's options
}

// forgetChanged makes unknown what a construct changes that may have run before, any
// number of times: the body of a loop, a function that is not gone through.
func (in *interp) forgetChanged(e *env, n syntax.Node) { in.forgetOnce(e, n, map[syntax.Node]bool{}) }

func (in *interp) forgetOnce(e *env, n syntax.Node, seen map[syntax.Node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	ch := in.changes(n)
	for _, name := range ch.names {
		v, _ := e.get(name)
		if !v.readonly {
			v.val, v.unset = unknown(), false
			e.put(name, v)
		}
	}
	if ch.dir {
		e.dir = unknown()
	}
	e.errexit = e.errexit && !ch.opts
	for _, name := range ch.calls {
		if def, ok := e.funcs.m[name]; ok {
			in.forgetOnce(e, def.decl, seen)
		}
	}
}

// changes reads a construct once.
func (in *interp) changes(n syntax.Node) *changes {
	if ch, ok := in.changed[n]; ok {
		return ch
	}
	ch := &changes{}
	syntax.Walk(n, func(n syntax.Node) bool {
		ch.add(n)
		return true
	})
	in.changed[n] = ch
	return ch
}

func (ch *changes) add(n syntax.Node) {
	switch n := n.(type) {
	case *syntax.Assign:
		if n.Name != nil {
			ch.names = append(ch.names, n.Name.Value)
		}
	case *syntax.WordIter:
		ch.names = append(ch.names, n.Name.Value)
	case *syntax.UnaryArithm:
		if n.Op == syntax.Inc || n.Op == syntax.Dec {
			ch.arithm(n.X)
		}
	case *syntax.BinaryArithm:
		if isArithAssign(n.Op) {
			ch.arithm(n.X)
		}
	case *syntax.ParamExp:
		if n.Param != nil && n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
			ch.names = append(ch.names, n.Param.Value)
		}
	case *syntax.CallExpr:
		ch.call(n)
	}
}

func (ch *changes) arithm(x syntax.ArithmExpr) {
	if name := arithName(x); name != "" {
		ch.names = append(ch.names, name)
	}
}

// call notes the variables that read and its kin set.
func (ch *changes) call(n *syntax.CallExpr) {
	if len(n.Args) == 0 {
		return
	}
	name := n.Args[0].Lit()
	switch name {
	case "cd", "pushd", "popd":
		ch.dir = true
		return
	case "set":
		ch.opts = true
		return
	case "read", "mapfile", "readarray", "getopts", "export", "readonly", "local", "printf", "unset":
	default:
		ch.calls = append(ch.calls, name)
		for _, w := range n.Args[1:] { // retry f
			if s := w.Lit(); s != "" {
				ch.calls = append(ch.calls, s)
			}
		}
		return
	}
	for _, w := range n.Args[1:] {
		lit, ok := firstPart(w).(*syntax.Lit)
		if !ok {
			continue
		}
		if name, _, _ := strings.Cut(lit.Value, "="); syntax.ValidName(name) {
			ch.names = append(ch.names, name)
		}
	}
}

func isArithAssign(op syntax.BinAritOperator) bool {
	switch op {
	case syntax.Assgn, syntax.AddAssgn, syntax.SubAssgn, syntax.MulAssgn, syntax.QuoAssgn, syntax.RemAssgn,
		syntax.AndAssgn, syntax.OrAssgn, syntax.XorAssgn, syntax.ShlAssgn, syntax.ShrAssgn:
		return true
	}
	return false
}

// arithName is the variable that an arithmetic expression names, "" for none.
func arithName(x syntax.ArithmExpr) string {
	w, ok := x.(*syntax.Word)
	if !ok {
		return ""
	}
	name := w.Lit()
	if p, ok := firstPart(w).(*syntax.ParamExp); ok && p.Param != nil {
		name = p.Param.Value // an element of an array
	}
	if !syntax.ValidName(name) {
		return ""
	}
	return name
}

func firstPart(w *syntax.Word) syntax.WordPart {
	if len(w.Parts) == 0 {
		return nil
	}
	return w.Parts[0]
}
