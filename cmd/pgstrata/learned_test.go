package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/docker/buildx/localstate"
	"github.com/docker/buildx/store"
	controlapi "github.com/moby/buildkit/api/services/control"
	apitypes "github.com/moby/buildkit/api/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/plan"
)

// note writes what docker buildx notes of a build, begun at some second.
func note(t *testing.T, config, ref string, second int64, state localstate.State) {
	t.Helper()
	file := filepath.Join(config, "buildx", "refs", filepath.FromSlash(ref))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	data, err := json.Marshal(state)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	at := time.Unix(second, 0)
	require.NoError(t, os.Chtimes(file, at, at))
}

func TestBuildsOfBuildx(t *testing.T) {
	config, dir := t.TempDir(), t.TempDir()
	docker := filepath.Join(config, "docker")
	t.Setenv("BUILDX_CONFIG", filepath.Join(docker, "buildx"))
	file := filepath.Join(dir, "Dockerfile")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	link := filepath.Join(config, "link")
	require.NoError(t, os.Symlink(dir, link))
	assert.Empty(t, buildxBuilds(dir, file, time.Time{}))

	note(t, docker, "mine/mine0/old", 10, localstate.State{LocalPath: dir, DockerfilePath: file})
	note(t, docker, "mine/mine0/new", 30, localstate.State{LocalPath: dir})
	note(t, docker, "mine/mine1/new", 30, localstate.State{LocalPath: dir})
	note(t, docker, "other/other0/linked", 20, localstate.State{LocalPath: link, DockerfilePath: filepath.Join(link, "Dockerfile")})
	note(t, docker, "mine/mine0/file", 40, localstate.State{LocalPath: dir, DockerfilePath: filepath.Join(dir, "pgstrata.yaml")})
	note(t, docker, "mine/mine0/tree", 40, localstate.State{LocalPath: config, DockerfilePath: file})
	note(t, docker, "mine/mine0/remote", 40, localstate.State{LocalPath: "https://example.com/x.git"})
	note(t, docker, "mine/mine0/stdin", 40, localstate.State{LocalPath: dir, DockerfilePath: "-"})
	require.NoError(t, os.WriteFile(filepath.Join(docker, "buildx", "refs", "mine", "mine0", "broken"), []byte("{"), 0o600))

	var refs []string
	for _, b := range buildxBuilds(dir, file, time.Time{}) {
		refs = append(refs, b.ref)
	}
	assert.Equal(t, []string{"new", "linked", "old"}, refs)
	list := buildxBuilds(dir, file, time.Unix(20, 0))
	require.Len(t, list, 1)
	assert.ElementsMatch(t, []string{"mine0", "mine1"}, list[0].nodes)
}

// A builder that cannot be asked is told of, and what is known counts.
func TestPlanTellsOfBuilderThatIsGone(t *testing.T) {
	r := newRepository(t)
	config := t.TempDir()
	t.Setenv("DOCKER_CONFIG", config)
	t.Setenv("BUILDX_CONFIG", filepath.Join(config, "buildx"))
	r.write("Dockerfile", "base: debian:bookworm-slim\n")
	known := &history{Built: time.Unix(1, 0), Records: []*plan.Record{{Format: plan.Format, Platform: "linux/amd64"}}}
	require.NoError(t, known.write(r.dir, filepath.Join(r.dir, "Dockerfile")))
	note(t, config, "gone/gone0/ref", 100, localstate.State{LocalPath: r.dir})
	out, err := r.run("plan", "--platform", "linux/amd64", r.dir)
	require.NoError(t, err)
	assert.Contains(t, out, "compared with the build of 1970-01-01 ")
	assert.Contains(t, out, "note: docker buildx has begun a build on builder gone on 1970-01-01 ")
	assert.Contains(t, out, `no builder "gone" found`)

	out, err = r.run("plan", "--change", "Dockerfile", "--platform", "linux/amd64", r.dir)
	require.NoError(t, err)
	assert.NotContains(t, out, "gone", "it is compared with the tree as it is")
}

// daemon is one that knows builds, and nothing else.
type daemon struct {
	controlapi.UnimplementedControlServer
	builds map[string]*controlapi.BuildHistoryRecord
}

