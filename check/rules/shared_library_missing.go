package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// sharedLibraryMissing finds what takes libraries away, and in a built setup
// the programs that lack one. That every library of an isolated script's
// outputs is there is proven by the build itself.
func sharedLibraryMissing() check.Rule {
	return check.Rule{
		Name:        "SharedLibraryMissing",
		Severity:    check.Error,
		Description: "The libraries that programs were linked against stay in the image.",
		Check:       checkSharedLibraryMissing,
		Dockerfile:  checkSharedLibraryMissing,
		Contract:    unlinkable,
	}
}

func checkSharedLibraryMissing(p *check.Pass) {
	chains := map[*dockerfile.StageReading]*linked{} // a build file has none: it is one chain
	for _, u := range p.Setup {
		stage := stageOf(p.Tree, u)
		chain := chains[stage]
		if chain == nil {
			chain = &linked{}
			if stage != nil && chains[stage.On] != nil {
				chain = chains[stage.On].clone()
			}
			chains[stage] = chain
		}
		if u.Node.Isolated() { // it removes nothing from the image
			chain.programs = true
			continue
		}
		kept := keepsLibraries(u)
		chain.programs = chain.programs || copiedFrom(stage, u.Node.At.Start.Line)
		for s, c := range u.Calls() {
			if links(c) {
				chain.programs = true
			}
			removal(p, chain, u, kept, s, c)
		}
	}
}

// linked is what a chain of steps has of programs that no package knows of, and
// of what these may have been linked against.
type linked struct {
	programs bool
	// headers are the libraries whose headers were installed, gone those of them
	// whose headers were removed, and libraries those that were named themselves:
	// by the beginnings of their packages' names. first is the package whose headers
	// were removed first.
	headers, gone, libraries []string
	first                    string
}

func (l *linked) clone() *linked {
	return &linked{l.programs, slices.Clone(l.headers), slices.Clone(l.gone), slices.Clone(l.libraries), l.first}
}

// removal judges a command that may take libraries: those that came with headers
// alone go with them. Who names libraries beside the headers knows that.
func removal(p *check.Pass, l *linked, u *check.Unit, kept bool, s *shell.Script, c *shell.Call) {
	if !c.Is(programs.Apt) && c.Name != "dpkg" {
		return
	}
	sub := c.Verb()
	packages := check.Operands(c, "-o", "-c", "-t", "--target-release")
	if sub == "install" {
		for _, w := range packages[1:] {
			if library, ok := headersOf(w); ok && !alwaysThere(p, u, library) {
				l.headers = append(l.headers, library)
			} else if isRuntimeLibrary(w) {
				l.libraries = append(l.libraries, strings.TrimRight(w.Value, "*[]0123456789.-"))
			}
		}
		return
	}
	_, auto := check.HasFlag(c, 0, "", "--auto-remove", "--autoremove", "--purge")
	removes := sub == "purge" || sub == "remove" || c.Name == "dpkg" && c.HasArg("--purge", "-P", "--remove", "-r")
	if removes {
		for _, w := range packages {
			if library, ok := headersOf(w); ok && slices.Contains(l.headers, library) {
				if len(l.gone) == 0 {
					l.first = w.Value
				}
				l.gone = append(l.gone, library)
			}
		}
	}
	if kept || !l.programs {
		return // all programs came in packages, which know what they need
	}
	switch i := slices.IndexFunc(packages, func(w shell.Word) bool {
		return isRuntimeLibrary(w) && slices.ContainsFunc(l.headers, func(library string) bool { return strings.HasPrefix(w.Value, library) })
	}); {
	case removes && i >= 0:
		p.Report(true, s.Path, check.Span(packages[i].Pos, packages[i].End), "%s may be what programs of this image were linked against; keep it", packages[i].Value)
	case sub == "autoremove" || auto && removes:
		if len(l.gone) > 0 && !l.namesLibraries() {
			p.MayCall(s, c, "%s may take the library that came with %s, and that programs of this image were linked against: apt knows nothing of what was compiled; %s", c.Name, l.first,
				p.Advice("name it under setup.dependencies.runtime, and the headers under setup.dependencies.build, which never reach the image", "install it by name, or keep it with apt-mark manual"))
			l.gone = nil
		}
	}
}

// namesLibraries tells whether a library was installed by its own name whose
// headers were too.
func (l *linked) namesLibraries() bool {
	return slices.ContainsFunc(l.gone, func(library string) bool {
		return slices.ContainsFunc(l.libraries, func(named string) bool { return strings.HasPrefix(named, library) || strings.HasPrefix(library, named) })
	})
}

