package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgstrata/pgstrata/spec"
)

// explainUsage makes mistakes in a command line name what is right.
func explainUsage(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if check(c, args) == nil {
				return nil
			}
			for n := len(args) - 1; n >= 0; n-- {
				if check(c, args[:n]) == nil {
					return fmt.Errorf("%s is too much: the command is %s", strings.Join(args[n:], " "), c.UseLine())
				}
			}
			return fmt.Errorf("something is missing: the command is %s", c.UseLine())
		}
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		var invalid *pflag.InvalidValueError
		switch {
		case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "int":
			return fmt.Errorf("--%s %s: must be a whole number", invalid.GetFlag().Name, invalid.GetValue())
		case errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "bool":
			return fmt.Errorf("--%s=%s: must be true or false, or left out", invalid.GetFlag().Name, invalid.GetValue())
		case !errors.As(err, &unknown):
			return err
		}
		return fmt.Errorf("%w%s", err, strings.ReplaceAll(spec.Meant(unknown.GetSpecifiedName(), flagNames(c)), "mean ", "mean --"))
	})
}

// explainCommand makes a word that is no command say what is one.
func explainCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, one := range c.Commands() {
		if one.IsAvailableCommand() {
			names = append(names, one.Name())
		}
	}
	if i := slices.IndexFunc(args, func(a string) bool { return slices.Contains(names, a) }); i > 0 {
		return fmt.Errorf("the command comes first: pgstrata %s %s", args[i], strings.Join(slices.Delete(slices.Clone(args), i, i+1), " "))
	}
	hint := spec.Meant(args[0], names)
	if hint == "" {
		hint = "; there are " + strings.Join(names, ", ")
	}
	return fmt.Errorf("there is no command %s%s", args[0], hint)
}

func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// twoDashes tells of a long flag with one dash, which is read as a short one with the
// rest as its value; "" where there is none.
func twoDashes(c *cobra.Command, args []string) string {
	for _, a := range args {
		name, _, _ := strings.Cut(a, "=")
		if name, ok := strings.CutPrefix(name, "-"); ok && len(name) > 1 && slices.Contains(flagNames(c), name) {
			return fmt.Sprintf("a long flag has two dashes: --%s", name)
		}
	}
	return ""
}

// exclusive are flags of a command of which one at most is given.
func exclusive(c *cobra.Command, names ...string) {
	c.PreRunE = func(c *cobra.Command, _ []string) error {
		var given []string
		for _, name := range names {
			if c.Flags().Changed(name) {
				given = append(given, "--"+name)
			}
		}
		if len(given) > 1 {
			return fmt.Errorf("%s exclude each other", strings.Join(given, " and "))
		}
		return nil
	}
}
