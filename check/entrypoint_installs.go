package check

import (
	"slices"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

func entrypointInstalls() Rule {
	return Rule{
		Name:        "EntrypointInstalls",
		Severity:    Warning,
		Description: "Entrypoint scripts find setup complete: they install and compile nothing.",
		check:       checkEntrypointInstalls,
		dockerfile:  checkEntrypointInstalls,
	}
}

func checkEntrypointInstalls(p *pass) {
	for _, u := range p.entrypoint {
		if !p.startsWith(u) {
			continue
		}
		for s, c := range u.calls() {
			if installs(c) && !cleans(c) && !u.makesModules() {
				p.report(c.Conditional, s.Path, span(c.Pos, c.End), "%s installs or compiles when a container starts: slow, different each time, and impossible without a network; do it in %s", c.Name, p.how("a setup script", "a RUN"))
			}
		}
	}
}

// cleans tells whether make is only to remove what it has made.
func cleans(c *shell.Call) bool {
	return c.Name == "make" && c.HasArg("clean", "distclean", "mostlyclean")
}

// makesModules tells whether a program compiles for the kernel that it runs on,
// which no build knows.
func (u *unit) makesModules() bool {
	for _, c := range u.calls() {
		switch c.Name {
		case "modprobe", "insmod", "depmod", "dkms":
			return true
		case "make":
			if c.HasArg("module", "modules", "module-install", "modules_install") {
				return true
			}
		}
	}
	return false
}

// installs tells whether a command belongs to setup. Making accounts does not
// where a container is started with ids of its own, and what only tells what it
// would do installs nothing.
func installs(c *shell.Call) bool {
	if _, simulated := hasFlag(c, 's', "oct", "--simulate", "--just-print", "--dry-run", "--no-act", "--recon"); simulated && packager(c) == debian {
		return false
	}
	if installsPackages(c) {
		return true
	}
	sub := subcommand(c, "-m", "-C", "-f")
	if c.Is(programs.Apt) {
		return sub == "update"
	}
	switch c.Name {
	case "apk", "dnf", "yum":
		return sub == "update"
	case "pip", "pip3", "pipx", "gem", "npm", "cargo", "go", "cpanm", "uv":
		return slices.Contains([]string{"install", "build", "ci", "get", "add", "i"}, sub)
	case "python", "python3":
		return c.HasArg("pip") && c.HasArg("install")
	case "make", "gmake", "ninja", "cmake", "meson", "gcc", "g++", "cc", "c++", "clang", "rustc":
		return true
	case "locale-gen", "localedef":
		return true
	case "git":
		return sub == "clone"
	}
	return false
}
