package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/internal/golden"
)

// commands are those that pgstrata has of its own.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	out := newCommand().Commands()
	require.NotEmpty(t, out)
	return out
}

// calls returns the arguments of each call of pgstrata in lines of shell.
func calls(t *testing.T, lines string) [][]string {
	t.Helper()
	file, err := syntax.NewParser(syntax.KeepComments(true)).Parse(strings.NewReader(lines), "")
	require.NoError(t, err, lines)
	var out [][]string
	syntax.Walk(file, func(n syntax.Node) bool {
		call, ok := n.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 || call.Args[0].Lit() != "pgstrata" {
			return true
		}
		var words []string
		for _, w := range call.Args[1:] {
			var b strings.Builder
			require.NoError(t, syntax.NewPrinter().Print(&b, w))
			words = append(words, strings.Trim(b.String(), `'"`))
		}
		out = append(out, words)
		return true
	})
	return out
}

// assertRuns fails unless there is a command for the arguments, with these flags, for so many.
func assertRuns(t *testing.T, arguments []string) {
	t.Helper()
	line := "pgstrata " + strings.Join(arguments, " ")
	root := newCommand()
	root.InitDefaultCompletionCmd()
	cmd, rest, err := root.Find(arguments)
	require.NoError(t, err, line)
	require.NotSame(t, root, cmd, line)
	require.NoError(t, cmd.ParseFlags(rest), line)
	require.NoError(t, cmd.ValidateFlagGroups(), line)
	require.NoError(t, cmd.ValidateArgs(cmd.Flags().Args()), line)
}

// The help of each command has examples of its own that could be typed.
func TestExamplesOfHelp(t *testing.T) {
	for _, cmd := range commands(t) {
		require.NotEmpty(t, cmd.Example, cmd.Name())
		of := 0
		for _, arguments := range calls(t, cmd.Example) {
			assertRuns(t, arguments)
			if arguments[0] == cmd.Name() {
				of++
			}
		}
		assert.Positive(t, of, "the examples of %s are of other commands", cmd.Name())
	}
}

// docs/cli.md is what the commands say of themselves.
func TestCommandReference(t *testing.T) {
	var b strings.Builder
	for _, cmd := range commands(t) {
		if cmd.Hidden {
			continue
		}
		text := cmd.Long
		if text == "" {
			text = cmd.Short + "."
		}
		// What is indented is code to Markdown too.
		b.WriteString("## pgstrata " + cmd.Name() + "\n\n" + text + "\n\n")
		b.WriteString("```\n" + cmd.UseLine() + "\n\n" + cmd.LocalFlags().FlagUsages() + "```\n\n")
		b.WriteString("```sh\n" + unindent(cmd.Example) + "\n```\n\n")
	}
	golden.Region(t, "../../docs/cli.md", "commands", strings.TrimSuffix(b.String(), "\n"))
}

// unindent takes two spaces off each line.
func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "  ")
	}
	return strings.Join(lines, "\n")
}
