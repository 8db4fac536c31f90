package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/release"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Tell the version of this program, and of the BuildKit that it is built with",
		Example: `  pgstrata version`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(cmd.OutOrStdout(), cmd.Root().Version)
			return err
		},
	}
}

// ownVersion is the text for the running program.
func ownVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "pgstrata, built without what Go notes of version control and modules\n"
	}
	return versionText(info)
}

// versionText is what was built from what, a line each. Nothing in it depends on where or when it was built.
func versionText(info *debug.BuildInfo) string {
	setting := func(key string) string { return release.Setting(info, key) }
	var b strings.Builder
	fmt.Fprintf(&b, "pgstrata %s\n", info.Main.Version)
	if revision := setting("vcs.revision"); revision != "" {
		fmt.Fprintf(&b, "revision %s of %s", revision, setting("vcs.time"))
		if setting("vcs.modified") == "true" {
			b.WriteString(", with changes")
		}
		b.WriteString("\n")
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/moby/buildkit" {
			fmt.Fprintf(&b, "BuildKit %s\n", m.Version)
		}
	}
	fmt.Fprintf(&b, "%s for %s/%s\n", info.GoVersion, setting("GOOS"), setting("GOARCH"))
	return b.String()
}
