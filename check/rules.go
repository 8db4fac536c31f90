package check

import "slices"

// Rules returns every rule by its name.
func Rules() []Rule {
	rules := []Rule{
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
		unusedAllowance(),
		unverifiedDownload(),
		volatileBeforeStable(),
	}
	slices.SortFunc(rules, func(a, b Rule) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return rules
}
