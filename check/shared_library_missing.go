package check

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// sharedLibraryMissing finds what takes libraries away. That every library of
// an isolated script's outputs is there is proven by the build itself.
func sharedLibraryMissing() Rule {
	return Rule{
		Name:        "SharedLibraryMissing",
		Severity:    Warning,
		Description: "The libraries that programs were linked against stay in the image.",
		check:       checkSharedLibraryMissing,
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
				p.mayCall(s, c, "%s may take libraries that programs of this image were linked against: apt knows nothing of what was compiled; name them under setup.dependencies.runtime, and compilers under setup.dependencies.build, which never reach the image", c.Name)
			case sub == "purge" || sub == "remove" || c.HasArg("--purge", "-P", "--remove", "-r") && c.Name == "dpkg":
				if i := slices.IndexFunc(c.Args, isRuntimeLibrary); i >= 0 {
					p.report(true, s.Path, span(c.Args[i].Pos, c.Args[i].End), "%s may be what programs of this image were linked against; keep it", c.Args[i].Value)
				}
			}
		}
	}
}

// isRuntimeLibrary tells whether a package is a library and not its headers.
func isRuntimeLibrary(w shell.Word) bool {
	return strings.HasPrefix(w.Value, "lib") && !strings.HasSuffix(w.Value, "-dev") && !strings.HasSuffix(w.Value, "-dev*")
}
