package main

import (
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/pgstrata/pgstrata/release"
)

// committed is when the source of this program was committed, or 1970: pages that are made twice are the same.
func committed() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		if at, err := time.Parse(time.RFC3339, release.Setting(info, "vcs.time")); err == nil {
			return at
		}
	}
	return time.Unix(0, 0).UTC()
}

// newManCommand is for those who package the program.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write a manual page for each command into a folder",
		Example: `  pgstrata man /usr/local/share/man/man1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // manual pages, for all to read
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // it tells the day
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "pgstrata", Manual: "pgstrata", Date: new(committed())}, args[0])
		},
	}
}
