package rules

import (
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/spec"
)

func unpinnedBase() check.Rule {
	return check.Rule{
		Name:        "UnpinnedBase",
		Severity:    check.Warning,
		Description: "The base image names a release; the base of isolated scripts is pinned by its digest.",
		Check:       checkUnpinnedBase,
		Dockerfile:  checkUnpinnedBasesOfDockerfile,
	}
}

func checkUnpinnedBase(p *check.Pass) {
	release(p, p.Input.File.Base)
	for _, s := range p.Input.File.Setup.Scripts {
		release(p, s.Base)
	}
	if _, pinned, ok := parts(p.Input.File.Setup.Base); ok && !pinned {
		p.File(p.Input.File.Setup.Base.At, "setup.base is there so that a new base does not compile everything again, but %s moves as well; add its digest (@sha256:…)", p.Input.File.Setup.Base)
	}
}

func checkUnpinnedBasesOfDockerfile(p *check.Pass) {
	for _, base := range p.Input.Dockerfile.Bases {
		release(p, base)
	}
}

// release judges a base image that does not name a release.
func release(p *check.Pass, base spec.Text) {
	tag, pinned, ok := parts(base)
	if !ok || pinned {
		return
	}
	if tag == "" && namesRelease(base.Value) {
		return
	}
	switch tag {
	case "":
		p.File(base.At, "%s has no tag: the next build may get another release; name one, such as debian:bookworm-slim", base)
	case "latest", "stable", "stable-slim", "testing", "testing-slim", "unstable", "unstable-slim", "sid", "rolling", "devel", "edge", "nightly":
		p.File(base.At, "%s moves from release to release: the next build may get another one; name a release, such as debian:bookworm-slim", base)
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
	return err == nil && slices.ContainsFunc(check.ReferenceParts(reference.Path(named)), func(part string) bool {
		if strings.Trim(part, "0123456789") == "" {
			return true
		}
		return part != strings.TrimRight(part, "0123456789") && slices.ContainsFunc([]check.Distribution{check.Debian, check.Alpine, check.RedHat, check.Suse}, func(d check.Distribution) bool {
			return slices.ContainsFunc(d.Names(), func(name string) bool { return check.IsNumbered(part, name) })
		})
	})
}
