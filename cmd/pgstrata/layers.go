package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/containerd/containerd/api/services/content/v1"
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/plan"
)

// exportedLayers asks the daemon for the layers of the image that it has just
// exported, by platform. It returns nil where the daemon does not keep it, as
// with a folder or an archive for output.
func exportedLayers(ctx context.Context, c *client.Client, response map[string]string, own string) map[string][]plan.Layer {
	data, err := base64.StdEncoding.DecodeString(response[exptypes.ExporterImageDescriptorKey])
	if err != nil {
		return nil
	}
	var top ocispecs.Descriptor
	if json.Unmarshal(data, &top) != nil || top.Digest == "" {
		return nil
	}
	var index struct {
		Manifests []ocispecs.Descriptor `json:"manifests"`
		ocispecs.Manifest
	}
	if readJSON(ctx, c, top, &index) != nil {
		return nil
	}
	if len(index.Manifests) == 0 {
		return map[string][]plan.Layer{own: planLayers(ctx, c, index.Manifest)}
	}
	out := map[string][]plan.Layer{}
	for _, m := range index.Manifests {
		var manifest ocispecs.Manifest
		if m.Platform == nil || m.Platform.OS == "unknown" || readJSON(ctx, c, m, &manifest) != nil {
			continue // an attestation
		}
		out[platforms.Format(*m.Platform)] = planLayers(ctx, c, manifest)
	}
	return out
}

func planLayers(ctx context.Context, c *client.Client, m ocispecs.Manifest) []plan.Layer {
	var out []plan.Layer
	for _, l := range m.Layers {
		out = append(out, plan.Layer{Digest: l.Digest.String(), Size: l.Size})
	}
	var image ocispecs.Image
	if readJSON(ctx, c, m.Config, &image) != nil {
		return out // without what made them
	}
	made := slices.DeleteFunc(image.History, func(h ocispecs.History) bool { return h.EmptyLayer })
	for i := range out {
		if len(made) == len(out) { // some tools leave entries out: then none can be told
			out[i].By = made[i].CreatedBy
		}
	}
	return out
}

// readJSON reads a manifest from the daemon's content store.
func readJSON(ctx context.Context, c *client.Client, d ocispecs.Descriptor, to any) error {
	const most = 4 << 20
	if d.Size <= 0 || d.Size > most {
		return errors.New("no manifest has this size")
	}
	stream, err := c.ContentClient().Read(ctx, &content.ReadContentRequest{Digest: d.Digest.String(), Size: d.Size})
	if err != nil {
		return err
	}
	var data []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		data = append(data, part.Data...)
	}
	if err := d.Digest.Validate(); err != nil {
		return err
	}
	if d.Digest.Algorithm().FromBytes(data) != d.Digest {
		return errors.New("the manifest is damaged")
	}
	return json.Unmarshal(data, to)
}
