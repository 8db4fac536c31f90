package interp

import (
	"mvdan.cc/sh/v3/syntax"
)

// beyondAsh finds the first construct of a file that busybox's ash does not have
// either: it has [[, ${x/a/b}, ${x:1:2}, $'…' and function, as its "bash
// compatibility" (shell/ash.c), but no arrays, no (( )), no <( ) and no <<<.
func beyondAsh(file *syntax.File) error {
	var err error
	at := func(pos syntax.Pos, feature string) {
		if err == nil {
			err = syntax.LangError{Pos: pos, Feature: feature, LangUsed: syntax.LangPOSIX, Langs: []syntax.LangVariant{syntax.LangBash}}
		}
	}
	boundedWalk(file, func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.ArrayExpr:
			at(n.Pos(), "arrays")
		case *syntax.ArithmCmd:
			at(n.Pos(), "arithmetic commands")
		case *syntax.CStyleLoop:
			at(n.Pos(), "c-style fors")
		case *syntax.ProcSubst:
			at(n.Pos(), "process substitutions")
		case *syntax.CoprocClause:
			at(n.Pos(), "coprocesses")
		case *syntax.ExtGlob:
			at(n.Pos(), "extended globs")
		case *syntax.ForClause:
			if n.Select {
				at(n.Pos(), "select clauses")
			}
		case *syntax.DeclClause:
			if v := n.Variant.Value; v == "declare" || v == "typeset" || v == "nameref" {
				at(n.Pos(), "the `"+v+"` builtin")
			}
		case *syntax.Redirect:
			if n.Op == syntax.WordHdoc {
				at(n.Pos(), "herestrings")
			}
		case *syntax.ParamExp:
			if feature := beyondAshExpansion(n); feature != "" {
				at(n.Pos(), feature)
			}
		}
	})
	return err
}

func beyondAshExpansion(n *syntax.ParamExp) string {
	switch {
	case n.Excl:
		return "indirect expansions"
	case n.Index != nil:
		return "arrays"
	case n.Exp == nil:
		return ""
	}
	switch n.Exp.Op {
	case syntax.UpperFirst, syntax.UpperAll, syntax.LowerFirst, syntax.LowerAll, syntax.OtherParamOps:
		return "this expansion operator"
	}
	return ""
}
