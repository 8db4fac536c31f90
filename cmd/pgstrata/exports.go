package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/spf13/pflag"

	"github.com/pgstrata/pgstrata/spec"
)

// nowhere is what a build says whose result goes nowhere.
const nowhere = "the result stays in the daemon's cache: add --load, --push or --output to have it elsewhere"

// exports are the flags that say what becomes of the result.
type exports struct {
	outputs      []string
	tags         []string
	push         bool
	load         bool
	attests      []string
	annotations  []string
	metadataFile string
}

func (e *exports) addFlags(f *pflag.FlagSet) {
	f.StringArrayVarP(&e.outputs, "output", "o", nil, "what becomes of the result, such as type=oci,dest=image.tar or a folder")
	f.StringArrayVarP(&e.tags, "tag", "t", nil, "name of the image")
	f.BoolVar(&e.push, "push", false, "push the image to its registry")
	f.BoolVar(&e.load, "load", false, "load the image into Docker")
	f.StringArrayVar(&e.attests, "attest", nil, "attestation, such as type=sbom or type=provenance,mode=max")
	f.StringArrayVar(&e.annotations, "annotation", nil, "image annotation as NAME=VALUE")
	f.StringVar(&e.metadataFile, "metadata-file", "", "write the result's digest and names to this file, as JSON")
}

// entries turns the flags into exporters, and adds the attestations' options.
func (e *exports) entries(attrs map[string]string) ([]client.ExportEntry, error) {
	var outputs []string
	for _, o := range e.outputs {
		switch {
		case o == "-":
			o = "type=tar"
		case !strings.Contains(o, "="):
			o = "type=local,dest=" + o
		}
		if err := known(o); err != nil {
			return nil, err
		}
		outputs = append(outputs, o)
	}
	if err := e.names(); err != nil {
		return nil, err
	}
	if len(outputs) == 0 && (e.push || len(e.tags) > 0 && !e.load) {
		outputs = []string{"type=image"}
	}
	for _, a := range e.attests {
		kind, rest, _ := strings.Cut(strings.TrimPrefix(a, "type="), ",")
		if kinds := []string{"sbom", "provenance"}; !slices.Contains(kinds, kind) {
			return nil, fmt.Errorf("--attest %s: the type is sbom or provenance%s", a, spec.Meant(kind, kinds))
		}
		attrs["attest:"+kind] = rest
	}
	if err := e.writable(); err != nil {
		return nil, err
	}
	entries, err := build.ParseOutput(outputs)
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	if e.load {
		entries = append(entries, client.ExportEntry{Type: client.ExporterDocker, Output: loadIntoDocker})
	}
	for _, a := range e.annotations {
		if name, _, ok := strings.Cut(a, "="); !ok || name == "" {
			return nil, fmt.Errorf("--annotation %s: must be NAME=VALUE", a)
		}
	}
	for i := range entries {
		entry := &entries[i]
		entry.Attrs = maps.Clone(entry.Attrs)
		if entry.Attrs == nil {
			entry.Attrs = map[string]string{}
		}
		if slices.Contains([]string{client.ExporterLocal, client.ExporterTar}, entry.Type) {
			continue
		}
		if len(e.tags) > 0 && entry.Attrs["name"] == "" {
			entry.Attrs["name"] = strings.Join(e.tags, ",")
		}
		if e.push && entry.Type == client.ExporterImage {
			if entry.Attrs["name"] == "" {
				return nil, errors.New("--push needs the image's name: add --tag REGISTRY/NAME:TAG")
			}
			entry.Attrs["push"] = "true"
		}
		for _, a := range e.annotations {
			name, value, _ := strings.Cut(a, "=")
			entry.Attrs["annotation."+name] = value
		}
	}
	return entries, nil
}

// known reports an output of a type that there is not.
func known(output string) error {
	if !slices.ContainsFunc(strings.Split(output, ","), func(field string) bool { return strings.HasPrefix(field, "type=") }) {
		return fmt.Errorf("--output %s: needs a type, such as type=oci,%[1]s", output)
	}
	types := []string{client.ExporterImage, client.ExporterOCI, client.ExporterDocker, client.ExporterLocal, client.ExporterTar}
	for field := range strings.SplitSeq(output, ",") {
		if kind, ok := strings.CutPrefix(field, "type="); ok && !slices.Contains(types, kind) {
			return fmt.Errorf("--output %s: the type is one of %s%s", output, strings.Join(types, ", "), spec.Meant(kind, types))
		}
	}
	return nil
}

// writable reports a file that cannot be written in the end, before anything is
// built.
func (e *exports) writable() error {
	if e.metadataFile == "" {
		return nil
	}
	return hasFolder("metadata-file", e.metadataFile)
}

// hasFolder reports a file, named by a flag, that cannot be made.
func hasFolder(flag, file string) error {
	dir := filepath.Dir(file)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("--%s %s: there is no folder %s", flag, file, dir)
	}
	return nil
}

// names reports tags that no image can have, before anything is built.
func (e *exports) names() error {
	for _, tag := range e.tags {
		if _, err := reference.ParseNormalizedNamed(tag); err != nil {
			return fmt.Errorf("--tag %s: %w; it is [REGISTRY/]NAME[:TAG], in lower case", tag, err)
		}
	}
	return nil
}

// loadIntoDocker gives an image to the engine that docker talks to.
func loadIntoDocker(map[string]string) (io.WriteCloser, error) {
	cmd := exec.Command("docker", "image", "load", "--quiet")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("--load: %w", err)
	}
	return &loadedImage{in, cmd}, nil
}

// loadedImage is an image on its way to docker.
type loadedImage struct {
	io.WriteCloser
	cmd *exec.Cmd
}

// Close waits until docker has it.
func (l *loadedImage) Close() error {
	if err := errors.Join(l.WriteCloser.Close(), l.cmd.Wait()); err != nil {
		return fmt.Errorf("--load: docker image load: %w", err)
	}
	return nil
}
