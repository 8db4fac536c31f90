package spec

import (
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/util/gitutil"
)

// Source is what scripts compile or install from: an archive, a git repository,
// files of another image, or a named context. BuildKit fetches it, once, and each
// script that lists it finds it read-only.
type Source struct {
	// Name is the key that it stands behind.
	Name Text `yaml:"-"`
	// An archive or another file. Pinned by `checksum`, or by the lock file.
	URL Text `yaml:"url" is:"url"`
	// The file's digest: `sha256:…`.
	Checksum Text `yaml:"checksum" is:"checksum"`
	// A detached OpenPGP signature of the file, ASCII-armored.
	Signature Text `yaml:"signature" is:"context path"`
	// The public key of the signature, ASCII-armored.
	SignedBy Text `yaml:"signed_by" is:"context path"`
	// A git repository: `https://…`, `ssh://…`, or `git@HOST:PATH`.
	Git Text `yaml:"git" is:"text"`
	// The tag, branch or commit of the git repository. A tag or branch is pinned by
	// the lock file.
	Ref Text `yaml:"ref" is:"text"`
	// Whether the git repository's submodules come along. Default: `true`.
	Submodules *bool `yaml:"submodules" is:"true or false"`
	// The public keys of a git server that is reached by ssh, as `ssh-keyscan HOST`
	// prints them. Required for `ssh://…` and `git@HOST:PATH`.
	KnownHosts Text `yaml:"known_hosts" is:"context path"`
	// Files of an image, for the platform that is built. Pinned by a digest, or by
	// the lock file.
	Image Text `yaml:"image" is:"image reference"`
	// A named context (`--build-context NAME=…`).
	Context Text `yaml:"context" is:"text"`
	// The directory of the git repository, image or context that is meant. Default:
	// all of it.
	Subdir Text `yaml:"subdir" is:"text"`
	// Unpacks the archive (whatever tar can read, and zip). Default: `false`.
	Extract bool `yaml:"extract" is:"true or false"`
	// Unpacks it without this many leading directories.
	Strip int `yaml:"strip" is:"number"`
	// Patches, applied with `patch -p1` in this order.
	Patches []Text `yaml:"patches" is:"context path or glob"`
	// For the SBOM: its version.
	Version Text `yaml:"version" is:"text"`
	// For the SBOM: its license, as an SPDX expression.
	License Text `yaml:"license" is:"text"`
	// For the SBOM: its package URL. Default: `pkg:generic/NAME@VERSION`, and
	// `pkg:github/…` for a repository there.
	PURL Text `yaml:"purl" is:"text"`
	// Comparisons that must hold, such as `${PG_MAJOR} == 17`; else it is left out,
	// and where scripts list it, that means nothing. See "Conditions". Default: it
	// always counts.
	When []Condition `yaml:"when" is:"comparison"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

func (s *Source) setRange(at Range) { s.At = at }

// Local are the files of the build context that the source needs; patches may be
// globs.
func (s *Source) Local() []Text {
	out := append([]Text{}, s.Patches...)
	for _, t := range []Text{s.Signature, s.SignedBy, s.KnownHosts} {
		if t.Value != "" {
			out = append(out, t)
		}
	}
	return out
}

// SSH tells whether the source is a git repository that is reached by ssh.
func (s *Source) SSH() bool {
	remote, err := gitutil.ParseURL(s.Git.Value)
	return err == nil && remote.Scheme == gitutil.SSHProtocol
}

func (s *Source) validate(p *Problems) {
	name := s.Name
	if name.Value == "" || name.Value[0] == '.' || !allOf(name.Value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-") {
		p.Addf(name.At, "a source's name is made of letters, digits, and _ . + -, not %q", name)
	}
	kinds := 0
	for _, t := range []Text{s.URL, s.Git, s.Image, s.Context} {
		if t.Value != "" {
			kinds++
		}
	}
	if kinds != 1 {
		p.Addf(s.At, "source %s needs one of url, git, image and context, and only one", name)
		return
	}
	only := func(t Text, ok bool, key, of string) {
		if t.Value != "" && !ok {
			p.Addf(t.At, "%s is for a source with %s", key, of)
		}
	}
	only(s.Checksum, s.URL.Value != "", "checksum", "a url")
	only(s.Signature, s.URL.Value != "", "signature", "a url")
	only(s.SignedBy, s.Signature.Value != "", "signed_by", "a signature")
	only(s.Ref, s.Git.Value != "", "ref", "git")
	only(s.KnownHosts, s.SSH(), "known_hosts", "git that is reached by ssh")
	only(s.Subdir, s.URL.Value == "", "subdir", "git, image or context; `strip` is for archives")
	if s.Signature.Value != "" && s.SignedBy.Value == "" {
		p.Addf(s.Signature.At, "a signature needs the key that made it: signed_by")
	}
	if (s.Extract || s.Strip != 0) && s.URL.Value == "" {
		p.Addf(s.At, "extract and strip are for a source with a url")
	}
	if s.Strip < 0 {
		p.Addf(s.At, "strip is a number of directories, not %d", s.Strip)
	}
	if s.Submodules != nil && s.Git.Value == "" {
		p.Addf(s.At, "submodules is for a source with git")
	}
	for i := range s.When {
		s.When[i].validate(p)
	}
	s.validatePlaces(p)
}

// validatePlaces checks where the source is.
func (s *Source) validatePlaces(p *Problems) {
	if s.URL.Value != "" {
		validateURL(p, s.URL)
		validateChecksum(p, s.Checksum)
	}
	if g := s.Git; g.Value != "" {
		if strings.ContainsAny(g.Value, " \t\r\n#") {
			p.Addf(g.At, "%q is no git repository; a tag, branch or commit goes to ref, a directory to subdir", g)
		}
		if s.Ref.Value == "" || strings.ContainsAny(s.Ref.Value, " \t\r\n:") {
			p.Addf(s.At, "a git repository needs a ref: a tag, branch or commit")
		}
		if s.SSH() && s.KnownHosts.Value == "" {
			p.Addf(g.At, "by ssh, a server is known by its keys: name a file with them as known_hosts; `ssh-keyscan HOST` prints what to compare with the keys that its owner publishes")
		}
	}
	if s.Image.Value != "" {
		if _, err := reference.ParseNormalizedNamed(s.Image.Value); err != nil {
			p.Addf(s.Image.At, "image %q is not an image reference: %v", s.Image, err)
		}
	}
	if s.Subdir.Value != "" {
		s.Subdir.Value = strings.TrimPrefix(s.Subdir.Value, "/")
		relative(p, &s.Subdir, "a source's directory")
	}
	for _, t := range []struct {
		at   *Text
		what string
	}{{&s.Signature, "a signature"}, {&s.SignedBy, "a key"}, {&s.KnownHosts, "a file of keys"}} {
		if t.at.Value != "" {
			relative(p, t.at, t.what)
		}
	}
	for i := range s.Patches {
		relative(p, &s.Patches[i], "a patch")
	}
}

// validateSources also reports those that scripts list, and nobody declares.
func (f *File) validateSources(p *Problems) {
	known := map[string]bool{}
	for i := range f.Setup.Sources {
		s := &f.Setup.Sources[i]
		s.validate(p)
		if known[s.Name.Value] {
			p.Addf(s.Name.At, "two sources are called %q", s.Name)
		}
		known[s.Name.Value] = true
	}
	for _, list := range [][]Script{f.Setup.Scripts, f.Setup.FinalCleanup} {
		for _, s := range list {
			for _, t := range s.Sources {
				if !known[t.Value] {
					p.Addf(t.At, "source %s is not declared under setup.sources%s", t, Meant(t.Value, slices.Sorted(maps.Keys(known))))
				}
			}
		}
	}
}
