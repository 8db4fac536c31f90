// Package sbom says what an image was compiled from: a component for each source
// of a build file, as an SPDX document; and one for each package of a repository
// that the build file declares. No scanner of the finished image can know either.
// Plain data in, bytes out.
package sbom

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pgstrata/pgstrata/graph"
)

// Document is an SPDX 2.3 document, as much of it as is written here.
type Document struct {
	Version       string         `json:"spdxVersion"`
	License       string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      Creation       `json:"creationInfo"`
	Packages      []Package      `json:"packages"`
	Relationships []Relationship `json:"relationships"`
}

// Creation says who made a document, and when.
type Creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

// Package is a component.
type Package struct {
	ID               string     `json:"SPDXID"`
	Name             string     `json:"name"`
	Version          string     `json:"versionInfo,omitempty"`
	Supplier         string     `json:"supplier"`
	DownloadLocation string     `json:"downloadLocation"`
	FilesAnalyzed    bool       `json:"filesAnalyzed"`
	Checksums        []Checksum `json:"checksums,omitempty"`
	SourceInfo       string     `json:"sourceInfo,omitempty"`
	LicenseConcluded string     `json:"licenseConcluded"`
	LicenseDeclared  string     `json:"licenseDeclared"`
	Copyright        string     `json:"copyrightText"`
	Comment          string     `json:"comment,omitempty"`
	ExternalRefs     []Ref      `json:"externalRefs,omitempty"`
	Purpose          string     `json:"primaryPackagePurpose"`
}

// Checksum is that of a component's archive.
type Checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

// Ref names a component elsewhere.
type Ref struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

// Relationship holds between two elements.
type Relationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

// nothing is what a field says that must be there and is not known.
const nothing = "NOASSERTION"

// image is the element that stands for what was built.
const image = "SPDXRef-image"

// Installed is a package of the image that came from a repository of the build file.
type Installed struct {
	Repository, Name, Version, Architecture string
	// SHA256 is that of the package's file, which is at File below the repository's URI.
	SHA256, URI, File string
}

// Sources describes what scripts compile or install from: those sources that the
// scripts list, and packages. creator is the program that says so.
func Sources(g *graph.Graph, scripts []*graph.Script, packages []Installed, created time.Time, creator string) Document {
	name := "sources of " + g.File + " for " + g.Platform
	out := Document{
		Version: "SPDX-2.3", License: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name,
		Creation: Creation{Created: created.UTC().Format(time.RFC3339), Creators: []string{"Tool: " + creator}},
		Packages: []Package{{
			ID: image, Name: g.File, Supplier: nothing, DownloadLocation: nothing, LicenseConcluded: nothing, LicenseDeclared: nothing, Copyright: nothing,
			Purpose: "CONTAINER",
		}},
		Relationships: []Relationship{{"SPDXRef-DOCUMENT", "DESCRIBES", image}},
	}
	for _, s := range g.Sources {
		var users []*graph.Script
		for _, script := range scripts {
			if slices.Contains(script.Sources, s.Name) {
				users = append(users, script)
			}
		}
		if len(users) == 0 {
			continue
		}
		p := component(s, users)
		out.Packages = append(out.Packages, p)
		out.Relationships = append(out.Relationships, Relationship{image, "GENERATED_FROM", p.ID})
	}
	for _, i := range packages {
		p := installed(g, i)
		out.Packages = append(out.Packages, p)
		out.Relationships = append(out.Relationships, Relationship{image, "CONTAINS", p.ID})
	}
	content, err := json.Marshal(out)
	if err != nil {
		panic(err) // it is strings
	}
	sum := sha256.Sum256(content)
	out.Namespace = "https://github.com/pgstrata/pgstrata/sbom/" + hex.EncodeToString(sum[:])
	return out
}

// installed is a package of a repository.
func installed(g *graph.Graph, i Installed) Package {
	prefix := ""
	for _, r := range g.Toolchain.Repositories {
		if r.Name == i.Repository {
			prefix = r.PURL
		}
	}
	query := url.Values{"arch": {i.Architecture}, "repository_url": {i.URI}}
	return Package{
		ID: "SPDXRef-package-" + reference(i.Name+"-"+i.Architecture), Name: i.Name, Version: i.Version, Supplier: nothing, DownloadLocation: i.URI + "/" + i.File,
		Checksums: []Checksum{{"SHA256", i.SHA256}}, SourceInfo: "from the repository " + i.Repository,
		LicenseConcluded: nothing, LicenseDeclared: nothing, Copyright: nothing, Purpose: "INSTALL",
		ExternalRefs: []Ref{{"PACKAGE-MANAGER", "purl", prefix + "/" + escaped(i.Name) + "@" + escaped(i.Version) + "?" + query.Encode()}},
	}
}

