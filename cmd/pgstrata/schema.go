package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/spec/schema"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Write the JSON Schema of build files, for editors",
		Long: `Write the JSON Schema of build files, for editors.

An editor with a YAML language server (https://github.com/redhat-developer/yaml-language-server) completes keys, shows
what each is for, and underlines mistakes, where the build file's second line names the schema:

    # syntax=ghcr.io/pgstrata/pgstrata:1
    # yaml-language-server: $schema=.pgstrata.schema.json

pgstrata init writes both. The line must not come first: BuildKit looks for the frontend there.`,
		Example: `  pgstrata schema >.pgstrata.schema.json`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(cmd.OutOrStdout(), schema.JSON())
			return err
		},
	}
}
