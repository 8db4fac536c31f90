package spec

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/moby/buildkit/util/suggest"

	"github.com/pgstrata/pgstrata/paths"
)

// The conventional tree, where a build file is silent.
const (
	scriptGlob     = "setup/scripts/[0-9]*.sh"
	cleanupGlob    = "setup/scripts/[0-9]*cleanup*.sh"
	entrypointGlob = "entrypoint.d/**"
	utilityGlob    = "entrypoint.d/scripts/utils/**"
	configGlob     = "config/**"
	// InstallRoot is where entrypoint files without a target of their own land.
	InstallRoot = "/opt/container"
)

// Discover fills the lists that the text leaves out from the conventional
// tree, and replaces patterns by the files that they match. Its error is
// [Errors].
func (f *File) Discover(context fs.FS) error {
	p := &Problems{File: f.Name}
	d := &discovery{Problems: p, context: context, told: map[string]bool{}}
	f.discoverSetup(d)
	f.discoverEntrypoint(d)
	f.leaveOut()
	f.choosePackages(p)
	for _, r := range f.Setup.Repositories {
		if r.SignedBy.Path.Value != "" {
			d.requireFile(r.SignedBy.Path, "key")
		}
	}
	for i := range f.Setup.Sources {
		d.source(&f.Setup.Sources[i])
	}
	for _, t := range f.Tests {
		d.requireFile(t.Run, "test script")
	}
	f.limit(p)
	return p.Err()
}

// How much one image can be made of. Each script is a layer of the daemon's,
// and Linux stacks 500; each file is an operation of the definition, which is
// sent in one message.
const (
	maxScripts = 256
	maxFiles   = 10_000
)

// limit reports a context that holds more than an image can be made of.
func (f *File) limit(p *Problems) {
	s, e := f.Setup, f.Entrypoint
	if n := len(s.Scripts) + len(s.FinalCleanup); n > maxScripts {
		p.Addf(Range{}, "%d setup scripts are more than the %d that one image can have; name those that are meant in setup.scripts", n, maxScripts)
	}
	if n := len(e.RuntimeScripts) + len(e.UtilityScripts) + len(e.ConfigurationFiles); n > maxFiles {
		p.Addf(Range{}, "%d entrypoint files are more than the %d that one image can have; name those that are meant under entrypoint, or install them in setup", n, maxFiles)
	}
}

func (f *File) discoverSetup(d *discovery) {
	s := &f.Setup
	if s.FinalCleanup == nil {
		for _, path := range d.glob(cleanupGlob) {
			named := slices.ContainsFunc(s.Scripts, func(t Script) bool { return match(t.Path.Value, path) })
			if !named {
				s.FinalCleanup = append(s.FinalCleanup, Script{Path: Text{Value: path}})
			}
		}
	} else {
		s.FinalCleanup = d.scripts(s.FinalCleanup)
	}
	if s.Scripts != nil {
		s.Scripts = d.scripts(s.Scripts)
		return
	}
	cleanup := map[string]bool{}
	for _, t := range s.FinalCleanup {
		cleanup[t.Path.Value] = true
	}
	for _, path := range d.glob(scriptGlob) {
		if !cleanup[path] {
			s.Scripts = append(s.Scripts, Script{Path: Text{Value: path}})
		}
	}
}

