package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// packageScanner is a generator of SBOMs: it lists the packages that dpkg knows in
// the image.
const packageScanner = `#!/bin/sh
set -eu
{
    echo '{"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",'
    echo '"predicate": {"spdxVersion": "SPDX-2.3", "name": "image", "packages": ['
    awk '/^Package:/ {name = $2} /^Version:/ {printf "%s{\"name\": \"%s\", \"versionInfo\": \"%s\"}", sep, name, $2; sep = ",\n"}' \
        "$BUILDKIT_SCAN_SOURCE/var/lib/dpkg/status"
    echo ']}}'
} >"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
`

// attestation reads an attestation as `docker buildx imagetools inspect` gives it.
func attestation(t *testing.T, env *testenv.Env, image, what string, into any) {
	t.Helper()
	out := env.Run(t, "docker", "buildx", "imagetools", "inspect", "--format", "{{json ."+what+"}}", env.Registry.Ref(image))
	require.Zero(t, out.Code, out.Stderr)
	require.NoError(t, json.Unmarshal([]byte(out.Stdout), into), out.Stdout)
}

// An SBOM lists what setup installed to stay, and nothing that was there for the
// build alone: the package database tells the truth.
func TestSBOMListsPackages(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	scanner := buildScanner(t, env)
	out := env.Buildx(t, "--provenance=false", "--sbom=generator="+scanner, "--push",
		"--tag", env.Registry.Ref("listed"), testenv.Tree(t, packaged()))
	require.Zero(t, out.Code, out.Stderr)
	var sbom struct {
		SPDX struct {
			Packages []struct{ Name, VersionInfo string } `json:"packages"`
		}
	}
	attestation(t, env, "listed", "SBOM", &sbom)
	versions := map[string]string{}
	for _, p := range sbom.SPDX.Packages {
		versions[p.Name] = p.VersionInfo
	}
	assert.NotEmpty(t, versions["libc6"], "of the base")
	assert.NotEmpty(t, versions["netbase"], "a runtime dependency")
	assert.NotEmpty(t, versions["sensible-utils"], "installed by a script")
	assert.Empty(t, versions["xz-utils"], "there for the build alone")
}

// Provenance names the base by its digest, the frontend, the build file's text
// and every step; the image's history names what made each layer.
func TestProvenance(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	tree := packaged()
	dir := testenv.Tree(t, tree)
	out := env.Buildx(t, "--provenance=mode=max,version=v1", "--push", "--tag", env.Registry.Ref("proven"),
		"--build-arg", "UNKNOWN=value", dir)
	require.Zero(t, out.Code, out.Stderr)
	var p struct {
		SLSA struct {
			BuildDefinition struct {
				ExternalParameters struct {
					ConfigSource struct{ Path string }
					Request      struct {
						Frontend string
						Args     map[string]string
					}
				}
				ResolvedDependencies []struct {
					URI    string
					Digest map[string]string
				}
				InternalParameters struct {
					BuildConfig struct {
						LLBDefinition []json.RawMessage `json:"llbDefinition"`
					}
				}
			}
			RunDetails struct {
				Metadata struct {
					Source struct {
						Infos []struct {
							Filename string
							Data     []byte
						}
					} `json:"buildkit_source"`
				} `json:"metadata"`
			}
		}
	}
	attestation(t, env, "proven", "Provenance", &p)
	def := p.SLSA.BuildDefinition
	assert.Equal(t, "gateway.v0", def.ExternalParameters.Request.Frontend)
	assert.Equal(t, "value", def.ExternalParameters.Request.Args["build-arg:UNKNOWN"])
	digests := map[string]string{}
	for _, d := range def.ResolvedDependencies {
		name, _, _ := strings.Cut(strings.TrimPrefix(d.URI, "pkg:docker/"), "?")
		digests[name] = d.Digest["sha256"]
	}
	config := env.Registry.Image(t, "proven").Config
	base := config.Config.Labels["org.opencontainers.image.base.digest"]
	assert.Equal(t, strings.TrimPrefix(base, "sha256:"), digests["debian@bookworm-slim"], "%v", digests)
	assert.NotEmpty(t, digests["localhost:5000/pgstrata@dev"], "the frontend is a dependency: %v", digests)
	steps := string(mustJSON(t, def.InternalParameters.BuildConfig.LLBDefinition))
	for _, script := range []string{"01-install.sh", "cleanup.sh", "install-packages.sh", "purge-packages.sh"} {
		assert.Contains(t, steps, script)
	}

	var made []string
	for _, h := range config.History {
		if !h.EmptyLayer {
			made = append(made, h.CreatedBy)
		}
	}
	require.Len(t, made, len(env.Registry.Image(t, "proven").Layers))
	assert.Equal(t, []string{"removed by setup: user, packages and 2 scripts", "setup: user, packages and 2 scripts"}, made[1:])
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	require.NoError(t, err)
	return data
}

// buildScanner pushes an image that lists the packages of another one, and returns its
// reference.
func buildScanner(t *testing.T, env *testenv.Env) string {
	t.Helper()
	build(t, env, testenv.Tree(t, map[string]string{
		"Dockerfile": "base: debian:bookworm-slim\n", "entrypoint.sh": packageScanner,
	}), testenv.Request{Image: "package-scanner"})
	return env.Registry.Ref("package-scanner")
}

// bom is an SBOM of an image.
type bom struct {
	Packages []struct {
		Name, VersionInfo, DownloadLocation, SourceInfo, LicenseDeclared, Comment string
		Checksums                                                                 []struct{ ChecksumValue string }
		ExternalRefs                                                              []struct{ ReferenceLocator string }
	} `json:"packages"`
}

