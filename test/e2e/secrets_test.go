package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// What is planted begins with one of these words.
const (
	secretMark   = "PGSTRATA-SECRET-"
	ordinaryMark = "PGSTRATA-ORDINARY-"
)

// A secret is found nowhere: not in a layer, the image's configuration, its
// attestations, an exported cache, nor anything else that daemon, registry and
// clients keep or print. An ordinary argument is found, and a rule says so.
func TestSecretsStaySecret(t *testing.T) {
	env := testenv.New(t)
	env.Frontend(t)
	pushScanner(t, env)
	dir := testenv.Tree(t, map[string]string{
		"Dockerfile": `# syntax=localhost:5000/pgstrata:dev
base: debian:bookworm-slim
args: {DB_PASSWORD: ""}
setup:
  scripts:
    - {path: setup/chain.sh, secrets: [file, {id: variable, env: TOKEN}, {id: both, env: BOTH, target: /root/.netrc, mode: "0600"}], ssh: true}
    - {path: setup/isolated.sh, outputs: [/opt/isolated], secrets: [file, {id: absent, required: false}], ssh: true}
    - setup/argument.sh
image:
  env: {POSTGRES_PASSWORD_FILE: /run/secrets/postgres_password}
`,
		"setup/chain.sh": `#!/bin/sh
set -eu
wc -c </run/secrets/file >/lengths
echo "${#TOKEN} ${#BOTH} $(wc -c </root/.netrc) $(stat -c %a /root/.netrc)" >>/lengths
test -S "$SSH_AUTH_SOCK"
test ! -e /run/secrets/variable
`,
		"setup/isolated.sh":   "#!/bin/sh\nset -eu\nmkdir /opt/isolated\nwc -c </run/secrets/file >/opt/isolated/length\ntest ! -e /run/secrets/absent\n",
		"setup/argument.sh":   "#!/bin/sh\nset -eu\necho \"the argument is $DB_PASSWORD\" | tee /argument\n",
		"entrypoint.sh":       "#!/bin/sh\n",
		".env":                "PASSWORD=" + secretMark + "dotenv\n",
		"secrets/file":        secretMark + "file",
		".git/config":         "[remote]\nurl = https://user:" + secretMark + "git@example.com/\n",
		"config.d/secret.pem": secretMark + "pem\n",
	})
	key, seed := sshKey(t)
	passwordFile := filepath.Join(t.TempDir(), "password")
	testenv.Write(t, passwordFile, secretMark+"password-file")
	out, records := t.TempDir(), t.TempDir()
	variables := []string{
		"VARIABLE=" + secretMark + "variable", "BOTH=" + secretMark + "both", "XDG_CACHE_HOME=" + records,
		"POSTGRES_PASSWORD=" + secretMark + "environment", "PGPASSWORD=" + secretMark + "pgpassword", "POSTGRES_PASSWORD_FILE=" + passwordFile,
	}
	given := []string{
		"--secret", "id=file,src=" + filepath.Join(dir, "secrets/file"), "--secret", "id=variable,env=VARIABLE", "--secret", "id=both,env=BOTH",
		"--ssh", "default=" + key, "--build-arg", "DB_PASSWORD=" + ordinaryMark + "argument", "--push", "--progress=rawjson",
	}
	known := filesOf(t, filepath.Join(env.Dir(), "registry")) // base images

	printed := map[string]string{}
	run := func(name, program string, arguments ...string) testenv.Output {
		t.Helper()
		cmd := env.Command(t, program, arguments...)
		cmd.Env = append(cmd.Env, variables...)
		result := testenv.Finish(t, cmd)
		printed[name] = result.Stdout + result.Stderr
		return result
	}
	ref := env.Registry.Ref
	buildx := run("buildx", "docker", append([]string{
		"buildx", "build", "--provenance=mode=max", "--sbom=generator=" + ref("scanner"), "--tag", ref("secret:buildx"),
		"--cache-to", "type=registry,mode=max,ref=" + ref("secret:cache"), "--metadata-file", filepath.Join(out, "buildx.json"), dir,
	}, given...)...)
	require.Zero(t, buildx.Code, buildx.Stderr)
	pgstrata := testenv.Program(t, "pgstrata")
	built := run("pgstrata build", pgstrata, append([]string{
		"build", "--attest", "type=provenance,mode=max", "--attest", "type=sbom,generator=" + ref("scanner"), "--tag", ref("secret:pgstrata"),
		"--cache-to", "type=registry,mode=max,ref=" + ref("secret:cache2"), "--no-cache", "--metadata-file", filepath.Join(out, "pgstrata.json"), dir,
	}, given...)...)
	require.Zero(t, built.Code, built.Stderr)
	require.Zero(t, run("pgstrata plan", pgstrata, "plan", "--format", "json", dir).Code)
	require.Zero(t, run("pgstrata llb", pgstrata, "llb", dir).Code)
	testenv.Write(t, filepath.Join(dir, "setup/argument.sh"), "#!/bin/sh\nexit 1\n")
	require.NotZero(t, run("a failing build", "docker", append([]string{"buildx", "build", dir}, given...)...).Code)

	img := env.Registry.Image(t, "secret:buildx")
	lengths, err := img.Read("/lengths")
	require.NoError(t, err)
	assert.Equal(t, "20\n24 20 20 600\n", string(lengths), "the script has seen them all")
	assert.False(t, has(img.Files(), "/root/.netrc"), "not even the mount point")

	s := newSearch(seed)
	for name, text := range printed {
		s.read("printed by "+name, strings.NewReader(text))
	}
	for digest, text := range manifests(t, env.Registry.Host) {
		s.read("registry: "+digest, strings.NewReader(text))
	}
	s.folder(t, "daemon, registry and docker's client", env.Dir(), known)
	s.folder(t, "record", records, nil)
	s.folder(t, "metadata", out, nil)
	assert.Empty(t, s.secret)
	t.Logf("%d files and texts, %d MB searched", s.count, s.bytes>>20)

	// The search would have found them: it finds the argument wherever that is.
	for _, place := range []string{"printed by buildx", "record", "registry/", "buildkit/root/runc-overlayfs/content", "buildkit/root/runc-overlayfs/snapshots"} {
		assert.True(t, slices.ContainsFunc(s.ordinary, func(found string) bool { return strings.Contains(found, place) }), "%s: %q", place, s.ordinary)
	}
	assert.Contains(t, warnings(buildx.Trace(t)), "SecretInArg: DB_PASSWORD would be in the build's provenance and records; use a build secret: `secrets: [id]` at the script, --secret id=… on the command line (Dockerfile:3)")
}

