package shell

import (
	"fmt"
	"os"
	"testing"
)

func TestDump(t *testing.T) {
	l := NewFSLoader(os.DirFS("testdata/pg"))
	name := os.Getenv("DUMP")
	if name == "" {
		t.Skip()
	}
	p, err := l.Load(name, Options{Vars: map[string]string{"POSTGRESQL_VERSION": "15.4"}, Follow: true, Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Scripts() {
		fmt.Println("==", s.Path, s.Interpreter, s.Dialect)
		for _, c := range s.Calls {
			fmt.Printf("%d:%d %s k%d fn=%s dir=%s user=%s w=%v cond=%v loop=%v unr=%v pipe=%v subst=%v", c.Pos.Line, c.Pos.Column, c.Name, c.Kind, c.Func, c.Dir, c.User, c.Wrappers, c.Conditional, c.Loop, c.Unreached, c.Pipe, c.Subst)
			for _, a := range c.Args {
				fmt.Printf(" [%s k=%v %q]", a.Value, a.Known, a.Values)
			}
			fmt.Println()
		}
		for _, c := range s.Sources {
			fmt.Println("  source", c.Pos, c.Path, c.InContext, c.Absolute, c.Optional, c.Conditional, c.Err)
		}
		for _, c := range s.Paths {
			fmt.Println("  path", c.Pos, c.Path, c.Context, c.InContext, c.Access, c.Glob)
		}
		pos, ok := s.ReadsAll()
		fmt.Println("  readsall", pos, ok)
	}
	for _, c := range p.Children {
		fmt.Println("child", c.Pos, c.From, c.Path, c.Interpreter, c.Conditional, c.Loop, c.Glob, c.Guards, c.Env)
	}
	for _, c := range p.Effects {
		fmt.Println("effect", c.Kind, c.Name, c.Value.Value, c.Children, c.From, c.Pos, c.Conditional)
	}
	fmt.Println("helpers", len(p.Helpers), "unresolved", p.Unresolved, "programs", len(p.Programs), p.Broken)
}
