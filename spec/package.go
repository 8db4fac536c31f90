package spec

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Package is a distribution package: its name, or a mapping with its name.
type Package struct {
	// `name` or `name=version`. `!name` keeps a package out.
	Name Text `yaml:"name" is:"package name,required"`
	// Comparisons that must hold, such as `${PG_MAJOR} >= 14`; else the entry is
	// left out. See "Conditions". Default: it always counts.
	When []Condition `yaml:"when" is:"comparison"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

func (p *Package) setRange(at Range) { p.At = at }

func (p *Package) decodeNode(d *decoder, n ast.Node, depth int) {
	decodeLong(d, n, depth, p, &p.Name)
}

// Excluded is the name of the package that an entry keeps out, if it does.
func (p *Package) Excluded() (name string, ok bool) { return strings.CutPrefix(p.Name.Value, "!") }

// validate keeps anything but a package from reaching the package manager's
// command line.
func (p *Package) validate(problems *Problems) {
	for i := range p.When {
		p.When[i].validate(problems)
	}
	if name, ok := p.Excluded(); ok && !isPackageName(name) {
		problems.Addf(p.Name.At, "`!name` keeps a package out, whatever its version, not %q", p.Name)
	} else if !ok {
		validatePackage(problems, p.Name)
	}
}

// packageLists are all lists of packages of the file.
func (f *File) packageLists() []*[]Package {
	d := &f.Setup.Dependencies
	out := []*[]Package{&d.Build, &d.Runtime, &d.Image}
	for i := range f.Setup.Scripts {
		out = append(out, &f.Setup.Scripts[i].Packages, &f.Setup.Scripts[i].Build)
	}
	for i := range f.Setup.FinalCleanup {
		out = append(out, &f.Setup.FinalCleanup[i].Packages, &f.Setup.FinalCleanup[i].Build)
	}
	return out
}

// validatePackages also reports what one list asks for and keeps out.
func (f *File) validatePackages(p *Problems) {
	for _, list := range f.packageLists() {
		for i := range *list {
			(*list)[i].validate(p)
		}
	}
}

// choosePackages drops the entries whose conditions do not hold, and reports
// packages that are asked for and kept out.
func (f *File) choosePackages(p *Problems) {
	for _, list := range f.packageLists() {
		*list = slices.DeleteFunc(slices.Clone(*list), func(pkg Package) bool { return !hold(pkg.When) })
		for _, pkg := range *list {
			name, out := pkg.Excluded()
			asked := func(o Package) bool {
				have, _, _ := strings.Cut(o.Name.Value, "=")
				return have == name
			}
			if out && slices.ContainsFunc(*list, asked) {
				p.Addf(pkg.At, "package %s is asked for, and kept out", name)
			}
		}
	}
}

// validatePackage reports what is neither `name` nor `name=version`.
func validatePackage(p *Problems, t Text) {
	name, version, pinned := strings.Cut(t.Value, "=")
	okVersion := !pinned || version != "" && allOf(version, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:~*")
	if !isPackageName(name) || !okVersion {
		p.Addf(t.At, "a package is `name` or `name=version`, not %q", t.Value)
	}
}

func isPackageName(s string) bool {
	return s != "" && s[0] != '-' && allOf(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:")
}
