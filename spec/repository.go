package spec

import (
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	digest "github.com/opencontainers/go-digest"
)

// Repository is a package repository besides the base's own, in the terms of
// apt's sources.list(5).
type Repository struct {
	// Its name, and its files': `/etc/apt/sources.list.d/NAME.sources`.
	Name Text `yaml:"name" is:"repository name,required"`
	// Where it is.
	URIs []Text `yaml:"uris" is:"uri,required,some"`
	// Its distributions; `./` and the like for a flat repository.
	Suites []Text `yaml:"suites" is:"word,required,some"`
	// Its components. Default: `main`; none for a flat repository.
	Components []Text `yaml:"components" is:"word"`
	// The key that it is signed with: a context path, or a mapping with `url` and
	// `checksum`. ASCII-armored (`.asc`) or binary (`.gpg`).
	SignedBy Download `yaml:"signed_by"`
	// Accepts a repository without signature. Default: `false`.
	Unsigned bool `yaml:"unsigned" is:"true or false"`
	// What apt prefers it by (apt_preferences(5)); the base's own have 500. Default:
	// apt's own.
	Priority int `yaml:"priority" is:"number"`
	// Whether the image keeps it, so that `apt-get install` works in an image that
	// builds on it. Default: `true`.
	Keep *bool `yaml:"keep" is:"true or false"`
	// The build secret that holds lines for apt's auth.conf(5): `machine HOST login
	// NAME password PASSWORD`.
	Credentials Text `yaml:"credentials,literal" is:"id"`
	// For the SBOM: what the package URLs of its packages begin with. Default:
	// `pkg:deb/NAME`.
	PURL Text `yaml:"purl" is:"package URL prefix"`
	// Comparisons that must hold, such as `${POSTGRESQL_FROM} == pgdg`; else it is
	// left out. See "Conditions". Default: it always counts.
	When []Condition `yaml:"when" is:"comparison"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

// Download is a file of the context, or one that is downloaded and checked.
type Download struct {
	// Path is the file's path in the context, "" for one that is downloaded.
	Path Text `yaml:"-"`
	// Where it is downloaded from.
	URL Text `yaml:"url" is:"url"`
	// Its digest: `sha256:…`.
	Checksum Text `yaml:"checksum" is:"checksum"`
	// At is the place of the whole value.
	At Range `yaml:"-"`
}

func (r *Repository) setRange(at Range) { r.At = at }
func (f *Download) setRange(at Range)   { f.At = at }

func (f *Download) decodeNode(d *decoder, n ast.Node, depth int) {
	decodeLong(d, n, depth, f, &f.Path)
}

// Set tells whether there is a file at all.
func (f *Download) Set() bool { return f.Path.Value != "" || f.URL.Value != "" }

// Kept tells whether the image keeps the repository.
func (r *Repository) Kept() bool { return r.Keep == nil || *r.Keep }

// validate reports what apt or BuildKit would refuse later, with worse words.
func (f *Download) validate(p *Problems, what string) {
	switch {
	case f.Path.Value != "":
		relative(p, &f.Path, what)
	case f.URL.Value != "":
		validateURL(p, f.URL)
		if f.Checksum.Value == "" {
			p.Addf(f.At, "%s that is downloaded needs a checksum, such as sha256:… of `sha256sum`", what)
		}
	}
	validateChecksum(p, f.Checksum)
}

// IsURL reports whether a text is an address that something can be downloaded from: one
// of https or http, with a host.
func IsURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func validateURL(p *Problems, t Text) {
	if !IsURL(t.Value) {
		p.Addf(t.At, "a url starts with https:// or http://, and names a host, not %q", t.Value)
	} else if u, err := url.Parse(t.Value); err == nil && u.User != nil {
		p.Addf(t.At, "a url has no name or password in it: they would be in the build's provenance; use a secret")
	}
}

func validateChecksum(p *Problems, t Text) {
	if t.Value == "" {
		return
	}
	if d, err := digest.Parse(t.Value); err != nil || d.Algorithm() != digest.SHA256 {
		p.Addf(t.At, "a checksum is sha256: and 64 hexadecimal digits, not %q", t.Value)
	}
}

func (r *Repository) validate(p *Problems) {
	if name := r.Name.Value; name == "" || name[0] == '.' || !allOf(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") {
		p.Addf(r.At, "a repository needs a name of letters, digits, and _ . -, not %q", name)
	}
	if len(r.URIs) == 0 || len(r.Suites) == 0 {
		p.Addf(r.At, "a repository needs uris and suites, such as `suites: [bookworm-pgdg]`")
	}
	for _, t := range r.URIs {
		u, err := url.Parse(t.Value)
		switch {
		case err != nil || u.Scheme == "" || u.Opaque+u.Host+u.Path == "" || strings.ContainsAny(t.Value, " \t\r\n"):
			p.Addf(t.At, "%q is no repository's uri; it starts with https:// or http://", t.Value)
		case u.User != nil:
			p.Addf(t.At, "a uri has no name or password in it: they would be in the image; give them as a secret, by credentials")
		}
	}
	flat := slices.ContainsFunc(r.Suites, func(t Text) bool { return strings.HasSuffix(t.Value, "/") })
	for _, t := range slices.Concat(r.Suites, r.Components) {
		if t.Value == "" || strings.ContainsAny(t.Value, " \t\r\n") {
			p.Addf(t.At, "%q is no suite and no component: one word each", t.Value)
		}
	}
	switch {
	case flat && len(r.Components) > 0:
		p.Addf(r.At, "a suite that ends in / is a flat repository, which has no components")
	case !flat && r.Components == nil:
		r.Components = []Text{{Value: "main"}}
	}
	for i := range r.When {
		r.When[i].validate(p)
	}
	if t := r.PURL; t.Value != "" && (!strings.HasPrefix(t.Value, "pkg:") || strings.ContainsAny(t.Value, "@?# \t\r\n")) {
		p.Addf(t.At, "%q is not what package URLs begin with: `pkg:deb/` and whose packages these are, such as pkg:deb/pgdg", t)
	}
	r.SignedBy.validate(p, "a key")
	switch {
	case !r.SignedBy.Set() && !r.Unsigned:
		p.Addf(r.At, "repository %s has no key: name the file that it is signed with as signed_by, or say `unsigned: true`", r.Name)
	case r.SignedBy.Set() && r.Unsigned:
		p.Addf(r.At, "repository %s has a key, and says that it is unsigned", r.Name)
	}
	if c := r.Credentials; c.Value != "" && !isFileName(c.Value) {
		p.Addf(c.At, "credentials name a secret by its id, not %q", c.Value)
	}
}

// validateRepositories also reports names that two have.
func validateRepositories(p *Problems, list []Repository) {
	seen := map[string]bool{}
	for i := range list {
		r := &list[i]
		r.validate(p)
		if seen[r.Name.Value] {
			p.Addf(r.At, "two repositories are called %q", r.Name)
		}
		seen[r.Name.Value] = true
	}
}