// reference is a name as SPDX wants it in an id.
func reference(name string) string {
	return strings.NewReplacer("_", "-", "+", "-plus", ":", "-").Replace(name)
}

// escaped is a part of a package URL: a colon stays as it is.
func escaped(s string) string {
	return strings.NewReplacer("%3A", ":", "+", "%20").Replace(url.QueryEscape(s))
}

// component is a source, and who used it for what.
func component(s *graph.Source, users []*graph.Script) Package {
	p := Package{
		ID: "SPDXRef-source-" + reference(s.Name), Name: s.Name, Version: version(s), Supplier: nothing,
		DownloadLocation: location(s), LicenseConcluded: nothing, LicenseDeclared: cmp.Or(s.License, nothing), Copyright: nothing,
		Purpose: "SOURCE", ExternalRefs: []Ref{{"PACKAGE-MANAGER", "purl", purl(s)}},
	}
	if algorithm, value, ok := strings.Cut(s.Pin, ":"); ok {
		p.Checksums = []Checksum{{strings.ToUpper(algorithm), value}}
	}
	if s.Git != "" {
		p.SourceInfo = "ref " + s.Ref + ", commit " + cmp.Or(s.Pin, "not known")
	}
	if len(s.Patches) > 0 {
		p.SourceInfo = strings.TrimPrefix(p.SourceInfo+"; patched with "+strings.Join(s.Patches, ", "), "; ")
	}
	var used []string
	for _, script := range users {
		text := "used by " + script.Path
		var outputs []string
		for _, o := range script.Outputs {
			outputs = append(outputs, o.Path)
		}
		if script.Auto() {
			outputs = []string{"all that it leaves"}
		}
		if len(outputs) > 0 {
			text += ", which gives " + strings.Join(outputs, ", ")
		}
		used = append(used, text)
	}
	p.Comment = strings.Join(used, "; ")
	return p
}

// version is the one that is declared; a git repository's is its tag.
func version(s *graph.Source) string {
	if s.Version != "" || s.Image == "" {
		return cmp.Or(s.Version, s.Ref)
	}
	_, tag := imageName(s)
	return tag
}

// location is where a source is downloaded from, as SPDX writes it.
func location(s *graph.Source) string {
	switch {
	case s.URL != "":
		return s.URL
	case s.Git != "":
		at := "git+" + s.Git
		if user, rest, ok := strings.Cut(s.Git, "@"); ok && !strings.Contains(s.Git, "://") { // scp's form
			at = "git+ssh://" + user + "@" + strings.Replace(rest, ":", "/", 1)
		}
		at += "@" + cmp.Or(s.Pin, s.Ref)
		if s.Subdir != "" {
			at += "#" + s.Subdir
		}
		return at
	}
	return nothing
}

// purl is the package URL that is declared, or what can be known of one.
func purl(s *graph.Source) string {
	if s.PURL != "" { // a version of Debian's, as it is written elsewhere, has a plus
		place, query, more := strings.Cut(s.PURL, "?")
		place = strings.ReplaceAll(place, "+", "%2B")
		if more {
			place += "?" + query
		}
		return place
	}
	v := version(s)
	if v != "" {
		v = "@" + escaped(v)
	}
	if u, err := url.Parse(s.Git); err == nil && u.Host == "github.com" && s.Git != "" {
		return "pkg:github/" + strings.ToLower(strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")) + v
	}
	if s.Image != "" {
		name, _ := imageName(s)
		return "pkg:docker/" + name + v
	}
	out := "pkg:generic/" + url.PathEscape(s.Name) + v
	query := url.Values{}
	if s.URL != "" {
		query.Set("download_url", s.URL)
		if s.Pin != "" {
			query.Set("checksum", s.Pin)
		}
	}
	if s.Git != "" {
		query.Set("vcs_url", location(s))
	}
	if len(query) > 0 {
		out += "?" + query.Encode()
	}
	return out
}

// imageName is an image's name and tag.
func imageName(s *graph.Source) (name, tag string) {
	name, _, _ = strings.Cut(s.Image, "@")
	if dir, base := path.Split(name); strings.Contains(base, ":") {
		base, tag, _ = strings.Cut(base, ":")
		name = dir + base
	}
	return name, tag
}

// JSON writes a document.
func (d Document) JSON() ([]byte, error) {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("sbom: %w", err)
	}
	return append(data, '\n'), nil
}
