package interp

import "mvdan.cc/sh/v3/syntax"

// Regroup puts commands right that the parser takes for a part of a function: in
// f() { a; } && b, it reads b as a part of the body, but a body is one compound
// command. So b would seem not to run unless the function is called.
func Regroup(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		if stmt, ok := n.(*syntax.Stmt); ok {
			unwrap(stmt)
			for rotate(stmt) {
			}
		}
		return true
	})
}

// unwrap turns a function whose body is a list, or a pipeline, into one that begins
// with the function.
func unwrap(stmt *syntax.Stmt) {
	f, ok := stmt.Cmd.(*syntax.FuncDecl)
	if !ok {
		return
	}
	rest, ok := f.Body.Cmd.(*syntax.BinaryCmd)
	if !ok {
		return
	}
	at := f.Body
	for x, ok := rest, true; ok; x, ok = at.Cmd.(*syntax.BinaryCmd) {
		at = x.X
	}
	body := *at
	f.Body = &body
	*at = syntax.Stmt{Cmd: f, Position: stmt.Position}
	stmt.Cmd = rest
}

// rotate makes one list of a list and the function at its end that began another.
func rotate(stmt *syntax.Stmt) bool {
	b, ok := stmt.Cmd.(*syntax.BinaryCmd)
	if !ok || !isList(b.Op) {
		return false
	}
	if _, ok := b.Y.Cmd.(*syntax.FuncDecl); !ok {
		return false
	}
	unwrap(b.Y)
	y, ok := b.Y.Cmd.(*syntax.BinaryCmd)
	if !ok || !isList(y.Op) {
		return false
	}
	at := b.Y
	for x := y; isList(x.Op); {
		at = x.X
		if x, ok = at.Cmd.(*syntax.BinaryCmd); !ok {
			break
		}
	}
	first := *at
	*at = syntax.Stmt{Cmd: &syntax.BinaryCmd{OpPos: b.OpPos, Op: b.Op, X: b.X, Y: &first}, Position: b.X.Position}
	stmt.Cmd = y
	return true
}

func isList(op syntax.BinCmdOperator) bool { return op == syntax.AndStmt || op == syntax.OrStmt }