func (*daemon) ListWorkers(context.Context, *controlapi.ListWorkersRequest) (*controlapi.ListWorkersResponse, error) {
	return &controlapi.ListWorkersResponse{Record: []*apitypes.WorkerRecord{{ID: "1"}}}, nil
}

func (*daemon) Info(context.Context, *controlapi.InfoRequest) (*controlapi.InfoResponse, error) {
	return &controlapi.InfoResponse{}, nil
}

func (d *daemon) ListenBuildHistory(r *controlapi.BuildHistoryRequest, to grpc.ServerStreamingServer[controlapi.BuildHistoryEvent]) error {
	if b := d.builds[r.Ref]; b != nil {
		return to.Send(&controlapi.BuildHistoryEvent{Type: controlapi.BuildHistoryEventType_COMPLETE, Record: b})
	}
	return nil
}

// serve makes it the builder of docker buildx of a name.
func (d *daemon) serve(t *testing.T, config, name string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := grpc.NewServer()
	controlapi.RegisterControlServer(server, d)
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(server.Stop)
	data, err := json.Marshal(&store.NodeGroup{Name: name, Driver: "remote", Nodes: []store.Node{{Name: name + "0", Endpoint: "unix://" + socket}}})
	require.NoError(t, err)
	instances := filepath.Join(config, "buildx", "instances")
	require.NoError(t, os.MkdirAll(instances, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(instances, name), data, 0o600))
}

// kept is what a daemon keeps of a build by the frontend image.
func kept(t *testing.T, build frontend.Offline) map[string]string {
	t.Helper()
	list, err := build.Resolve()
	require.NoError(t, err)
	record, err := list[0].Record()
	require.NoError(t, err)
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	require.NoError(t, json.NewEncoder(packed).Encode([]*plan.Record{record}))
	require.NoError(t, packed.Close())
	return map[string]string{"pgstrata.records": base64.StdEncoding.EncodeToString(out.Bytes())}
}

// A plan compares with what docker buildx has built, as the builder tells it: with the newest build that has records.
func TestPlanLearnsOfBuildx(t *testing.T) {
	r := newRepository(t)
	config := t.TempDir()
	t.Setenv("DOCKER_CONFIG", config)
	t.Setenv("BUILDX_CONFIG", filepath.Join(config, "buildx"))
	r.write("Dockerfile", "base: debian:bookworm-slim\n")
	r.write("setup/scripts/01-a.sh", "#!/bin/sh\nset -eu\n")
	r.write("setup/scripts/02-b.sh", "#!/bin/sh\nset -eu\n")
	records := kept(t, frontend.Offline{
		Name: "Dockerfile", Data: []byte(r.read("Dockerfile")), Options: map[string]string{"platform": "linux/amd64"},
		Context: func(_, _ []string) (fs.FS, error) { return os.DirFS(r.dir), nil },
	})
	ended := func(ref string, response map[string]string) *controlapi.BuildHistoryRecord {
		return &controlapi.BuildHistoryRecord{Ref: ref, CreatedAt: timestamppb.New(time.Unix(5000, 0)), CompletedAt: timestamppb.New(time.Unix(5060, 0)), ExporterResponse: response}
	}
	failed := ended("failed", records)
	failed.Error = status.New(codes.Unknown, "exit code 1").Proto()
	d := &daemon{builds: map[string]*controlapi.BuildHistoryRecord{"good": ended("good", records), "foreign": ended("foreign", nil), "failed": failed}}
	d.serve(t, config, "mine")
	for second, ref := range []string{"good", "foreign", "failed", "running"} {
		note(t, config, "mine/mine0/"+ref, int64(second), localstate.State{LocalPath: r.dir})
	}
	r.write("setup/scripts/02-b.sh", "#!/bin/sh\nset -eu\ntrue\n")
	out, err := r.run("plan", "--platform", "linux/amd64", r.dir)
	require.NoError(t, err)
	assert.Contains(t, out, ", by docker buildx on builder mine\n")
	assert.Contains(t, out, "setup/02-b  invalidated  setup/scripts/02-b.sh changed\n")
	assert.NotContains(t, out, "01-a")

	// What was learned is recorded, with the time at which the build ended here.
	h, err := readHistory(r.dir, filepath.Join(r.dir, "Dockerfile"))
	require.NoError(t, err)
	assert.Equal(t, time.Unix(60, 0), h.Built.Local())
}
