package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/platforms"
	"github.com/docker/buildx/builder"
	"github.com/docker/buildx/store"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func platformList(t *testing.T, names ...string) []ocispecs.Platform {
	t.Helper()
	var out []ocispecs.Platform
	for _, name := range names {
		p, err := platforms.Parse(name)
		require.NoError(t, err)
		out = append(out, p)
	}
	return out
}

// A client is looked for first on nodes that were said to build for the platforms.
func TestOrderOfNodes(t *testing.T) {
	named := func(name string, list ...string) builder.Node {
		return builder.Node{Node: store.Node{Name: name, Platforms: platformList(t, list...)}}
	}
	nodes := []builder.Node{named("any"), named("amd", "linux/amd64"), named("arm", "linux/arm64", "linux/arm/v7"), named("all", "linux/amd64", "linux/arm64")}
	for want, wanted := range map[string][]string{
		"any": nil,
		"amd": {"linux/amd64"},
		"arm": {"linux/arm64"},
		"all": {"linux/arm64", "linux/amd64"},
	} {
		assert.Equal(t, want, ordered(nodes, platformList(t, wanted...))[0].Name, wanted)
	}
	assert.False(t, haveAll(platformList(t, "linux/amd64"), platformList(t, "linux/amd64", "linux/arm64")))
	assert.False(t, haveAll(platformList(t, "linux/arm64"), platformList(t, "linux/arm/v7")))
}

// A builder of buildx's kubernetes driver is asked by buildx's own code, up to the cluster.
func TestBuilderOnKubernetes(t *testing.T) {
	config := t.TempDir()
	t.Setenv("DOCKER_CONFIG", config)
	t.Setenv("BUILDX_CONFIG", filepath.Join(config, "buildx"))
	t.Setenv("BUILDKIT_HOST", "")
	t.Setenv("HOME", config)
	kubeconfig := filepath.Join(config, "kubeconfig")
	node := store.Node{Name: "cluster0", Endpoint: "kubernetes:///cluster?deployment=cluster0&kubeconfig=" + kubeconfig}
	data, err := json.Marshal(&store.NodeGroup{Name: "cluster", Driver: "kubernetes", Nodes: []store.Node{node}})
	require.NoError(t, err)
	instances := filepath.Join(config, "buildx", "instances")
	require.NoError(t, os.MkdirAll(instances, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(instances, "cluster"), data, 0o600))
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("base: debian:bookworm-slim\n"), 0o600))
	build := func() string {
		var out bytes.Buffer
		assert.Equal(t, 1, run([]string{"build", "--builder", "cluster", dir}, &out, &out))
		return out.String()
	}
	said := build()
	assert.Contains(t, said, "builder cluster of docker buildx, driver kubernetes: node cluster0: ")
	assert.Contains(t, said, "/.kube/config: no such file or directory")

	require.NoError(t, os.WriteFile(kubeconfig, []byte(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
current-context: c
users: [{name: u, user: {}}]
`), 0o600))
	said = build()
	assert.Contains(t, said, "builder cluster of docker buildx, driver kubernetes: ")
	assert.Contains(t, said, "127.0.0.1:1")
	assert.Contains(t, said, "connection refused")
}
