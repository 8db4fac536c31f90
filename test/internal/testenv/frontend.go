package testenv

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Frontend builds the frontend image from the source under test, once, and returns its name as the example's build file
// has it. The image is put together here, in a second; that Dockerfile.frontend makes the same is for a test to show.
func (e *Env) Frontend(tb testing.TB) string {
	tb.Helper()
	image, err := e.frontend()
	if err != nil {
		tb.Fatal(err)
	}
	return image
}

func (e *Env) pushFrontend() (string, error) {
	binary := filepath.Join(e.dir, "pgstrata-frontend")
	if err := goBuild(context.Background(), "./cmd/pgstrata-frontend", binary); err != nil {
		return "", err
	}
	img, err := FrontendImage(binary)
	if err != nil {
		return "", err
	}
	const image = "pgstrata:dev"
	return "localhost:5000/" + image, e.Registry.Push(image, img)
}

// FrontendImage makes a frontend image of one static binary, with the labels of Dockerfile.frontend.
func FrontendImage(binary string) (v1.Image, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	labels, err := ImageLabels(filepath.Join(root, "Dockerfile.frontend"))
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	path := "bin/" + filepath.Base(binary)
	layer, err := FileLayer(path, content, 0o755)
	if err != nil {
		return nil, fmt.Errorf("layer of %s: %w", binary, err)
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Config = v1.Config{
		Entrypoint: []string{"/" + path},
		Labels:     labels,
	}
	return mutate.ConfigFile(img, config)
}

// ImageLabels are the labels that a Dockerfile gives its images.
func ImageLabels(dockerfile string) (map[string]string, error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return nil, err
	}
	file, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return nil, err
	}
	labels, lex := map[string]string{}, shell.NewLex(file.EscapeToken)
	for _, stage := range stages {
		for _, command := range stage.Commands {
			label, is := command.(*instructions.LabelCommand)
			if !is {
				continue
			}
			for _, l := range label.Labels {
				value, _, err := lex.ProcessWord(l.Value, shell.EnvsFromSlice(nil))
				if err != nil {
					return nil, err
				}
				labels[l.Key] = value
			}
		}
	}
	return labels, nil
}

// FileLayer makes a layer of one file.
func FileLayer(path string, content []byte, mode int64) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: path, Mode: mode, Size: int64(len(content))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	})
}
