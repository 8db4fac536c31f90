package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/scaffold"
)

// complete tells the shell, for each command below root, what can stand behind its flags, and where PATH leads.
func complete(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if strings.HasSuffix(cmd.Use, "[PATH]") || strings.HasSuffix(cmd.Use, "DIR") || strings.HasSuffix(cmd.Use, "[DIR]") {
			cmd.ValidArgsFunction = folder
		}
		known := completions(cmd.Name())
		for _, name := range slices.Sorted(maps.Keys(known)) {
			if cmd.Flags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, known[name]) // it fails for flags that are not there
			}
		}
	}
}

// completions are those of a command's flags, by their names.
func completions(command string) map[string]cobra.CompletionFunc {
	formats := []cobra.Completion{"text", "json"}
	if command == "outdated" {
		formats = append(formats, "markdown")
	}
	if command == "check" {
		formats = append(formats, "sarif")
	}
	return map[string]cobra.CompletionFunc{
		"target":          fromTree(targetNames),
		"no-cache-filter": fromTree(stepNames),
		"build-arg":       fromTree(argNames),
		"format":          oneOf(formats...),
		"report":          oneOf("text", "json"),
		"progress":        oneOf("auto", "plain", "tty", "quiet", "rawjson"),
		"network":         oneOf("default", "none", "host"),
		"release":         oneOf(scaffold.Releases()...),
		"from":            oneOf(scaffold.Packages, scaffold.PGDG, scaffold.Source),
	}
}

func oneOf(choices ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)
}

// folder completes the one argument that is a folder.
func folder(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// fromTree completes from the build file that the rest of the command line names. One that cannot be read has nothing to
// offer; what is wrong with it is for the command to say.
func fromTree(names func(check.Input) []cobra.Completion) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		file := ""
		if f := cmd.Flags().Lookup("file"); f != nil {
			file = f.Value.String()
		}
		t, err := openTree(contextOf(args), file)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		in, err := frontend.ReadTree(t.name, t.text, t, nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out := names(in)
		if slices.ContainsFunc(out, func(c cobra.Completion) bool { return strings.Contains(c, "=") }) {
			return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}

func targetNames(in check.Input) []cobra.Completion { return in.Graph.Targets() }

// stepNames are what --no-cache-filter takes.
func stepNames(in check.Input) []cobra.Completion {
	out := []cobra.Completion{graph.ToolchainState, graph.SetupState, graph.EntrypointState}
	for _, s := range slices.Concat(in.Graph.Scripts, in.Graph.Cleanup) {
		out = append(out, graph.SetupState+"/"+s.Name)
	}
	return out
}

func argNames(in check.Input) []cobra.Completion {
	var out []cobra.Completion
	for _, a := range in.File.Args {
		out = append(out, cobra.CompletionWithDesc(a.Name.Value+"=", a.Description))
	}
	return out
}