func (f *File) discoverEntrypoint(d *discovery) {
	e := &f.Entrypoint
	switch {
	case e.Script != nil && e.Script.Value == "":
		e.Script = nil // the text says that there is none
	case e.Script == nil:
		for _, path := range []string{"entrypoint.d/entrypoint.sh", "entrypoint.sh"} {
			if d.isFile(path) {
				e.Script = &Text{Value: path}
				break
			}
		}
	default:
		d.requireFile(*e.Script, "entrypoint script")
	}
	taken := map[string]bool{}
	if e.Script != nil {
		taken[e.Script.Value] = true
	}
	e.ConfigurationFiles = d.configuration(e.ConfigurationFiles)
	for _, c := range e.ConfigurationFiles {
		taken[c.Source.Value] = true
	}
	utilities, runtime := e.UtilityScripts, e.RuntimeScripts
	// Files that the text names belong to the class that it names them in;
	// only the rest is for the conventions.
	e.UtilityScripts = d.entrypointFiles(utilities, utilityGlob, taken, runtime)
	e.RuntimeScripts = d.entrypointFiles(runtime, entrypointGlob, taken, nil)
	if e.ConfigurationFiles != nil {
		return
	}
	for _, source := range d.glob(configGlob) {
		e.ConfigurationFiles = append(e.ConfigurationFiles, ConfigFile{
			Source: Text{Value: source},
			Target: Text{Value: path.Join(InstallRoot, source)},
		})
	}
}

// discovery answers questions about the context.
type discovery struct {
	*Problems
	context fs.FS
	// told are the problems of globs that were reported.
	told map[string]bool
}

// entrypointFiles returns the files of one class: those that the text names,
// or, where it is silent, those of the convention that no other class has.
func (d *discovery) entrypointFiles(listed []Text, convention string, taken map[string]bool, others []Text) []Text {
	var out []Text
	if listed != nil {
		for _, t := range listed {
			for _, name := range d.files(t, "entrypoint file") {
				if !taken[name] {
					taken[name] = true
					out = append(out, Text{Value: name, At: t.At})
				}
			}
		}
		return out
	}
	for _, name := range d.glob(convention) {
		named := slices.ContainsFunc(others, func(t Text) bool { return match(t.Value, name) })
		if !taken[name] && !named {
			taken[name] = true
			out = append(out, Text{Value: name})
		}
	}
	return out
}

// configuration replaces directories by their files, but for those whose target
// another entry names.
func (d *discovery) configuration(listed []ConfigFile) []ConfigFile {
	named := map[string]bool{}
	for _, c := range listed {
		if !c.Tree {
			named[c.Target.Value] = true
		}
	}
	out := slices.Clone(listed)[:0] // nil stays nil: the convention fills it
	for _, c := range listed {
		if !c.Tree {
			d.requireFile(c.Source, "configuration file")
			out = append(out, c)
			continue
		}
		dir, target := c.Source.Value, c.Target.Value
		for _, name := range d.tree(c.Source) {
			c.Source.Value, c.Target.Value, c.Tree = name, path.Join(target, strings.TrimPrefix(name, dir+"/")), false
			if !named[c.Target.Value] {
				out = append(out, c)
			}
		}
	}
	return out
}

// tree returns the files of a directory of configuration files, sorted.
func (d *discovery) tree(t Text) []string {
	info, err := fs.Stat(d.context, t.Value)
	if err == nil && !info.IsDir() {
		d.Addf(t.At, "configuration file %s is one file, so its target has no / at its end", t.Value)
		return nil
	}
	if err != nil {
		d.requireFile(t, "configuration directory")
		return nil
	}
	names := d.files(t, "configuration file")
	if t.Value == "." { // of which ./** would match nothing
		names = d.glob("**")
	}
	if len(names) == 0 {
		d.Addf(t.At, "configuration directory %s has no file", t.Value)
	}
	return names
}

// source replaces the globs of a source's patches by what they match.
func (d *discovery) source(s *Source) {
	var patches []Text
	for _, t := range s.Patches {
		for _, name := range d.files(t, "patch") {
			patches = append(patches, Text{Value: name, At: t.At})
		}
	}
	s.Patches = patches
	for _, t := range s.Local()[len(patches):] {
		d.requireFile(t, "file of source "+s.Name.Value)
	}
}

