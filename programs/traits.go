package programs

import "strings"

// Trait is one thing that is known of a program.
type Trait uint32

// The traits.
const (
	// Closed: see the function of that name.
	Closed Trait = 1 << iota
	// OwnCache is a program that reads no cache but its own, and installs no
	// packages but in the ways that package cache has.
	OwnCache
	// Pure is one that only computes or prints, so that it may be run again or left
	// out without anything being missed.
	Pure

	// ReadsFiles is one that only reads the files that it is given.
	ReadsFiles
	// CopiesFiles reads all files that it is given but the last, which it writes.
	CopiesFiles
	// ChangesFiles changes the files that it is given, and nothing else.
	ChangesFiles
	// NoFiles neither reads nor writes files below its working directory unless they
	// are given.
	NoFiles
	// NamesPaths only speaks of the paths that it is given.
	NamesPaths
	// PlainWords is one whose words without a slash name no files.
	PlainWords
	// MakesNoFile makes none of the files that it is given: it changes owners,
	// modes, directories or accounts, or only speaks.
	MakesNoFile
	// Recurses goes down the directories that it is given, RecursesIfTold with an
	// option such as -r.
	Recurses
	RecursesIfTold

	// Apt is apt itself, by its names; UsesApt includes what reads its archives or
	// calls it.
	Apt
	UsesApt
	// Debconf is a program of Debian's that may ask questions.
	Debconf
	// Fetcher downloads what it is told to, Packager is a package manager, MakesAccounts
	// makes users or groups.
	Fetcher
	Packager
	MakesAccounts
	// Pip is Python, or one of its package managers.
	Pip
	// Builder builds what files tell it, Compiler compiles.
	Builder
	Compiler
	// PostgreSQL is a program of PostgreSQL's.
	PostgreSQL
	// RunsFiles is a language in which a file may install packages, ReadsProgram one
	// that runs the text that it reads.
	RunsFiles
	ReadsProgram
)

// Is reports whether one of the traits is known of a program, by its base name.
func Is(name string, t Trait) bool { return (traits(name)|family(name))&t != 0 }

// family are the traits of a program whose name has a version, or belongs to a
// family: gcc-12, python3.11, pg_basebackup.
func family(name string) Trait {
	t := traits(strings.TrimRight(name, "0123456789.-")) & (OwnCache | RunsFiles)
	switch {
	case name == "uv" || name == "poetry" || hasPrefix(name, "pip", "python"):
		return t | Pip
	case hasPrefix(name, "gcc-", "g++-", "clang-"):
		return t | Compiler
	case strings.HasPrefix(name, "pg_"):
		return t | PostgreSQL
	}
	return t
}

// AptCommands are apt's names.
func AptCommands() []string { return []string{"apt", "apt-get", "aptitude"} }

// AptInstalls reports whether apt fetches and installs packages for a verb.
func AptInstalls(verb string) bool {
	switch verb {
	case "install", "reinstall", "upgrade", "safe-upgrade", "dist-upgrade", "full-upgrade", "build-dep", "satisfy":
		return true
	}
	return false
}

// AptCleans reports whether apt deletes archives for a verb.
func AptCleans(verb string) bool {
	switch verb {
	case "clean", "autoclean", "auto-clean", "distclean", "dist-clean":
		return true
	}
	return false
}

// TakesValue reports whether an option in front of a program's verb has its value
// in the next word.
func TakesValue(program, option string) bool {
	var options string
	switch program {
	case "apk":
		options = "-X --repository -p --root --arch --wait --cache-max-age --repositories-file --keys-dir"
	case "npm", "pnpm", "yarn":
		options = "--prefix -C --dir --cwd --registry --loglevel"
	case "uv", "poetry", "go", "bundle":
		options = "--directory -C --project -P"
	case "dnf", "dnf4", "yum", "zypper", "composer":
		options = "-c --config --root -R -d --working-dir --installroot"
	default:
		if Is(program, Apt) {
			options = "-o --option -c --config-file -t --target-release --default-release -a --host-architecture"
		}
	}
	return strings.Contains(" "+options+" ", " "+option+" ")
}