// boms are the two SBOMs of an image: of what was compiled and of declared repositories,
// and, which lists more, the scanner's.
func boms(t *testing.T, env *testenv.Env, image string) (own, scanned bom) {
	t.Helper()
	var sbom struct {
		SPDX            bom
		AdditionalSPDXs []bom
	}
	attestation(t, env, image, "SBOM", &sbom)
	require.Len(t, sbom.AdditionalSPDXs, 1)
	own, scanned = sbom.SPDX, sbom.AdditionalSPDXs[0]
	if len(scanned.Packages) < len(own.Packages) {
		return scanned, own
	}
	return own, scanned
}

// What was compiled is in an SBOM of its own, beside the scanner's, and in the
// provenance: no scanner of an image can know of it.
func TestSBOMListsSources(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	scanner := buildScanner(t, env)
	archive := tarball(t, "program-1.0", "main.c", "one\n")
	site := newUpstream(t, archive)
	repo, address := gitServer(t)
	commit(t, repo, "main.c", "git one\n", "v1")
	tree := compiled(fmt.Sprintf("program: {url: %q, checksum: %q, strip: 1, version: 1.0, license: MIT}\ntool: {git: %q, ref: v1}",
		site.URL+"/program.tar.gz", digestOf(archive), address))
	tree["Dockerfile"] = "# syntax=localhost:5000/pgstrata:dev\n" + strings.Replace(tree["Dockerfile"], "{path: setup/other.sh,", "{path: setup/other.sh, sources: [tool],", 1)
	out := env.Buildx(t, "--provenance=mode=max,version=v1", "--sbom=generator="+scanner, "--push",
		"--tag", env.Registry.Ref("compiled"), testenv.Tree(t, tree))
	require.Zero(t, out.Code, out.Stderr)
	own, scanned := boms(t, env, "compiled")
	assert.Greater(t, len(scanned.Packages), 50, "what the scanner found in the image")
	require.Len(t, own.Packages, 3)
	head := strings.TrimSpace(git(t, repo, "rev-parse", "HEAD"))
	program, tool := own.Packages[1], own.Packages[2]
	assert.Equal(t, "program 1.0 MIT", program.Name+" "+program.VersionInfo+" "+program.LicenseDeclared)
	assert.Equal(t, strings.TrimPrefix(digestOf(archive), "sha256:"), program.Checksums[0].ChecksumValue)
	assert.Contains(t, program.ExternalRefs[0].ReferenceLocator, "pkg:generic/program@1.0?")
	assert.Equal(t, "used by setup/build.sh, which gives /opt/program", program.Comment)
	assert.Equal(t, "git+"+address+"@"+head, tool.DownloadLocation, "it is not locked, and what was built is known all the same")
	assert.Equal(t, "ref v1, commit "+head, tool.SourceInfo)

	var p struct {
		SLSA struct {
			BuildDefinition struct {
				ResolvedDependencies []struct {
					URI    string
					Digest map[string]string
				}
			}
		}
	}
	attestation(t, env, "compiled", "Provenance", &p)
	digests := map[string]map[string]string{}
	for _, d := range p.SLSA.BuildDefinition.ResolvedDependencies {
		digests[d.URI] = d.Digest
	}
	assert.Equal(t, strings.TrimPrefix(digestOf(archive), "sha256:"), digests[site.URL+"/program.tar.gz"]["sha256"], "%v", digests)
	assert.Equal(t, head, digests[address+"#v1"]["sha1"], "%v", digests)
}

// A package of a declared repository is told apart from the base's own: its package URL is not
// Debian's, and it has the file's checksum, whoever installed it.
func TestSBOMListsRepositories(t *testing.T) {
	env := testenv.Shared(t)
	env.Frontend(t)
	scanner := buildScanner(t, env)
	repo := testenv.NewAptRepository(t)
	repo.Add(t, "probe", "1:1.0+one", "opt/probe", "of a repository\n")
	repo.Add(t, "by-script", "2.0", "opt/by-script", "of a script\n")
	repo.Add(t, "for-the-build", "3.0", "opt/for-the-build", "gone\n")
	repo.Add(t, "not-asked-for", "4.0", "opt/not-asked-for", "never there\n")
	for _, keep := range []string{"keep: true", "keep: false"} {
		dir := fromRepository(t, repo, keep, "purl: pkg:deb/ours")
		text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		require.NoError(t, err)
		write(t, dir, "Dockerfile", "# syntax=localhost:5000/pgstrata:dev\n"+strings.Replace(string(text), "{runtime: [probe]}", "{runtime: [probe, netbase], build: [for-the-build]}", 1))
		write(t, dir, "setup/scripts/02-script.sh", "#!/bin/sh\nset -eu\napt-get update\napt-get install -y by-script\n")
		out := env.Buildx(t, "--provenance=false", "--sbom=generator="+scanner, "--push", "--tag", env.Registry.Ref("from-repository"), dir)
		require.Zero(t, out.Code, out.Stderr)
		own, _ := boms(t, env, "from-repository")
		got := map[string]string{}
		for _, p := range own.Packages[1:] {
			got[p.Name] = p.ExternalRefs[0].ReferenceLocator
			assert.Equal(t, "from the repository ours", p.SourceInfo)
			assert.Len(t, p.Checksums[0].ChecksumValue, 64)
			assert.True(t, strings.HasPrefix(p.DownloadLocation, repo.URL+"/") && strings.HasSuffix(p.DownloadLocation, ".deb"), p.DownloadLocation)
		}
		query := "?arch=all&repository_url=" + url.QueryEscape(repo.URL)
		assert.Equal(t, map[string]string{"probe": "pkg:deb/ours/probe@1:1.0%2Bone" + query, "by-script": "pkg:deb/ours/by-script@2.0" + query}, got, keep)
	}
}
