// Package rules holds the rules: what makes PostgreSQL images slow, bloated,
// insecure or broken at start-up, found in the build file and its scripts
// before anything is built, and in the built setup where only that can tell.
//
// A rule is one file. It reads the build file (package spec), what the scripts
// do (package shell) and what will be built (package graph), and reports
// findings with file and line. A rule that has to guess says "may".
package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
)

// Run checks the text of an input by all rules.
func Run(in check.Input) []check.Finding { return Read(in).Run() }

// Read reads an input for all rules.
func Read(in check.Input) *check.Checker { return check.Read(in, All()) }

// All are the rules, by their names.
func All() []check.Rule {
	rules := []check.Rule{
		argUndeclared(),
		argUnused(),
		archSpecificDownload(),
		bashInSh(),
		buildMetadataInArg(),
		cacheBypassed(),
		cacheWiped(),
		configNotStaged(),
		configWorldReadableSecret(),
		contextUnneeded(),
		copiedTwice(),
		curlPipeShell(),
		entrypointInstalls(),
		entrypointMissingCommand(),
		entrypointMissingFile(),
		entrypointMissingUser(),
		errorsIgnored(),
		hardcodedJobs(),
		localeWithoutLang(),
		packagesInIsolatedScript(),
		runsAsRoot(),
		secretInArg(),
		secretInScript(),
		serialMake(),
		setupReadsEntrypoint(),
		setupUndeclaredInput(),
		sharedLibraryMissing(),
		sourceFetchedAgain(),
		sourceUnused(),
		sourcedFileMissing(),
		stopSignalNotFast(),
		syntaxNotFirst(),
		tlsVerificationDisabled(),
		trustAuthentication(),
		unpinnedBase(),
		unpinnedBranch(),
		unreadableScript(),
		unstableOrder(),
		check.UnusedAllowance(),
		unverifiedDownload(),
		volatileBeforeStable(),
	}
	slices.SortFunc(rules, func(a, b check.Rule) int { return strings.Compare(a.Name, b.Name) })
	return rules
}