// headersOf is the library that a package has the headers of, without its
// version: libpng of libpng-dev, libcurl of libcurl4-openssl-dev.
func headersOf(w shell.Word) (string, bool) {
	name, ok := strings.CutSuffix(w.Value, "-dev")
	if !ok || !strings.HasPrefix(name, "lib") || strings.ContainsAny(name, "*[") {
		return "", false
	}
	name = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "-openssl"), "-gnutls"), "-nss")
	return strings.TrimRight(name, "0123456789.-"), true
}

// alwaysThere tells whether a library is in the image for the sake of others:
// the base's own programs, or the server's package.
func alwaysThere(p *check.Pass, u *check.Unit, library string) bool {
	switch library {
	case "libc", "libgcc", "libstdc++", "libbz", "liblzma", "libzstd", "libpam", "libpam0g", "libselinux", "libcrypt", "libacl", "libattr", "libcap", "libncurses", "libncursesw", "libtinfo", "libgmp":
		return true
	case "libicu", "libssl", "libkrb", "libldap", "libldap2", "liblz", "libreadline", "libedit", "libxml", "libxslt", "libpq", "libsystemd", "libuuid", "libgssapi", "libperl", "libpython", "libtcl":
		return hasServerPackage(p.Tree, u)
	}
	return false
}

// unlinkable reports the programs of entrypoint scripts that cannot start.
// Those in the distribution's own directories belong to packages, which know
// what they need.
func unlinkable(p *check.Pass) {
	env := ""
	for _, v := range p.Input.Graph.Image.Env {
		if v.Name == "LD_LIBRARY_PATH" {
			env = v.Value
		}
	}
	missing := map[string][]string{}
	for _, u := range p.Entrypoint {
		list, _ := pathOf(p.Tree, u)
		for s, c := range u.Calls() {
			name, ok := c.Command.Literal()
			if c.Kind != shell.CallProgram || !ok || c.Optional() {
				continue
			}
			if !path.IsAbs(name) {
				if name, ok = p.Root().LookPath(name, list); !ok {
					continue
				}
			}
			if paths.Programs(path.Dir(name)) || isEntrypointFile(p.Tree, name) {
				continue
			}
			libraries, looked := missing[name]
			if !looked {
				libraries = missingLibraries(p.Root(), name, env)
				missing[name] = libraries
			}
			if len(libraries) > 0 {
				p.Report(false, s.Path, check.Span(c.Command.Pos, c.Command.End), "%s cannot start: it was linked against %s, which the built setup does not have; add the packages to setup.dependencies.runtime", name, strings.Join(libraries, ", "))
			}
		}
	}
}

// isRuntimeLibrary tells whether a package is a library and not its headers.
func isRuntimeLibrary(w shell.Word) bool {
	for _, other := range []string{"-dev", "-dev*", "-perl", "-bin", "-doc", "-utils", "-java", "-dbg", "-mgc"} {
		if strings.HasSuffix(w.Value, other) {
			return false
		}
	}
	return strings.HasPrefix(w.Value, "lib")
}

// stageOf is the stage of a program, nil in a build file.
func stageOf(t *check.Tree, u *check.Unit) *dockerfile.StageReading {
	if d := t.Input.Dockerfile; d != nil {
		return d.Stages[u.Node.Path]
	}
	return nil
}

// copiedFrom tells whether a stage, or one that it builds on, has files of another
// stage or image above a line.
func copiedFrom(s *dockerfile.StageReading, line int) bool {
	return s != nil && slices.ContainsFunc(s.All(), func(step *dockerfile.Step) bool {
		return step.Copy != nil && step.Copy.From != "" && step.Start < line
	})
}

// links tells whether a command makes programs that no package knows of: a
// compilation that installs what it made.
func links(c *shell.Call) bool {
	switch c.Name {
	case "make", "gmake", "ninja", "meson", "cmake":
		return c.HasArg("install", "--install") || slices.ContainsFunc(c.Args, func(w shell.Word) bool { return strings.HasPrefix(w.Value, "install") })
	case "gcc", "g++", "cc", "c++", "clang", "clang++":
		_, out := check.HasFlag(c, 'o', "")
		return out
	case "cargo", "go", "gem", "cpanm":
		return c.HasArg("install")
	}
	return false
}

// keepsLibraries tells whether a program has apt keep what its own programs were
// linked against, as the official images do with ldd and apt-mark manual.
func keepsLibraries(u *check.Unit) bool {
	for _, c := range u.Calls() {
		if c.Name == "ldd" || c.Name == "apt-mark" && c.HasArg("manual") ||
			slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Is("apt-mark") }) { // xargs apt-mark manual
			return true
		}
	}
	return false
}
