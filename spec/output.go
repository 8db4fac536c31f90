package spec

import (
	"path"
	"strings"

	"github.com/distribution/reference"
	"github.com/goccy/go-yaml/ast"
)

// Output is a path that an isolated script makes: a path or glob, or a mapping
// that also says where it goes to, and what it becomes there.
type Output struct {
	// Where the script makes it.
	From Text `yaml:"from" is:"output,required"`
	// Where it is in the image. With `/` at its end: the directory that it goes
	// into. Default: where the script makes it.
	To Text `yaml:"to" is:"output's place"`
	// `user[:group]` that it belongs to, with all that is in it: numbers, `root`, or
	// a user of the build file. Default: as the script made it.
	Owner Text `yaml:"owner" is:"owner"`
	// Permission bits of the file, or of the directory and nothing in it. Default:
	// as the script made it.
	Mode *Mode `yaml:"mode" is:"octal bits"`
	// Into tells that To is the directory that it goes into.
	Into bool `yaml:"-"`
	// Auto tells that it stands for all that the script leaves: `outputs: auto`.
	Auto bool `yaml:"-"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

func (o *Output) setRange(at Range) { o.At = at }

func (o *Output) decodeNode(d *decoder, n ast.Node, depth int) {
	decodeLong(d, n, depth, o, &o.From)
}

// auto in place of a list of outputs is all that a script leaves.
const auto = "auto"

// hasGlob tells whether an output is a glob, whose signs are those of BuildKit.
func hasGlob(s string) bool { return strings.ContainsAny(s, `*?[\`) }

func (o *Output) validate(p *Problems, f *File) {
	if o.Auto {
		return
	}
	absolute(p, &o.From, "an output")
	first, _, _ := strings.Cut(strings.TrimPrefix(o.From.Value, "/"), "/")
	if matchesAll(first) {
		p.Addf(o.From.At, "output %s is whatever the image has, as / is; name what the script installs", o.From)
	}
	if o.To.Value != "" {
		o.Into = strings.HasSuffix(o.To.Value, "/")
		absolute(p, &o.To, "the place of an output")
		switch {
		case hasGlob(o.To.Value):
			p.Addf(o.To.At, "the place of an output is no glob: %q", o.To)
		case hasGlob(o.From.Value) && !o.Into:
			p.Addf(o.To.At, "a glob goes to a directory: write %s/", o.To)
		}
	}
	if o.Owner.Value != "" {
		if _, _, err := f.ParseOwner(o.Owner.Value); err != nil {
			p.Addf(o.Owner.At, "%v", err)
		}
	}
}

// matchesAll tells whether a name's pattern matches what no script has made.
func matchesAll(pattern string) bool {
	for _, name := range []string{"etc", "usr"} {
		if ok, err := path.Match(pattern, name); !ok || err != nil {
			return false
		}
	}
	return true
}

// validateIsolation checks what makes a script isolated, and what only such a
// script has.
func (t *Script) validateIsolation(p *Problems, f *File) {
	if t.Outputs != nil && len(t.Outputs) == 0 {
		p.Addf(t.At, "outputs is empty: list the paths that the script installs, or leave outputs out")
	}
	for i := range t.Outputs {
		t.Outputs[i].validate(p, f)
	}
	if t.Outputs == nil {
		if len(t.Packages) > 0 {
			p.Addf(t.At, "packages are those of an isolated script; without outputs, name them under setup.dependencies.runtime")
		}
		if t.Build != nil {
			p.Addf(t.At, "build is for an isolated script; without outputs, name its packages under setup.dependencies.build")
		}
		if t.Base.Value != "" {
			p.Addf(t.At, "base is for an isolated script: one without outputs runs on what the image is made of")
		}
	}
	if t.Base.Value != "" {
		if _, err := reference.ParseNormalizedNamed(t.Base.Value); err != nil || t.Base.Value == "scratch" {
			p.Addf(t.Base.At, "base %q is not the reference of an image with a shell", t.Base)
		}
	}
}
