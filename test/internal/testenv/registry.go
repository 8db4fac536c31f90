package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a registry in this process, on a free port of localhost: over plain http, open to everybody.
type Registry struct {
	Host string // localhost:PORT

	server *http.Server
}

// StartRegistry serves a registry that keeps its blobs in a folder, which it creates.
func StartRegistry(dir string) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("not a TCP address: %s", listener.Addr())
	}
	r := &Registry{
		Host: fmt.Sprintf("localhost:%d", address.Port),
		server: &http.Server{
			Handler: registry.New(
				registry.WithBlobHandler(registry.NewDiskBlobHandler(dir)),
				registry.WithReferrersSupport(true),
				registry.Logger(log.New(io.Discard, "", 0))),
			ReadHeaderTimeout: time.Minute,
		},
	}
	go func() { _ = r.server.Serve(listener) }() // ends with Close
	return r, nil
}

// Close stops the registry; its blobs stay.
func (r *Registry) Close() error { return r.server.Close() }

// Ref returns an image's full name in this registry: localhost:PORT/NAME.
func (r *Registry) Ref(image string) string { return r.Host + "/" + image }

// Push stores an image under a name such as "library/debian:bookworm-slim".
func (r *Registry) Push(image string, img v1.Image) error {
	ref, err := name.ParseReference(r.Ref(image))
	if err != nil {
		return err
	}
	return remote.Write(ref, img)
}

// PushIndex stores an image of several platforms.
func (r *Registry) PushIndex(image string, index v1.ImageIndex) error {
	ref, err := name.ParseReference(r.Ref(image))
	if err != nil {
		return err
	}
	return remote.WriteIndex(ref, index)
}

// Get returns an image as it is stored, the one for linux/amd64 if there are several platforms, without reading its layers.
func (r *Registry) Get(image string) (v1.Image, error) {
	ref, err := name.ParseReference(r.Ref(image))
	if err != nil {
		return nil, err
	}
	return remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"}))
}

// PushLayouts stores each OCI layout of one image found below a folder, under its path there: NAME/TAG is NAME:TAG.
func (r *Registry) PushLayouts(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "oci-layout" {
			return err
		}
		img, err := readLayout(filepath.Dir(path))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		relative, err := filepath.Rel(dir, filepath.Dir(path))
		if err != nil {
			return err
		}
		return r.Push(filepath.Dir(relative)+":"+filepath.Base(relative), img)
	})
}

func readLayout(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, errors.New("not a layout of one image")
	}
	return index.Image(manifest.Manifests[0].Digest)
}

// Tags lists what is stored under a name.
func (r *Registry) Tags(ctx context.Context, image string) ([]string, error) {
	repository, err := name.NewRepository(r.Ref(image))
	if err != nil {
		return nil, err
	}
	return remote.List(repository, remote.WithContext(ctx))
}
