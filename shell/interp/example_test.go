package interp_test

import (
	"fmt"
	"testing/fstest"

	"github.com/pgstrata/pgstrata/shell/interp"
)

func ExampleLoader_Load() {
	context := fstest.MapFS{
		"setup/setup.sh": {Data: []byte(`#!/bin/bash
set -e
DIR=$(cd "$(dirname "$0")" && pwd)
source "$DIR/lib.sh"
for step in 01-packages 02-postgresql; do
    bash "$DIR/scripts/$step.sh"
done
[ "$WITH_CRON" = no ] || bash "$DIR/scripts/03-cron.sh"
`)},
		"setup/lib.sh": {Data: []byte("retry() { shift; \"$@\"; }\nretry 3 apt-get update\n")},
	}
	program, err := interp.NewFSLoader(context).Load("setup/setup.sh", interp.Options{Dir: "/"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range program.Children {
		child := &program.Children[i]
		fmt.Printf("%s:%d runs %s, conditional: %v\n", child.From, child.Pos.Line, child.Path, child.Conditional)
	}
	for _, script := range program.Scripts() {
		for _, call := range script.Calls {
			if call.Name == "apt-get" {
				fmt.Printf("%s:%d:%d calls %s %s\n", script.Path, call.Pos.Line, call.Pos.Column, call.Name, call.Arg(0))
			}
		}
	}
	_, pos, ok := program.Mentions("WITH_CRON")
	fmt.Println("reads WITH_CRON:", ok, "line", pos.Line)
	// Output:
	// setup/setup.sh:6 runs setup/scripts/01-packages.sh, conditional: false
	// setup/setup.sh:6 runs setup/scripts/02-postgresql.sh, conditional: false
	// setup/setup.sh:8 runs setup/scripts/03-cron.sh, conditional: true
	// setup/lib.sh:2:9 calls apt-get update
	// reads WITH_CRON: true line 8
}
