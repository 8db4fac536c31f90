package interp_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/shell/interp"
)

// grouped writes a command with the brackets that its tree has.
func grouped(stmt *syntax.Stmt) string {
	switch cmd := stmt.Cmd.(type) {
	case *syntax.BinaryCmd:
		return "[" + grouped(cmd.X) + " " + cmd.Op.String() + " " + grouped(cmd.Y) + "]"
	case *syntax.FuncDecl:
		return cmd.Name.Value + "(" + grouped(cmd.Body) + ")"
	case *syntax.CallExpr:
		return cmd.Args[0].Lit()
	}
	return "{}"
}

func TestRegroup(t *testing.T) {
	for text, want := range map[string]string{
		"a && b || c":                        "[[a && b] || c]",
		"f() { x; } && b":                    "[f({}) && b]",
		"f() { x; } && b || c":               "[[f({}) && b] || c]",
		"a && f() { x; } && b":               "[[a && f({})] && b]",
		"a && f() { x; } && b || c && d":     "[[[[a && f({})] && b] || c] && d]",
		"a && f() { x; } && g() ( y ) && f":  "[[[a && f({})] && g({})] && f]",
		"a || f() { x; } | b && c":           "[[a || [f({}) | b]] && c]",
		"a && { f() { x; } && b; } && c":     "[[a && {}] && c]",
		"f() { x; }":                         "f({})",
		"f() { x; } >/x && b":                "[f({}) && b]",
		"a && f() { x; }":                    "[a && f({})]",
		"f() { g() { x; } && y; } && f && g": "[[f({}) && f] && g]",
	} {
		file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
		require.NoError(t, err)
		interp.Regroup(file)
		assert.Equal(t, want, grouped(file.Stmts[0]), text)
		interp.Regroup(file)
		assert.Equal(t, want, grouped(file.Stmts[0]), "again: %s", text)
	}
}

// What follows a function in a list runs whether it is called or not.
func TestWhatFollowsAFunction(t *testing.T) {
	s, err := interp.Parse("a.sh", []byte("#!/bin/sh\nf() { echo in; } && cat /etc/x\n"))
	require.NoError(t, err)
	for _, c := range s.Calls {
		assert.Equal(t, c.Name == "echo", c.Unreached, c.Name)
	}
}
