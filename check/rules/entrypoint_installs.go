package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

func entrypointInstalls() check.Rule {
	return check.Rule{
		Name:        "EntrypointInstalls",
		Severity:    check.Warning,
		Description: "Entrypoint scripts find setup complete: they install and compile nothing.",
		Check:       checkEntrypointInstalls,
		Dockerfile:  checkEntrypointInstalls,
	}
}

func checkEntrypointInstalls(p *check.Pass) {
	for _, u := range p.Entrypoint {
		if !p.StartsWith(u) {
			continue
		}
		for s, c := range u.Calls() {
			if installs(c) && !cleans(c) && !makesModules(u) {
				p.Report(c.Conditional, s.Path, check.Span(c.Pos, c.End), "%s installs or compiles when a container starts: slow, different each time, and impossible without a network; do it in %s", c.Name, p.Advice("a setup script", "a RUN"))
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
func makesModules(u *check.Unit) bool {
	for _, c := range u.Calls() {
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
	if _, simulated := check.HasFlag(c, 's', "oct", "--simulate", "--just-print", "--dry-run", "--no-act", "--recon"); simulated && check.Packager(c) == check.Debian {
		return false
	}
	if check.InstallsPackages(c) {
		return true
	}
	sub := check.Subcommand(c, "-m", "-C", "-f")
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
		return !tellsOfItself(c)
	case "locale-gen", "localedef":
		return true
	case "git":
		return sub == "clone"
	}
	return false
}

// tellsOfItself tells whether a compiler, or what calls one, is only asked for its
// version, its files or what it would do.
func tellsOfItself(c *shell.Call) bool {
	return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
		switch w.Value {
		case "--version", "-V", "--help", "-n", "-q", "--question":
			return true
		case "-v":
			return len(c.Args) == 1
		}
		return strings.HasPrefix(w.Value, "-dump") || strings.HasPrefix(w.Value, "-print-") || strings.HasPrefix(w.Value, "--print-")
	})
}
