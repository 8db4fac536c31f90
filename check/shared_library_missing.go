package check

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/shell"
)

// sharedLibraryMissing finds what takes libraries away, and in a built setup
// the programs that lack one. That every library of an isolated script's
// outputs is there is proven by the build itself.
func sharedLibraryMissing() Rule {
	return Rule{
		Name:        "SharedLibraryMissing",
		Severity:    Error,
		Description: "The libraries that programs were linked against stay in the image.",
		check:       checkSharedLibraryMissing,
		dockerfile:  checkSharedLibraryMissing,
		contract:    unlinkable,
	}
}

func checkSharedLibraryMissing(p *pass) {
	brought := map[*dockerfile.StageReading]bool{} // a build file has none: it is one chain
	for _, u := range p.setup {
		stage := p.stageOf(u)
		if u.node.Isolated() { // it removes nothing from the image
			brought[stage] = true
			continue
		}
		kept := u.keepsLibraries()
		for s, c := range u.calls() {
			brought[stage] = brought[stage] || links(c)
			if kept || !brought[stage] && !p.copiedFrom(stage, u.node.At.Start.Line) && (stage == nil || stage.On == nil || !brought[stage.On]) {
				continue // all programs came in packages, which know what they need
			}
			if c.Name != "apt" && c.Name != "apt-get" && c.Name != "aptitude" && c.Name != "dpkg" {
				continue
			}
			sub := subcommand(c, "-o", "-c")
			_, auto := hasFlag(c, 0, "", "--auto-remove", "--autoremove")
			switch {
			case sub == "autoremove" || auto && (sub == "purge" || sub == "remove"):
				p.mayCall(s, c, "%s may take libraries that programs of this image were linked against: apt knows nothing of what was compiled; %s", c.Name,
					p.how("name them under setup.dependencies.runtime, and compilers under setup.dependencies.build, which never reach the image", "keep them with apt-mark manual"))
			case sub == "purge" || sub == "remove" || c.HasArg("--purge", "-P", "--remove", "-r") && c.Name == "dpkg":
				if i := slices.IndexFunc(c.Args, isRuntimeLibrary); i >= 0 {
					p.report(true, s.Path, span(c.Args[i].Pos, c.Args[i].End), "%s may be what programs of this image were linked against; keep it", c.Args[i].Value)
				}
			}
		}
	}
}

// unlinkable reports the programs of entrypoint scripts that cannot start.
// Those in the distribution's own directories belong to packages, which know
// what they need.
func unlinkable(p *pass) {
	env := ""
	for _, v := range p.in.Graph.Image.Env {
		if v.Name == "LD_LIBRARY_PATH" {
			env = v.Value
		}
	}
	missing := map[string][]string{}
	for _, u := range p.entrypoint {
		list, _ := p.pathOf(u)
		for s, c := range u.calls() {
			name, ok := c.Command.Literal()
			if c.Kind != shell.CallProgram || !ok || c.Optional() {
				continue
			}
			if !path.IsAbs(name) {
				if name, ok = p.root().lookPath(name, list); !ok {
					continue
				}
			}
			if slices.Contains([]string{"/bin", "/sbin", "/usr/bin", "/usr/sbin"}, path.Dir(name)) || p.isEntrypointFile(name) {
				continue
			}
			libraries, looked := missing[name]
			if !looked {
				libraries = p.root().missingLibraries(name, env)
				missing[name] = libraries
			}
			if len(libraries) > 0 {
				p.report(false, s.Path, span(c.Command.Pos, c.Command.End), "%s cannot start: it was linked against %s, which the built setup does not have; add the packages to setup.dependencies.runtime", name, strings.Join(libraries, ", "))
			}
		}
	}
}

// isRuntimeLibrary tells whether a package is a library and not its headers.
func isRuntimeLibrary(w shell.Word) bool {
	for _, other := range []string{"-dev", "-dev*", "-perl", "-bin", "-doc", "-utils", "-java", "-dbg"} {
		if strings.HasSuffix(w.Value, other) {
			return false
		}
	}
	return strings.HasPrefix(w.Value, "lib")
}

// stageOf is the stage of a program, nil in a build file.
func (t *tree) stageOf(u *unit) *dockerfile.StageReading {
	if d := t.in.dockerfile; d != nil {
		return d.stages[u.node.Path]
	}
	return nil
}

// copiedFrom tells whether a stage, or one that it builds on, has files of another
// stage or image above a line.
func (t *tree) copiedFrom(s *dockerfile.StageReading, line int) bool {
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
		_, out := hasFlag(c, 'o', "")
		return out
	case "cargo", "go", "gem", "cpanm":
		return c.HasArg("install")
	}
	return false
}

// keepsLibraries tells whether a program has apt keep what its own programs were
// linked against, as the official images do with ldd and apt-mark manual.
func (u *unit) keepsLibraries() bool {
	for _, c := range u.calls() {
		if c.Name == "ldd" || c.Name == "apt-mark" && c.HasArg("manual") ||
			slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Is("apt-mark") }) { // xargs apt-mark manual
			return true
		}
	}
	return false
}
