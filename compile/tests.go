package compile

import (
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/graph"
)

// testResult is where a step's own result is mounted, so that target test
// exports that, an empty folder, and not a copy of the image for each test.
const testResult = "/run/pgstrata/result"

// tests runs each test in the finished image, as its user and with its
// environment, and returns their empty results.
func (c *compiler) tests(image State, config dockerspec.DockerOCIImageConfig) State {
	container := asContainer(image.State, config)
	var results []State
	for _, t := range c.graph.Tests {
		input := &graph.Script{Path: t.Path, Inputs: []graph.Input{{Path: t.Path, Why: "script"}}, At: t.At}
		seconds := strconv.FormatFloat(t.Timeout.Seconds(), 'f', -1, 64)
		opts := append(c.limits(),
			llb.Args(append([]string{"timeout", "--kill-after=5", seconds}, t.Command...)),
			llb.AddMount(graph.ContextMount, c.inputs(input), llb.Readonly),
			c.vertex(Vertex{Node: graph.TestState + "/" + t.Name, Kind: "test", Title: "test " + strconv.Quote(t.Name)}, graph.TestState, t.Name), c.at(t.At), c.fresh(graph.TestState))
		run := container.Run(opts...)
		result := run.AddMount(testResult, llb.Scratch())
		results = append(results, emptyState().layer(result, "test: "+t.Name))
	}
	return c.merge(emptyState(), results...)
}

// asContainer gives a state the environment, user and directory that a
// container of the image has.
func asContainer(st llb.State, config dockerspec.DockerOCIImageConfig) llb.State {
	for _, e := range config.Env {
		name, value, _ := strings.Cut(e, "=")
		st = st.AddEnv(name, value)
	}
	if config.WorkingDir != "" {
		st = st.Dir(config.WorkingDir)
	} else {
		st = st.Dir("/")
	}
	return st.User(config.User)
}
