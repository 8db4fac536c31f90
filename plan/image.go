package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/graph"
)

// image adds the node of the finished image: its configuration, and all layers.
func (r *reader) image(head digest.Digest) {
	n := Node{ID: graph.ImageState, State: graph.ImageState, Kind: KindImage, Title: "image", Parts: imageParts(r.build.Image.Config), Edges: r.nodes[head]}
	r.record.keys(&n)
	r.record.Nodes = append(r.record.Nodes, n)
}

// imageParts are what an image's configuration holds.
func imageParts(c dockerspec.DockerOCIImageConfig) []Part {
	var parts []Part
	add := func(kind, name, value string) {
		if value != "" {
			parts = append(parts, Part{Kind: kind, Name: name, Value: value})
		}
	}
	for _, e := range c.Env {
		name, value, _ := strings.Cut(e, "=")
		add("env", name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		add("label", name, c.Labels[name])
	}
	for _, name := range slices.Sorted(maps.Keys(c.ExposedPorts)) {
		add("port", name, name)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Volumes)) {
		add("volume", name, name)
	}
	add("stop signal", "", c.StopSignal)
	add("working directory", "", c.WorkingDir)
	add("user", "", c.User)
	add("entry point", "", words(c.Entrypoint))
	add("arguments", "", words(c.Cmd))
	add("shell", "", words(c.Shell))
	if h := c.Healthcheck; h != nil {
		add("health check", "", fmt.Sprintf("%s %v %v %v %v %d", words(h.Test), h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, h.Retries))
	}
	for i, trigger := range c.OnBuild {
		add("trigger", fmt.Sprint(i), trigger)
	}
	return parts
}
