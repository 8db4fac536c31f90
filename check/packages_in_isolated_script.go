package check

import (
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

func packagesInIsolatedScript() Rule {
	return Rule{
		Name:        "PackagesInIsolatedScript",
		Severity:    Warning,
		Description: "A script with outputs installs no packages: only its outputs survive.",
		check:       checkPackagesInIsolatedScript,
	}
}

func checkPackagesInIsolatedScript(p *pass) {
	for _, u := range p.setup {
		if !u.node.Isolated() {
			continue
		}
		for s, c := range u.calls() {
			if d := packager(c); installsPackages(c) && (d == "" || d == debian) { // others have no list in a build file
				p.call(s, c, "of what %s installs, nothing is in the image: %s has outputs, and they are all that survives; name runtime packages in the script's own `packages:`, others in its `build:`", c.Name, u.node.Path)
			}
		}
	}
}

// installsPackages tells whether a command changes the distribution's packages.
func installsPackages(c *shell.Call) bool {
	if c.Is(programs.Apt) {
		return programs.AptInstalls(c.Verb())
	}
	switch c.Name {
	case "dpkg":
		_, ok := hasFlag(c, 'i', "", "--install", "--unpack")
		return ok
	case "gdebi":
		return true
	case "apk":
		return subcommand(c) == "add"
	case "dnf", "microdnf", "yum", "zypper":
		return subcommand(c) == "install"
	}
	return false
}
