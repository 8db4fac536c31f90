package check

import (
	"slices"

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
	for s, c := range p.entrypointCalls() {
		if installs(c) {
			p.call(s, c, "%s installs or compiles when a container starts: slow, different each time, and impossible without a network; do it in a setup script", c.Name)
		}
	}
}

// installs tells whether a command belongs to setup.
func installs(c *shell.Call) bool {
	if installsPackages(c) {
		return true
	}
	sub := subcommand(c, "-m", "-C", "-f")
	switch c.Name {
	case "apt", "apt-get", "aptitude", "apk", "dnf", "yum":
		return slices.Contains([]string{"update", "remove", "purge", "autoremove"}, sub)
	case "pip", "pip3", "pipx", "gem", "npm", "cargo", "go", "cpanm", "uv":
		return slices.Contains([]string{"install", "build", "ci", "get", "add", "i"}, sub)
	case "python", "python3":
		return c.HasArg("pip") && c.HasArg("install")
	case "make", "gmake", "ninja", "cmake", "meson", "gcc", "g++", "cc", "c++", "clang", "rustc":
		return true
	case "locale-gen", "localedef", "useradd", "adduser", "groupadd":
		return true
	case "git":
		return sub == "clone"
	}
	return false
}
