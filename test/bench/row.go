package bench

import (
	"fmt"
	"os"
	"path/filepath"
)

// Row is something that happens to a tree, and the build after it. It may be done several times; each time it has to be
// something new.
type Row struct {
	Name string
	// Edit changes the tree, for the nth time; nil for nothing.
	Edit func(dir string, n int) error
	// Args are arguments of that build alone; nil for none.
	Args func(n int) []string
	// Times is how often it can be done at most; 0 for as often as one likes.
	Times int
	// Like names an earlier row with which it shares what runs where all of setup is one step: all of it.
	Like string
	// Profiled tells that it is looked at what the build waits for.
	Profiled bool
	// Floors are the keys of the floors that are measured beside it.
	Floors []string

	// What else happens before the build.
	Rebase   bool // the base image is replaced by an update of it
	Imported bool // the daemon loses all that it has, and gets its cache from a registry
}

// The rows that goals speak of.
const (
	Cold       = "cold build"
	Nothing    = "nothing changed"
	Entrypoint = "entrypoint script edited"
)

// Rows are all rows, in the order in which they are measured. Versions are what an argument may be set to besides its
// default.
func Rows(versions []string) []Row {
	bump := func(arg string) func(int) []string {
		return func(n int) []string { return []string{"--build-arg=" + arg + "=" + versions[n]} }
	}
	return []Row{
		{Name: Cold, Times: 1},
		{Name: Nothing, Profiled: true, Floors: []string{Floor}},
		{Name: Entrypoint, Edit: comment("entrypoint.d/entrypoint.sh"), Profiled: true, Floors: []string{Floor, OneFile}},
		{Name: "utility edited", Edit: comment("entrypoint.d/scripts/utils/logging.sh"), Like: Entrypoint},
		{Name: "configuration edited", Edit: comment("config/postgresql.conf"), Like: Entrypoint},
		{Name: "README added", Edit: readme, Like: Entrypoint},
		{Name: "Patroni version bumped", Args: bump("PATRONI_VERSION"), Times: len(versions)},
		{Name: "PgBouncer version bumped", Args: bump("PGBOUNCER_VERSION"), Times: len(versions), Like: "Patroni version bumped"},
		{Name: "first setup script edited", Edit: comment("setup/scripts/locale.sh"), Like: Entrypoint},
		{Name: "middle setup script edited", Edit: comment("setup/scripts/pgbackrest.sh"), Like: Entrypoint},
		{Name: "last setup script edited", Edit: comment("setup/scripts/pgbadger.sh"), Like: Entrypoint},
		{Name: "cleanup script edited", Edit: comment("setup/scripts/cleanup.sh"), Like: Entrypoint},
		{Name: "base image replaced", Rebase: true},
		{Name: "fresh daemon, cache imported", Imported: true},
	}
}

// comment adds a comment to a file, which starts with # in all that a tree has.
func comment(name string) func(string, int) error {
	return func(dir string, n int) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(f, "# edited for the %d. time\n", n+1); err != nil {
			return err
		}
		return f.Close()
	}
}

func readme(dir string, n int) error {
	text := []byte("# An image\n\nWith PostgreSQL in it.\n")
	return os.WriteFile(filepath.Join(dir, fmt.Sprintf("README-%d.md", n)), text, 0o644) //nolint:gosec // as a checkout has it
}
