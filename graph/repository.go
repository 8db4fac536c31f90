package graph

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/spec"
)

// Repository is a package repository besides the base's own.
type Repository struct {
	// Name is its name, and that of its files.
	Name string `json:"name"`
	// URIs, Suites and Components are those of apt's sources.list(5).
	URIs       []string `json:"uris"`
	Suites     []string `json:"suites"`
	Components []string `json:"components,omitempty"`
	// Key is what it is signed with; nil for one without signature.
	Key *Download `json:"key,omitempty"`
	// Priority is apt's, 0 for apt's own choice.
	Priority int `json:"priority,omitempty"`
	// Kept tells that the image has it too.
	Kept bool `json:"kept,omitempty"`
	// Credentials is the secret that holds lines of apt's auth.conf(5), "" for none.
	Credentials string `json:"credentials,omitempty"`
	// PURL is what the package URLs of its packages begin with.
	PURL string `json:"-"`
	// At is its place in the build file.
	At spec.Range `json:"-"`
}

// Download is a file of the context, or one that is downloaded.
type Download struct {
	// Path is the file's path in the context, "" for one that is downloaded.
	Path string `json:"path,omitempty"`
	// URL and Checksum are those of one that is downloaded.
	URL      string `json:"url,omitempty"`
	Checksum string `json:"checksum,omitempty"`
}

// File is the file's own name.
func (d Download) File() string { return path.Base(d.Path + d.URL) }

// File is the path of the repository's description in the image.
func (r Repository) File() string { return "/etc/apt/sources.list.d/" + r.Name + ".sources" }

// KeyFile is the path of its key in the image, whose ending tells apt the key's
// form.
func (r Repository) KeyFile() string {
	ending := ".asc"
	if strings.HasSuffix(r.Key.File(), ".gpg") {
		ending = ".gpg"
	}
	return "/etc/apt/keyrings/" + r.Name + ending
}

// PreferencesFile is the path of what apt prefers it by.
func (r Repository) PreferencesFile() string { return "/etc/apt/preferences.d/" + r.Name }

// Sources is its description in the form of deb822 (sources.list(5)).
func (r Repository) Sources() string {
	lines := []string{"Types: deb", "URIs: " + strings.Join(r.URIs, " "), "Suites: " + strings.Join(r.Suites, " ")}
	if len(r.Components) > 0 {
		lines = append(lines, "Components: "+strings.Join(r.Components, " "))
	}
	if r.Key != nil {
		lines = append(lines, "Signed-By: "+r.KeyFile())
	} else {
		lines = append(lines, "Trusted: yes")
	}
	return strings.Join(lines, "\n") + "\n"
}

// Preferences is what apt prefers the packages of its hosts by
// (apt_preferences(5)), "" where that is apt's own choice.
func (r Repository) Preferences() string {
	if r.Priority == 0 {
		return ""
	}
	var hosts []string
	for _, uri := range r.URIs {
		if u, err := url.Parse(uri); err == nil { // spec has read it
			hosts = append(hosts, u.Hostname())
		}
	}
	slices.Sort(hosts)
	var b strings.Builder
	for _, host := range slices.Compact(hosts) {
		fmt.Fprintf(&b, "Package: *\nPin: origin %q\nPin-Priority: %d\n\n", host, r.Priority)
	}
	return b.String()
}

// Secure tells whether apt needs certificates to ask it.
func (r Repository) Secure() bool {
	return slices.ContainsFunc(r.URIs, func(uri string) bool { return strings.HasPrefix(uri, "https:") })
}

func repositories(list []spec.Repository) []Repository {
	var out []Repository
	for _, r := range list {
		one := Repository{
			Name: r.Name.Value, URIs: values(r.URIs), Suites: values(r.Suites), Components: values(r.Components),
			PURL: cmp.Or(strings.TrimSuffix(r.PURL.Value, "/"), "pkg:deb/"+strings.ToLower(r.Name.Value)), Priority: r.Priority, Kept: r.Kept(), Credentials: r.Credentials.Value, At: r.At,
		}
		if r.SignedBy.Set() {
			key := download(r.SignedBy)
			one.Key = &key
		}
		out = append(out, one)
	}
	return out
}

func download(d spec.Download) Download {
	return Download{Path: d.Path.Value, URL: d.URL.Value, Checksum: d.Checksum.Value}
}
