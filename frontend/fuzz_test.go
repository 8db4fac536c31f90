package frontend_test

import (
	"context"
	"encoding/base64"
	"io/fs"
	"maps"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/pgstrata/pgstrata/frontend"
)

// FuzzBuild: whatever the build file, its scripts and configuration, a build
// ends in a definition or in mistakes, the same twice, and in no panic.
func FuzzBuild(f *testing.F) {
	f.Fuzz(func(t *testing.T, file, script, config []byte) {
		d := newDaemon(map[string]string{"build-arg:PG": "16"}, tree(file, script, config))
		_, err := frontend.Build(t.Context(), d)
		noBug(t, err)
		one, err := frontend.Definition(t.Context(), d)
		noBug(t, err)
		two, err2 := frontend.Definition(t.Context(), d)
		if (err == nil) != (err2 == nil) || err != nil && err.Error() != err2.Error() {
			t.Fatalf("two builds differ: %v, %v", err, err2)
		}
		if err == nil {
			if diff := cmp.Diff(one.Def, two.Def); diff != "" {
				t.Fatal("two definitions differ:", diff)
			}
		}
	})
}

// FuzzOptions: whatever a client sends as options, a NAME=VALUE in each line.
func FuzzOptions(f *testing.F) {
	files := tree([]byte("base: debian:bookworm-slim\nargs: {PG: 15}\nimage: {env: {P: '${PG}${TARGETARCH}'}}\n"),
		[]byte("#!/bin/sh\necho $PG $TARGETPLATFORM\n"), []byte("a = b\n"))
	f.Fuzz(func(t *testing.T, lines string) {
		options := map[string]string{}
		for line := range strings.SplitSeq(lines, "\n") {
			name, value, _ := strings.Cut(line, "=")
			if strings.HasPrefix(name, "context") { // another context is BuildKit's to read
				continue
			}
			options[name] = value
		}
		_, err := frontend.Build(t.Context(), newDaemon(options, files))
		noBug(t, err)
		frontend.PlanSettings(options)
		_, err = frontend.Offline{
			Name: "Dockerfile", Data: files["Dockerfile"].Data, Options: options,
			Context: func(_, _ []string) (fs.FS, error) { return files, nil },
		}.Resolve()
		noBug(t, err)
	})
}

// FuzzRecords: whatever a client sends as the records of an earlier build.
func FuzzRecords(f *testing.F) {
	files := tree([]byte("base: debian:bookworm-slim\n"), []byte("#!/bin/sh\n"), []byte("a = b\n"))
	f.Fuzz(func(t *testing.T, records []byte) {
		_, err := frontend.Build(t.Context(), newDaemon(map[string]string{
			"requestid":        frontend.PlanRequest,
			"pgstrata.records": base64.StdEncoding.EncodeToString(records),
		}, files))
		noBug(t, err)
	})
}

func noBug(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "a bug of its own") {
		t.Fatal(err)
	}
}

// tree is a context that has a file of every kind.
func tree(file, script, config []byte) fstest.MapFS {
	return fstest.MapFS{
		"Dockerfile":                        {Data: file},
		"setup/scripts/01-a.sh":             {Data: script, Mode: 0o755},
		"setup/scripts/02-b.sh":             {Data: []byte("#!/bin/sh\n. \"$(dirname \"$0\")/../lib/x.sh\"\n"), Mode: 0o755},
		"setup/scripts/99-cleanup.sh":       {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"setup/lib/x.sh":                    {Data: script},
		"setup/link":                        {Data: []byte("../../../etc"), Mode: fs.ModeSymlink | 0o777},
		"entrypoint.d/entrypoint.sh":        {Data: script, Mode: 0o755},
		"entrypoint.d/scripts/utils/log.sh": {Data: []byte("#!/bin/sh\n"), Mode: 0o755},
		"config/x.conf":                     {Data: config},
	}
}

// daemon answers as a daemon would that builds nothing: every local source is
// the tree, every other state an empty root.
type daemon struct {
	client.Client
	options map[string]string
	files   fs.FS
}

func newDaemon(options map[string]string, files fs.FS) *daemon {
	return &daemon{options: options, files: files}
}

// BuildOpts implements client.Client.
func (d *daemon) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		Opts:    maps.Clone(d.options),
		LLBCaps: pb.Caps.CapSet(pb.Caps.All()),
		Caps:    gwpb.Caps.CapSet(gwpb.Caps.All()),
	}
}

// Solve implements client.Client.
func (d *daemon) Solve(_ context.Context, req client.SolveRequest) (*client.Result, error) {
	files := fs.FS(fstest.MapFS{"bin/sh": {Mode: 0o755}, "bin/bash": {Mode: 0o755}})
	for _, data := range req.Definition.Def {
		op := &pb.Op{}
		if err := op.UnmarshalVT(data); err != nil {
			return nil, err
		}
		if len(req.Definition.Def) == 2 && strings.HasPrefix(op.GetSource().GetIdentifier(), "local://") {
			files = d.files
		}
	}
	res := client.NewResult()
	res.SetRef(reference{files})
	return res, nil
}

// ResolveImageConfig implements client.Client.
func (*daemon) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte(`{"os":"linux","architecture":"amd64"}`), nil
}

// ResolveSourceMetadata implements client.Client.
func (*daemon) ResolveSourceMetadata(context.Context, *pb.SourceOp, sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return &sourceresolver.MetaResponse{}, nil
}

// Inputs implements client.Client.
func (*daemon) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

// Warn implements client.Client.
func (*daemon) Warn(context.Context, digest.Digest, string, client.WarnOpts) error { return nil }

// reference is a solved state.
type reference struct{ files fs.FS }

func local(name string) string { return strings.TrimPrefix(path.Join("/", name), "/") }

// ToState implements client.Reference.
func (reference) ToState() (llb.State, error) { return llb.Scratch(), nil }

// Evaluate implements client.Reference.
func (reference) Evaluate(context.Context) error { return nil }

// ReadFile implements client.Reference.
func (r reference) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	data, err := fs.ReadFile(r.files, local(req.Filename))
	if rg := req.Range; rg != nil && err == nil {
		data = data[min(rg.Offset, len(data)):]
		data = data[:min(rg.Length, len(data))]
	}
	return data, err
}

// StatFile implements client.Reference.
func (r reference) StatFile(_ context.Context, req client.StatRequest) (*fstypes.Stat, error) {
	info, err := fs.Stat(r.files, local(req.Path))
	if err != nil {
		return nil, err
	}
	return stat(info, ""), nil
}

// ReadDir implements client.Reference.
func (r reference) ReadDir(_ context.Context, req client.ReadDirRequest) ([]*fstypes.Stat, error) {
	dir := local(req.Path)
	if dir == "" {
		dir = "."
	}
	entries, err := fs.ReadDir(r.files, dir)
	var out []*fstypes.Stat
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = fs.ReadLink(r.files, path.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
		out = append(out, stat(info, link))
	}
	return out, err
}

func stat(info fs.FileInfo, link string) *fstypes.Stat {
	return &fstypes.Stat{Path: info.Name(), Mode: uint32(info.Mode()), Size: info.Size(), Linkname: link}
}
