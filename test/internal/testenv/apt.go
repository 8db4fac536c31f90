package testenv

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// AptRepository is a signed repository of Debian packages, served on localhost: suite stable, component main.
type AptRepository struct {
	URL      string // where it is
	Key      string // its public key, ASCII-armored
	Password string // what the user "apt" has to give, "" for nothing

	dir, home, id string
	at            string // what gpg takes for now, "" for the clock
}

// NewAptRepository makes an empty repository with a key of its own, and serves it until the test ends.
func NewAptRepository(tb testing.TB) *AptRepository {
	tb.Helper()
	r := &AptRepository{dir: tb.TempDir(), home: tb.TempDir()}
	files := http.FileServer(http.Dir(r.dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if user, password, _ := req.BasicAuth(); r.Password != "" && (user != "apt" || password != r.Password) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, req)
	}))
	tb.Cleanup(server.Close)
	tb.Cleanup(func() { _ = exec.Command("gpgconf", "--homedir", r.home, "--kill", "all").Run() })
	r.URL = server.URL
	r.id = "apt@example.com"
	r.gpg(tb, "--quick-generate-key", r.id, "ed25519", "sign", "never")
	r.Key = r.gpg(tb, "--armor", "--export", r.id)
	r.index(tb)
	return r
}

// Add puts a package of one file into the repository, beside older versions of it; more are lines of its control file.
func (r *AptRepository) Add(tb testing.TB, name, version, path, text string, more ...string) {
	tb.Helper()
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\n%sDescription: for tests\n",
		name, version, strings.Join(append(more, ""), "\n"))
	root := Tree(tb, map[string]string{"DEBIAN/control": control, path: text})
	r.run(tb, "dpkg-deb", "--root-owner-group", "--build", root, fmt.Sprintf("%s_%s_all.deb", name, version))
	r.index(tb)
}

// Expire signs the repository with another key, which expired long ago.
func (r *AptRepository) Expire(tb testing.TB) {
	tb.Helper()
	r.at, r.id = "20200101T000000!", "expired@example.com"
	r.gpg(tb, "--quick-generate-key", r.id, "ed25519", "sign", "1d")
	r.Key = r.gpg(tb, "--armor", "--export", r.id)
	r.index(tb)
}

// Replace puts something else in the place of a package that the indexes name.
func (r *AptRepository) Replace(tb testing.TB, name, version string) {
	tb.Helper()
	Write(tb, filepath.Join(r.dir, fmt.Sprintf("%s_%s_all.deb", name, version)), "something else")
}

// index writes the repository's indexes, and signs them.
func (r *AptRepository) index(tb testing.TB) {
	tb.Helper()
	Write(tb, filepath.Join(r.dir, "dists/stable/main/binary-amd64/Packages"), r.run(tb, "apt-ftparchive", "packages", "."))
	for _, old := range []string{"Release", "InRelease"} {
		if err := os.RemoveAll(filepath.Join(r.dir, "dists/stable", old)); err != nil {
			tb.Fatal(err)
		}
	}
	var fields []string
	for _, f := range []string{"Suite=stable", "Codename=stable", "Components=main", "Architectures=amd64"} {
		fields = append(fields, "-o", "APT::FTPArchive::Release::"+f)
	}
	release := filepath.Join(r.dir, "dists/stable/Release")
	Write(tb, release, r.run(tb, "apt-ftparchive", append(fields, "release", "dists/stable")...))
	r.gpg(tb, "--local-user", r.id, "--clearsign", "--output", filepath.Join(r.dir, "dists/stable/InRelease"), release)
}

func (r *AptRepository) gpg(tb testing.TB, args ...string) string {
	tb.Helper()
	usual := []string{"--batch", "--yes", "--passphrase", "", "--pinentry-mode", "loopback"}
	if r.at != "" {
		usual = append(usual, "--faked-system-time", r.at)
	}
	return r.run(tb, "gpg", append(usual, args...)...)
}

// run runs a program in the repository's folder, and returns what it printed.
func (r *AptRepository) run(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), name, args...)
	cmd.Dir, cmd.Env = r.dir, append(os.Environ(), "GNUPGHOME="+r.home)
	out := Finish(tb, cmd)
	if out.Code != 0 {
		tb.Fatalf("%s %s: %s", name, strings.Join(args, " "), out.Stderr)
	}
	return out.Stdout
}
