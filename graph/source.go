package graph

import (
	"path"

	"github.com/pgstrata/pgstrata/spec"
)

// Source is what scripts compile or install from. One of URL, Git, Image and
// Context says where it is.
type Source struct {
	// Name is its name, and that of its directory below [SourcesDir].
	Name string `json:"name"`
	// URL is that of an archive or another file.
	URL string `json:"url,omitempty"`
	// Git is a repository; Ref its tag, branch or commit.
	Git string `json:"git,omitempty"`
	Ref string `json:"ref,omitempty"`
	// Image is the image that it is a part of, Context the named context.
	Image   string `json:"image,omitempty"`
	Context string `json:"context,omitempty"`
	// Pin is what it is pinned to: the digest of a file or an image, the commit of
	// a repository; "" for none.
	Pin string `json:"pin,omitempty"`
	// Signature and SignedBy are the context files that verify a download.
	Signature string `json:"signature,omitempty"`
	SignedBy  string `json:"signedBy,omitempty"`
	// KnownHosts is the context file with the keys of a git server that is reached by
	// ssh.
	KnownHosts string `json:"knownHosts,omitempty"`
	// Submodules tells that those of the repository come along.
	Submodules bool `json:"submodules,omitempty"`
	// Subdir is the directory that is meant, "" for all.
	Subdir string `json:"subdir,omitempty"`
	// Extract unpacks an archive, without Strip leading directories.
	Extract bool `json:"extract,omitempty"`
	Strip   int  `json:"strip,omitempty"`
	// Patches are context files, in order.
	Patches []string `json:"patches,omitempty"`
	// Version, License and PURL describe it in an SBOM.
	Version string `json:"version,omitempty"`
	License string `json:"license,omitempty"`
	PURL    string `json:"purl,omitempty"`
	// At is its place in the build file.
	At spec.Range `json:"-"`
}

// SourcesDir is where a script finds its sources, each in a directory with its
// name.
const SourcesDir = ContextMount + "/sources"

// Unpacked tells whether scripts find something else than what is fetched.
func (s *Source) Unpacked() bool { return s.Extract || len(s.Patches) > 0 }

// Place is where it comes from, as the build file has it.
func (s *Source) Place() string {
	switch {
	case s.Git != "":
		return s.Git + "#" + s.Ref
	case s.Context != "":
		return "context " + s.Context
	}
	return s.URL + s.Image
}

// Source returns the source of that name, or nil.
func (g *Graph) Source(name string) *Source {
	for _, s := range g.Sources {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// LockedSource is what a source stood for when it was locked.
type LockedSource struct {
	// From is where it came from, as [Source.Place] says it.
	From string
	// Pin is the digest or commit.
	Pin string
}

// sources resolves the declared sources. A lock holds for what is still the same
// place.
func (b *builder) sources(locked map[string]LockedSource) {
	for _, s := range b.file.Setup.Sources {
		out := &Source{
			Name: s.Name.Value, URL: s.URL.Value, Git: s.Git.Value, Ref: s.Ref.Value, Image: s.Image.Value, Context: s.Context.Value,
			Pin: s.Checksum.Value, Signature: s.Signature.Value, SignedBy: s.SignedBy.Value, KnownHosts: s.KnownHosts.Value,
			Submodules: s.Git.Value != "" && (s.Submodules == nil || *s.Submodules),
			Subdir:     s.Subdir.Value, Extract: s.Extract || s.Strip > 0, Strip: s.Strip, Patches: values(s.Patches),
			Version: s.Version.Value, License: s.License.Value, PURL: s.PURL.Value, At: s.At,
		}
		if l := locked[out.Name]; out.Pin == "" && l.From == out.Place() {
			out.Pin = l.Pin
		}
		b.graph.Sources = append(b.graph.Sources, out)
	}
}

// network settles a script's network: what it says itself, else none for one
// whose sources are declared, else what the build file says for all.
func (b *builder) network(s spec.Script) string {
	network := s.Network.Value
	switch {
	case network != "":
	case len(s.Sources) > 0:
		network = "none"
	default:
		network = b.file.Setup.Network.Value
	}
	if network == "default" {
		return ""
	}
	return network
}

// File is the name of a download.
func (s *Source) File() string { return path.Base(s.URL) }
