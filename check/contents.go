package check

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
)

// IsConfiguration tells whether a file in an image is the configuration of a
// program that runs there: not the text of a program, no template, no translation,
// no documentation, and nothing for those who build or test it.
func IsConfiguration(target string) bool {
	if IsForCI(target) || slices.ContainsFunc(strings.Split(path.Dir(target), "/"), func(dir string) bool {
		return slices.Contains([]string{"locale", "locales", "lang", "i18n", "l10n", "translations"}, dir)
	}) {
		return false
	}
	base := strings.ToLower(path.Base(target))
	switch path.Ext(base) {
	case ".conf", ".cnf", ".cfg", ".ini", ".env", ".yml", ".yaml", ".json", ".toml", ".properties", ".key", ".pem", ".cf", ".config":
		return true
	case "":
		return paths.Within(path.Clean(target), "/etc") || strings.HasPrefix(base, "pg")
	}
	return slices.Contains([]string{".env", ".pgpass", ".netrc", ".my.cnf", ".passwd", ".htpasswd"}, base) || path.Ext(base) == base
}

// IsForCI tells whether a file is for a service that builds and tests, for a
// developer's machine, or for tests.
func IsForCI(target string) bool {
	base := path.Base(target)
	switch {
	case strings.HasPrefix(base, "docker-compose"), strings.HasPrefix(base, "compose."), base == ".gitlab-ci.yml", base == ".travis.yml", base == ".drone.yml", base == ".woodpecker.yml", base == ".appveyor.yml", base == "azure-pipelines.yml", base == "bitbucket-pipelines.yml", base == "cloudbuild.yaml",
		base == "package.json", base == "package-lock.json", base == "composer.json":
		return true
	}
	for dir := range strings.SplitSeq(path.Dir(target), "/") {
		switch dir {
		case ".github", ".gitlab", ".circleci", ".buildkite", ".woodpecker", ".semaphore", ".vscode", ".idea", ".git", "test", "tests", "testdata", "fixtures", "testinfra", "examples", "samples", "node_modules":
			return true
		}
	}
	return false
}