// scripts replaces globs by what they match.
func (d *discovery) scripts(list []Script) []Script {
	out := make([]Script, 0, len(list))
	for _, s := range list {
		if !isGlob(s.Path.Value) {
			d.requireFile(s.Path, "setup script")
			out = append(out, s)
			continue
		}
		for _, name := range d.files(s.Path, "setup script") {
			one := s
			one.Path.Value = name
			out = append(out, one)
		}
	}
	return out
}

// files returns the files that a path, directory or glob names, sorted.
func (d *discovery) files(t Text, what string) []string {
	if !isGlob(t.Value) {
		if info, err := fs.Stat(d.context, t.Value); err == nil && info.IsDir() {
			return d.glob(escapeGlob(t.Value) + "/**")
		}
		if !d.requireFile(t, what) {
			return nil
		}
		return []string{t.Value}
	}
	names := d.glob(t.Value)
	if len(names) == 0 {
		d.Addf(t.At, "no %s matches %s in the build context", what, t.Value)
	}
	return names
}

// glob returns the files that match, sorted; a context without them has none.
func (d *discovery) glob(pattern string) []string {
	names, problems := find(d.context, pattern)
	for _, err := range problems {
		if text := err.Error(); !d.told[text] { // patterns may overlap
			d.told[text] = true
			d.Addf(Range{}, "%s", text)
		}
	}
	return names
}

func (d *discovery) isFile(name string) bool {
	info, err := fs.Stat(d.context, name)
	return err == nil && info.Mode().IsRegular()
}

// requireFile reports a file that the text names and the context lacks.
func (d *discovery) requireFile(t Text, what string) bool {
	info, err := fs.Stat(d.context, t.Value)
	switch {
	case err == nil && info.Mode().IsRegular():
		return true
	case err == nil && info.IsDir():
		d.Addf(t.At, "%s %s is a directory", what, t.Value)
	case err == nil:
		d.Addf(t.At, "%s %s is not a regular file", what, t.Value)
	case errors.Is(err, fs.ErrNotExist):
		d.Addf(t.At, "%s %s is not in the build context%s", what, t.Value, d.hint(t.Value))
	default:
		d.Addf(t.At, "%s %s cannot be read: %v", what, t.Value, err)
	}
	return false
}

func (d *discovery) hint(name string) string {
	if to, err := fs.ReadLink(d.context, name); err == nil {
		return ": it is a symbolic link to " + to + ", which is not there; a link cannot lead out of the context"
	}
	entries, _ := fs.ReadDir(d.context, path.Dir(name)) // an unreadable directory just gives no hint
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if s, ok := suggest.Search(path.Base(name), names, true); ok {
		return "; did you mean " + path.Join(path.Dir(name), s) + "?"
	}
	if is := d.inOtherLetters(name); is != "" {
		return "; did you mean " + is + "? Upper and lower case differ"
	}
	if strings.ContainsRune(name, ' ') {
		return ": what is listed here are files; a command belongs into one"
	}
	return "; is its name right, or does .dockerignore exclude it?"
}

// inOtherLetters is the file that a path names but for the case of its letters, "" for
// none.
func (d *discovery) inOtherLetters(name string) string {
	found := "."
	for part := range strings.SplitSeq(name, "/") {
		entries, _ := fs.ReadDir(d.context, found) // as in hint
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return strings.EqualFold(e.Name(), part) })
		if i < 0 {
			return ""
		}
		found = path.Join(found, entries[i].Name())
	}
	return found
}

// match tells whether a file is what a path, directory or glob names.
func match(pattern, name string) bool {
	if !isGlob(pattern) {
		return paths.Within(name, pattern)
	}
	ok, err := doublestar.Match(slashless(pattern), name)
	return ok && err == nil
}

// Matches tells whether one of the patterns names the file.
func Matches(patterns []Text, name string) bool {
	return slices.ContainsFunc(patterns, func(t Text) bool { return match(t.Value, name) })
}

func isGlob(s string) bool { return strings.ContainsAny(s, `*?[{\`) }

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`).Replace(s)
}
