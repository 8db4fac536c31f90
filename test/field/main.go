package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	program := flag.String("program", "pgstrata", "")
	flag.Parse()
	var all []any
	for _, dir := range flag.Args() {
		files, err := findFiles(dir)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		for _, f := range files {
			all = append(all, check(*program, f))
		}
	}
	json.NewEncoder(os.Stdout).Encode(all)
}
