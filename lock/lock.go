// Package lock is the lock file: what a build file's names stood for when
// somebody last looked. The base images' digests and the exact version of every
// package that the build added to them, for each platform.
//
// The file lies beside the build file, is written by `pgstrata lock`, and is
// meant to be committed and read.
package lock

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Version is the version of the file's form.
const Version = 1

// Suffix is what a lock file's name has after that of its build file.
const Suffix = ".lock"

// MaxSize is the largest lock file that is read, in bytes.
const MaxSize = 4 << 20

// File is a lock file.
type File struct {
	// Version is the version of this form.
	Version int `yaml:"version" json:"version"`
	// Bases are the digests of base images, by their names in the build file.
	Bases map[string]string `yaml:"bases" json:"bases"`
	// Sources are what sources stood for, by their names in the build file.
	Sources map[string]Source `yaml:"sources,omitempty" json:"sources,omitempty"`
	// Platforms are the packages, by platform in OCI notation.
	Platforms map[string]Platform `yaml:"platforms" json:"platforms"`
}

// Source is what a source stood for.
type Source struct {
	// From is where it came from: a url, `REPOSITORY#REF`, or an image.
	From string `yaml:"from" json:"from"`
	// Pin is the digest of a file or an image, or the commit of a repository.
	Pin string `yaml:"pin" json:"pin"`
}

// Platform is what was installed for one platform.
type Platform struct {
	// Requested are the packages that the build file names, sorted.
	Requested []string `yaml:"requested" json:"requested"`
	// Image are the versions of packages in the image that are not the base's,
	// by name.
	Image map[string]string `yaml:"image" json:"image"`
	// Build are those of packages that are there only while scripts run.
	Build map[string]string `yaml:"build" json:"build"`
	// Bases are those of build packages on images that scripts have for a base of
	// their own, by the images' names.
	Bases map[string]map[string]string `yaml:"bases,omitempty" json:"bases,omitempty"`
}

// Parse reads a lock file.
func Parse(data []byte) (*File, error) {
	var f File
	if err := yaml.UnmarshalWithOptions(data, &f, yaml.Strict()); err != nil {
		if wrong := yaml.Error(nil); errors.As(err, &wrong) && wrong.GetToken() != nil { // its text is an excerpt
			line := wrong.GetToken().Position.Line
			text := strings.Split(string(data), "\n")[line-1]
			err = fmt.Errorf("line %d (%s): %s; pgstrata lock writes it anew where it is taken away", line, strings.TrimSpace(text), wrong.GetMessage())
		}
		return nil, err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("it is empty; write it anew with `pgstrata lock`")
	}
	if f.Version != Version {
		return nil, fmt.Errorf("its version is %d, and this pgstrata knows %d; write it anew with `pgstrata lock`", f.Version, Version)
	}
	for _, p := range f.Platforms {
		all := []map[string]string{p.Pins()}
		for _, list := range slices.Concat(all, slices.Collect(maps.Values(p.Bases))) {
			for name, version := range list {
				if strings.ContainsAny(name+version, " \t\r\n") || name == "" || version == "" {
					return nil, fmt.Errorf("%q with version %q is no package", name, version)
				}
			}
		}
	}
	return &f, nil
}

// Marshal writes a lock file. Equal files give equal bytes.
func (f *File) Marshal() ([]byte, error) {
	data, err := yaml.MarshalWithOptions(f, yaml.IndentSequence(true))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString("# What the build file stood for. Written by `pgstrata lock`; commit it.\n")
	out.Write(data)
	return out.Bytes(), nil
}

// Without is the file without the bases and sources that are to be looked up anew.
// Packages stay, but those on such a base: the archive has to be asked for others.
func (f *File) Without(anew func(name string) bool) *File {
	out := &File{Version: f.Version, Bases: maps.Clone(f.Bases), Sources: maps.Clone(f.Sources), Platforms: map[string]Platform{}}
	maps.DeleteFunc(out.Bases, func(name, _ string) bool { return anew(name) })
	maps.DeleteFunc(out.Sources, func(name string, _ Source) bool { return anew(name) })
	for name, p := range f.Platforms {
		one := Platform{Requested: p.Requested, Image: maps.Clone(p.Image), Build: maps.Clone(p.Build), Bases: maps.Clone(p.Bases)}
		maps.DeleteFunc(one.Bases, func(base string, _ map[string]string) bool { return anew(base) })
		out.Platforms[name] = one
	}
	return out
}

// Move sets the versions of locked packages.
func (p Platform) Move(to map[string]string) {
	for name, version := range to {
		for _, packages := range []map[string]string{p.Image, p.Build} {
			if _, ok := packages[name]; ok {
				packages[name] = version
			}
		}
	}
}

// Pins are all packages of a platform with the versions that are asked for.
func (p Platform) Pins() map[string]string {
	out := maps.Clone(p.Build)
	if out == nil {
		out = map[string]string{}
	}
	maps.Copy(out, p.Image)
	return out
}

// Drift tells how what was installed differs from what is locked, a line for
// each package, in order; nil where it does not.
func Drift(locked, installed map[string]string) []string {
	var out []string
	names := slices.Concat(slices.Collect(maps.Keys(locked)), slices.Collect(maps.Keys(installed)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		have, isThere := installed[name]
		want, isLocked := locked[name]
		switch {
		case !isThere:
			out = append(out, fmt.Sprintf("%s %s is locked, and not installed", name, want))
		case !isLocked:
			out = append(out, fmt.Sprintf("%s %s is installed, and not locked", name, have))
		case have != want:
			out = append(out, fmt.Sprintf("%s is locked at %s, and %s was installed", name, want, have))
		}
	}
	return out
}
