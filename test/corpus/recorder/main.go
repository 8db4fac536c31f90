// Command recorder stands for every program of an image of which nobody knows
// what it reads: make, npm, pip, a tool of the company's own. It writes down
// all that it sees into a new file of /recorded: its name and arguments, its
// variables, and each file of its directory and of the places that Dockerfiles
// copy to. Then it does, unasked, what programs of its name do.
//
// Variables whose name begins with OWN_ are left out: those that only a script
// mentions are not given to other programs, as docs/dockerfile.md says. So are
// directories named setup, which hold the scripts of drivers, unless the program
// works in one or above it, or is given its name or that of one above: no other
// program is taken to look for another step's script.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const records = "/recorded"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	name := filepath.Base(os.Args[0])
	var text strings.Builder
	fmt.Fprintf(&text, "%q in %s\n", append([]string{name}, os.Args[1:]...), dir)
	for _, v := range variables(os.Environ()) {
		fmt.Fprintln(&text, v)
	}
	var places []string
	for _, place := range append([]string{dir}, known()...) {
		if !slices.ContainsFunc(places, func(other string) bool { return within(place, other) }) {
			places = append(places, place)
		}
	}
	for _, place := range places {
		if err := list(&text, place, func(name string) bool { return looksFor(name, dir, os.Args[1:]) }); err != nil {
			return err
		}
	}
	if err := keep(name, text.String()); err != nil {
		return err
	}
	return act(name, dir)
}

// known are the places that Dockerfiles copy to.
func known() []string {
	return []string{"/app", "/data", "/etc/app", "/home", "/opt", "/root", "/setup", "/srv", "/tmp", "/usr/local", "/usr/src", "/workspace"}
}

func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// variables are those that count, in alphabetical order. Shells set _,
// SHLVL and OLDPWD, which tell of one shell less where a step was divided; BuildKit sets
// TRACEPARENT, anew for each build.
func variables(all []string) []string {
	all = slices.DeleteFunc(all, func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "OWN_") || slices.Contains([]string{"_", "SHLVL", "OLDPWD", "TRACEPARENT"}, name)
	})
	slices.Sort(all)
	return all
}

// skipped are directories that say nothing of the Dockerfile, and those that
// are caches, which come and go.
func skipped() []string {
	return []string{records, "/proc", "/sys", "/dev", "/root/.npm", "/root/.cache", "/root/.cargo", "/root/go", "/usr/local/share/.cache"}
}

// looksFor tells whether a program that works in a directory, and has arguments,
// is taken to look through another one: it works there or above, or an argument
// is that or leads above. Everything works in the root that nobody has told where
// to, so that says nothing.
func looksFor(name, dir string, args []string) bool {
	if dir != "/" && within(name, dir) {
		return true
	}
	for _, arg := range args {
		for _, p := range strings.FieldsFunc(arg, func(r rune) bool { return strings.ContainsRune(" =:,;'\"", r) }) {
			if !filepath.IsAbs(p) {
				p = filepath.Join(dir, p)
			}
			if within(name, filepath.Clean(p)) {
				return true
			}
		}
	}
	return false
}

// list writes down a directory, with all below it but what was recorded, and
// directories of scripts that it does not look for.
func list(text *strings.Builder, dir string, looksFor func(name string) bool) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			fmt.Fprintf(text, "%s: %v\n", name, err)
			return nil
		}
		if err != nil {
			return err
		}
		if slices.Contains(skipped(), name) || entry.IsDir() && entry.Name() == "setup" && !looksFor(name) {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(text, "%s %s", name, info.Mode())
		if stat, is := info.Sys().(*syscall.Stat_t); is {
			fmt.Fprintf(text, " %d:%d", stat.Uid, stat.Gid)
		}
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(name) //nolint:gosec // whatever there is
			fmt.Fprintf(text, " %d %.4x", len(data), sha256.Sum256(data))
			if err != nil {
				fmt.Fprintf(text, " %v", errors.Unwrap(err))
			}
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			fmt.Fprintf(text, " to %s", target)
		}
		fmt.Fprintln(text)
		return nil
	})
}

// keep writes a record below the next free number.
func keep(name, text string) error {
	if err := os.MkdirAll(records, 0o777); err != nil { //nolint:gosec // any user records
		return err
	}
	entries, err := os.ReadDir(records)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(records, fmt.Sprintf("%03d-%s", len(entries), name)), []byte(text), 0o644) //nolint:gosec // to be compared
}

// act does what a program of that name does to files, unasked.
func act(name, dir string) error {
	switch name {
	case "make", "cargo", "npm", "mvn": // leaves something in its directory
		return write(filepath.Join(dir, "built", name), name)
	case "pip", "assemble": // and in a place of its own
		return write("/usr/lib/"+name+"/installed", name)
	case "tidy": // removes what it takes for garbage, wherever it knows it to lie
		return remove("/app/*.tmp", "/opt/*/*.tmp", "/srv/*/*.tmp", "/workspace/*.tmp", "/tmp/*")
	case "seal": // changes modes
		return filepath.WalkDir("/app", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.Type()&fs.ModeSymlink != 0 {
				return nil //nolint:nilerr // there may be no such directory
			}
			return os.Chmod(name, 0o750) //nolint:gosec // that is what it is for
		})
	case "mirror": // gives each file of its directory a second name, and its directory's files a third by renaming
		return mirror(dir)
	}
	return nil
}

func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // any user reads
		return err
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // any user reads
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, text)
	return errors.Join(err, f.Close())
}

func remove(patterns ...string) error {
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func mirror(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		name := filepath.Join(dir, entry.Name())
		if err := os.Link(name, name+".linked"); err != nil {
			return err
		}
		if err := os.Rename(name+".linked", name+".mirrored"); err != nil {
			return err
		}
	}
	return nil
}