// pushScanner makes an image that writes an SBOM of what it is shown.
func pushScanner(t *testing.T, env *testenv.Env) {
	t.Helper()
	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\n",
		"entrypoint.sh": `#!/bin/sh
set -eu
cat >"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json" <<SBOM
{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
 "predicate": {"spdxVersion": "SPDX-2.3", "name": "$(ls "$BUILDKIT_SCAN_SOURCE" | tr '\n' ' ') $(env | tr '\n' ' ')"}}
SBOM
`,
	}), testenv.Request{Image: "scanner"})
}

// sshKey writes a private key, and returns the file and the key's secret part.
func sshKey(t *testing.T) (file string, seed []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	file = filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return file, private.Seed()
}

// filesOf are the names of the files below a folder.
func filesOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		names[e.Name()] = true
		return err
	}))
	return names
}

// manifests are all manifests and indexes of a registry, which keeps them in
// memory.
func manifests(t *testing.T, host string) map[string]string {
	t.Helper()
	get := func(path string) []byte {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/v2/"+path, http.NoBody)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode, "%s: %s", path, data)
		return data
	}
	out := map[string]string{}
	var manifest func(repository, reference string)
	manifest = func(repository, reference string) {
		text := get(repository + "/manifests/" + reference)
		out[repository+"@"+reference] = string(text)
		var index struct {
			Manifests []struct{ MediaType, Digest string }
		}
		require.NoError(t, json.Unmarshal(text, &index))
		for _, m := range index.Manifests {
			if strings.Contains(m.MediaType, "manifest") { // an exported cache lists layers in this place
				manifest(repository, m.Digest)
			}
		}
	}
	var catalog struct{ Repositories []string }
	require.NoError(t, json.Unmarshal(get("_catalog"), &catalog))
	for _, repository := range catalog.Repositories {
		var list struct{ Tags []string }
		require.NoError(t, json.Unmarshal(get(repository+"/tags/list"), &list))
		for _, tag := range list.Tags {
			manifest(repository, tag)
		}
	}
	return out
}

// search looks for what was planted: as it is, in base64 and in hex, in plain
// and in compressed files.
type search struct {
	secrets, ordinaries [][]byte
	// secret and ordinary are the places where something was found.
	secret, ordinary []string
	count            int
	bytes            int64
}

func newSearch(seed []byte) *search {
	s := &search{secrets: encodings([]byte(secretMark)), ordinaries: encodings([]byte(ordinaryMark))}
	s.secrets = append(s.secrets, encodings(seed)...)
	return s
}

// encodings are the ways in which a text, or the inner part of it, may stand
// in a file. In base64 there are three, by what is before it.
func encodings(text []byte) [][]byte {
	out := [][]byte{text, []byte(hex.EncodeToString(text))}
	for before := range 3 {
		encoded := base64.StdEncoding.EncodeToString(append(make([]byte, before), text...))
		out = append(out, []byte(encoded[4:len(encoded)-4])) // what is at the ends depends on the neighbors
	}
	return out
}

func (s *search) folder(t *testing.T, what, dir string, without map[string]bool) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the daemon works on
			return nil
		}
		if err != nil || !e.Type().IsRegular() || without[e.Name()] {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		s.read(what+": "+strings.TrimPrefix(path, dir), f)
		return nil
	}))
}

// read searches one file.
func (s *search) read(name string, r io.Reader) {
	s.count++
	in := bufio.NewReader(r)
	magic, _ := in.Peek(4) // what is shorter is not compressed
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if z, err := gzip.NewReader(in); err == nil {
			s.stream(name, z)
			return
		}
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		s.secret = append(s.secret, name+": compressed by zstd, which this search cannot read")
	}
	s.stream(name, in)
}

// stream searches a stream, a window that overlaps the one before at a time.
func (s *search) stream(name string, r io.Reader) {
	const overlap = 128
	buffer := make([]byte, 0, 1<<20)
	for {
		n, err := io.ReadFull(r, buffer[len(buffer):cap(buffer)])
		s.bytes += int64(n)
		buffer = buffer[:len(buffer)+n]
		s.secret = s.add(s.secret, name, s.secrets, buffer)
		s.ordinary = s.add(s.ordinary, name, s.ordinaries, buffer)
		if err != nil {
			return
		}
		buffer = append(buffer[:0], buffer[len(buffer)-overlap:]...)
	}
}

func (s *search) add(found []string, name string, needles [][]byte, in []byte) []string {
	for _, needle := range needles {
		if i := bytes.Index(in, needle); i >= 0 {
			place := name + ": " + string(in[i:min(len(in), i+60)])
			if !slices.Contains(found, place) {
				found = append(found, place)
			}
		}
	}
	return found
}
