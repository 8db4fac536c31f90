package rules

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

func packagesInIsolatedScript() check.Rule {
	return check.Rule{
		Name:        "PackagesInIsolatedScript",
		Severity:    check.Warning,
		Description: "A script with outputs installs no packages: only its outputs survive.",
		Check:       checkPackagesInIsolatedScript,
	}
}

func checkPackagesInIsolatedScript(p *check.Pass) {
	for _, u := range p.Setup {
		if !u.Node.Isolated() || u.Node.Base.Name != "" { // the packages of another base are none of the image's
			continue
		}
		for s, c := range u.Calls() {
			if d := check.Packager(c); check.InstallsPackages(c) && (d == "" || d == check.Debian) && !installsTools(c) { // others have no list in a build file
				p.Call(s, c, "of what %s installs, nothing is in the image: %s has outputs, and they are all that survives; name runtime packages in the script's own `packages:`, others in its `build:`", c.Name, u.Node.Path)
			}
		}
	}
}

// installsTools tells whether all that a command installs is of use to a build
// alone: nobody misses it in an image.
func installsTools(c *shell.Call) bool {
	if !c.Is(programs.Apt) {
		return false
	}
	list := check.Operands(c, "-t", "--target-release", "-o", "--option", "-c") // the first is install
	return len(list) > 1 && !slices.ContainsFunc(list[1:], func(w shell.Word) bool { return !w.Known || !isTool(w.Value) })
}

// isTool tells whether a package holds headers, or a program that compiles,
// downloads or unpacks.
func isTool(name string) bool {
	name, _, _ = strings.Cut(name, "=")
	if strings.HasSuffix(name, "-dev") || strings.HasSuffix(name, "-headers") || strings.HasPrefix(name, "linux-headers") || strings.HasPrefix(name, "postgresql-server-dev") {
		return true
	}
	for _, start := range []string{"gcc", "g++", "clang", "llvm", "lld", "golang", "bison", "flex", "autoconf", "automake", "cmake"} {
		if rest, ok := strings.CutPrefix(name, start); ok && strings.Trim(rest, "-.0123456789") == "" {
			return true
		}
	}
	switch name {
	case "build-essential", "make", "ninja-build", "meson", "m4", "libtool", "pkg-config", "pkgconf", "patch", "patchelf", "ccache", "cargo", "rustc", "nasm", "yasm", "swig", "protobuf-compiler", "debhelper", "devscripts", "dpkg-dev", "equivs", "fakeroot",
		"git", "curl", "wget", "ca-certificates", "gnupg", "gnupg2", "dirmngr", "apt-transport-https", "software-properties-common", "lsb-release", "unzip", "bzip2", "xz-utils", "zstd", "file", "binutils", "gdb":
		return true
	}
	return false
}
