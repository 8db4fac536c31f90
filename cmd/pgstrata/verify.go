package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/moby/buildkit/client"
	"github.com/spf13/cobra"
	"github.com/tonistiigi/fsutil"

	"github.com/pgstrata/pgstrata/frontend"
)

// errDiffer is that of `pgstrata compare`, which has said how.
var errDiffer = errors.New("the folders differ")

// addProgram makes a build compare what comes of the two ways to build a
// Dockerfile, by this program in a step of its own.
func addProgram(opt *client.SolveOpt) error {
	opt.FrontendAttrs["build-arg:"+frontend.VerifyArg] = "1"
	if runtime.GOOS != "linux" {
		return fmt.Errorf("--verify runs this program in a step, which is for Linux: use docker buildx build --build-arg %s=1 with the frontend image", frontend.VerifyArg)
	}
	if err := lendProgram(opt); err != nil {
		return fmt.Errorf("--verify: %w", err)
	}
	return nil
}

// lendProgram lets steps of a build run this program.
func lendProgram(opt *client.SolveOpt) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if err := runsInSteps(program); err != nil {
		return err
	}
	folder, err := fsutil.NewFS(filepath.Dir(program))
	if err != nil {
		return err
	}
	options, source := frontend.Program(program)
	for name, value := range options {
		opt.FrontendAttrs[name] = value
	}
	opt.LocalMounts[source] = folder
	return nil
}

// runsInSteps tells why a program cannot be run by a step: the step's root has no
// C library for it.
func runsInSteps(program string) error {
	file, err := elf.Open(program)
	if err != nil {
		return errors.New("steps can only run a program for Linux: use the frontend image")
	}
	defer file.Close()
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return fmt.Errorf("%s needs a C library, which steps do not have: build it with CGO_ENABLED=0", program)
	}
	return nil
}

// newCompareCommand is run by steps of builds.
func newCompareCommand() *cobra.Command {
	return &cobra.Command{
		Use:     frontend.CompareCommand + " FOLDER FOLDER [FILE]",
		Short:   "Compare the roots of two images file by file, as build --verify does",
		Example: "  pgstrata compare /want /got",
		Hidden:  true,
		Args:    cobra.RangeArgs(2, 3),
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := frontend.CompareFolders(cmd.OutOrStdout(), args[0], args[1], args[2:]...)
			if err == nil && code != 0 {
				err = errDiffer
			}
			return err
		},
	}
}

// newDigestsCommand is run by steps of builds.
func newDigestsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     frontend.DigestsCommand + " LIST FOLDER FILE",
		Short:   "Write digests of the files of a folder that a list names",
		Example: "  pgstrata digests /wanted /context /digests",
		Hidden:  true,
		Args:    cobra.ExactArgs(3),
		RunE: func(_ *cobra.Command, args []string) error {
			return frontend.WriteDigests(args[0], args[1], args[2])
		},
	}
}
