package check

import (
	"path"
	"slices"
	"strings"

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
	for _, u := range p.setup {
		if u.node.Isolated() { // it removes nothing from the image
			continue
		}
		for s, c := range u.calls() {
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
	return strings.HasPrefix(w.Value, "lib") && !strings.HasSuffix(w.Value, "-dev") && !strings.HasSuffix(w.Value, "-dev*")
}
