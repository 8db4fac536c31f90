package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerui"
)

// buildFiles are the names that a build file has where none is given, the
// usual one first.
func buildFiles() []string {
	return []string{dockerui.DefaultDockerfileName, "pgstrata.yaml", "Containerfile"}
}

// fileUsage is the help of the flag that names it.
const fileUsage = `build file (default "PATH/Dockerfile", else "PATH/pgstrata.yaml" or "PATH/Containerfile")`

// contextOf is the folder that a command is about: that of its argument, or the
// one that it runs in.
func contextOf(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// findBuildFile returns the build file of the context in dir: the one that is
// given, or the first with a usual name. Where there is none, the error says
// what to do.
func findBuildFile(dir, given string) (string, error) {
	if given != "" {
		return given, exists(given)
	}
	if file := firstOf(dir, buildFiles()); file != "" {
		return file, nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return "", fmt.Errorf("build context: %s is a file: name its folder, and the file with -f", dir)
	}
	if err != nil {
		return "", fmt.Errorf("build context: there is no folder %s", dir)
	}
	names := buildFiles()
	for _, name := range names { // it is there, and no file
		if err := exists(filepath.Join(dir, name)); !errors.Is(err, errNone) {
			return "", err
		}
	}
	last := len(names) - 1
	return "", fmt.Errorf("build file: there is no %s or %s in %s: name the build file with -f%s", strings.Join(names[:last], ", "), names[last], dir, near(dir))
}

// findDockerfile returns the Dockerfile that an argument names: a file, or the
// one of a folder, where it may have Podman's name. What pgstrata wrote into that
// folder is not looked at.
func findDockerfile(argument string) (string, error) {
	info, err := os.Stat(argument)
	if err != nil || !info.IsDir() {
		return argument, exists(argument)
	}
	if file := firstOf(argument, []string{dockerui.DefaultDockerfileName, "Containerfile"}); file != "" {
		return file, nil
	}
	return "", fmt.Errorf("there is no Dockerfile or Containerfile in %s: name the Dockerfile%s", argument, near(argument))
}

// firstOf returns the first of some names that is a file in a folder, "" for none.
func firstOf(dir string, names []string) string {
	for _, name := range names {
		if file := filepath.Join(dir, name); exists(file) == nil {
			return file
		}
	}
	return ""
}

// errNone is the error of a build file that is not there.
var errNone = errors.New("there is no")

func exists(file string) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		if to, err := os.Readlink(file); err == nil {
			return fmt.Errorf("build file: %s is a symbolic link to %s, which is not there", file, to)
		}
		return fmt.Errorf("build file: %w %s%s", errNone, file, near(filepath.Dir(file)))
	}
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a folder: the build file is a file in it", file)
	}
	if err != nil {
		return fmt.Errorf("build file: %w", err)
	}
	return nil
}

// near tells of files in a folder that look like build files.
func near(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	var found []string
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		if !e.IsDir() && (strings.Contains(name, "dockerfile") || strings.Contains(name, "containerfile") || strings.HasPrefix(name, "pgstrata.")) &&
			!slices.Contains([]string{".dockerignore", ".lock", ".json"}, filepath.Ext(name)) {
			found = append(found, e.Name())
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "; there is " + strings.Join(found, ", ")
}
