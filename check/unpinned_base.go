package check

import (
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/pgstrata/pgstrata/spec"
)

func unpinnedBase() Rule {
	return Rule{
		Name:        "UnpinnedBase",
		Severity:    Warning,
		Description: "The base image names a release; the base of isolated scripts is pinned by its digest.",
		check:       checkUnpinnedBase,
		dockerfile:  checkUnpinnedBasesOfDockerfile,
	}
}

func checkUnpinnedBase(p *pass) {
	p.release(p.in.File.Base)
	for _, s := range p.in.File.Setup.Scripts {
		p.release(s.Base)
	}
	if _, pinned, ok := parts(p.in.File.Setup.Base); ok && !pinned {
		p.file(p.in.File.Setup.Base.At, "setup.base is there so that a new base does not compile everything again, but %s moves as well; add its digest (@sha256:…)", p.in.File.Setup.Base)
	}
}

func checkUnpinnedBasesOfDockerfile(p *pass) {
	for _, base := range p.in.dockerfile.bases {
		p.release(base)
	}
}

// release judges a base image that does not name a release.
func (p *pass) release(base spec.Text) {
	tag, pinned, ok := parts(base)
	if !ok || pinned {
		return
	}
	if tag == "" && namesRelease(base.Value) {
		return
	}
	switch tag {
	case "":
		p.file(base.At, "%s has no tag: the next build may get another release; name one, such as debian:bookworm-slim", base)
	case "latest", "stable", "stable-slim", "testing", "testing-slim", "unstable", "unstable-slim", "sid", "rolling", "devel", "edge", "nightly":
		p.file(base.At, "%s moves from release to release: the next build may get another one; name a release, such as debian:bookworm-slim", base)
	}
}

// parts takes an image reference apart.
func parts(t spec.Text) (tag string, pinned, ok bool) {
	if t.Value == "" {
		return "", false, false
	}
	named, err := reference.ParseNormalizedNamed(t.Value)
	if err != nil { // spec has reported it
		return "", false, false
	}
	_, pinned = named.(reference.Digested)
	if tagged, ok := named.(reference.Tagged); ok {
		tag = tagged.Tag()
	}
	return tag, pinned, true
}

// namesRelease tells whether an image's name has the release in it, as Red Hat's
// images are called: ubi9/s2i-core, rhel8/postgresql-12, ubi9-minimal.
func namesRelease(ref string) bool {
	named, err := reference.ParseNormalizedNamed(ref)
	return err == nil && slices.ContainsFunc(referenceParts(reference.Path(named)), func(part string) bool {
		if strings.Trim(part, "0123456789") == "" {
			return true
		}
		return part != strings.TrimRight(part, "0123456789") && slices.ContainsFunc([]distribution{debian, alpine, redHat, suse}, func(d distribution) bool {
			return slices.ContainsFunc(d.names(), func(name string) bool { return isNumbered(part, name) })
		})
	})
}
