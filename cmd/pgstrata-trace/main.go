//go:build linux

// Command pgstrata-trace runs a program and records what it does with files.
package main

import (
	"os"

	"github.com/pgstrata/pgstrata/trace"
)

func main() { trace.Stub(); os.Exit(trace.Main(os.Args[1:])) }
