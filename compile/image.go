package compile

import (
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// defaultPath is PATH where the base image sets none, as Docker has it.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// imageConfig returns the configuration of the finished image, whose layers are
// those of state. It reports variables that nothing defines as [spec.Errors].
func imageConfig(g *graph.Graph, opt Options, state State) (*dockerspec.DockerOCIImage, error) {
	img := baseConfig(opt, state)
	cfg, add := &img.Config, g.Image
	x := newExpander(g, cfg.Env, opt.Base.Assumed)
	if user := x.expand(add.User, add.UserAt); user != "" {
		cfg.User = user
	}
	cfg.Labels = labels(g, opt, cfg.Labels, x)
	cfg.Env = x.env(add.Env, cfg.Env) // last: nothing else sees its variables
	if err := x.Err(); err != nil {
		return nil, err
	}
	if add.Entrypoint != nil {
		// The base's default arguments were for the base's own entry point.
		cfg.Entrypoint, cfg.Cmd = add.Entrypoint, nil
	}
	if add.Cmd != nil {
		cfg.Cmd = add.Cmd
	}
	if add.WorkingDir != "" {
		cfg.WorkingDir = add.WorkingDir
	}
	if add.StopSignal != "" {
		cfg.StopSignal = add.StopSignal
	}
	cfg.ExposedPorts = set(cfg.ExposedPorts, add.Expose)
	cfg.Volumes = set(cfg.Volumes, add.Volumes)
	if h := add.Healthcheck; h != nil && len(h.Command) == 0 {
		cfg.Healthcheck = &dockerspec.HealthcheckConfig{Test: []string{"NONE"}}
	} else if h != nil {
		cfg.Healthcheck = &dockerspec.HealthcheckConfig{
			Test:        append([]string{"CMD"}, h.Command...),
			Interval:    h.Interval,
			Timeout:     h.Timeout,
			StartPeriod: h.StartPeriod,
			Retries:     h.Retries,
		}
	}
	return img, nil
}

// SetupConfig returns the configuration of a state that is not the finished
// image: the base's, and no entry point that it does not hold.
func SetupConfig(opt Options, state State) *dockerspec.DockerOCIImage {
	return baseConfig(opt, state)
}

// EmptyConfig returns the configuration of a state that holds files alone.
func EmptyConfig(opt Options, state State) *dockerspec.DockerOCIImage {
	img := &dockerspec.DockerOCIImage{}
	img.Platform = opt.Platform
	finish(img, opt, state)
	return img
}

// baseConfig copies the base's configuration, with the history of state.
func baseConfig(opt Options, state State) *dockerspec.DockerOCIImage {
	img := opt.Base.Image
	img.Platform = opt.Platform
	img.Config.Env = slices.Clone(img.Config.Env)
	if !slices.ContainsFunc(img.Config.Env, func(e string) bool { return strings.HasPrefix(e, "PATH=") }) {
		img.Config.Env = append(img.Config.Env, "PATH="+defaultPath)
	}
	img.Config.Labels = maps.Clone(img.Config.Labels)
	img.Config.ExposedPorts = maps.Clone(img.Config.ExposedPorts)
	img.Config.Volumes = maps.Clone(img.Config.Volumes)
	img.Config.OnBuild = nil
	finish(&img, opt, state)
	return &img
}

// finish leaves to the exporter what only it knows.
func finish(img *dockerspec.DockerOCIImage, opt Options, state State) {
	img.Created = opt.Epoch
	img.RootFS = ocispecs.RootFS{Type: "layers"}
	img.History = slices.Clone(state.Layers)
	for i := range img.History {
		if img.History[i].Comment == historyComment {
			img.History[i].Created = opt.Epoch
		}
	}
}

// expander puts values in the place of the variables that the image's configuration
// refers to: args, and the base's variables. Where these are not known, they stay as
// they are written.
type expander struct {
	*spec.Problems
	known   map[string]string
	assumed bool
}

func newExpander(g *graph.Graph, base []string, assumed bool) *expander {
	known := map[string]string{}
	for _, a := range g.Predefined {
		known[a.Name] = a.Value
	}
	for _, e := range base {
		name, value, _ := strings.Cut(e, "=")
		known[name] = value
	}
	for _, a := range g.Args { // what the build file declares is what it means
		known[a.Name] = a.Value
	}
	return &expander{&spec.Problems{File: g.File}, known, assumed}
}

// expand is a value with its variables replaced.
func (x *expander) expand(text string, at spec.Range) string {
	value, missing, err := spec.Expand(text, x.known)
	for x.assumed && missing != "" {
		x.known[missing] = "${" + missing + "}"
		value, missing, err = spec.Expand(text, x.known)
	}
	switch {
	case err != nil:
		x.Addf(at, "%v", err)
	case missing != "":
		x.Addf(at, "${%s} is neither a build argument nor a variable of the base image; write \\${%s} for a dollar sign", missing, missing)
	}
	return value
}

// env adds the build file's variables to the base's. Each sees those above it.
func (x *expander) env(list []graph.EnvVar, base []string) []string {
	env := slices.Clone(base)
	for _, v := range list {
		value := x.expand(v.Value, v.At)
		x.known[v.Name] = value
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, v.Name+"=") })
		env = append(env, v.Name+"="+value)
	}
	return env
}

// labels adds, to the base's labels, where the image comes from, the build
// file's own labels, and those of the command line.
func labels(g *graph.Graph, opt Options, base map[string]string, x *expander) map[string]string {
	out := map[string]string{}
	maps.Copy(out, base)
	out[ocispecs.AnnotationBaseImageName] = qualified(g.Base.Name)
	delete(out, ocispecs.AnnotationBaseImageDigest)
	if opt.Base.Digest != "" {
		out[ocispecs.AnnotationBaseImageDigest] = opt.Base.Digest.String()
	}
	for _, l := range g.Image.Labels {
		out[l.Name] = x.expand(l.Value, l.At)
	}
	maps.Copy(out, opt.Config.Labels)
	return out
}

// qualified is a reference with its registry and tag, as the OCI's annotation
// rules want it.
func qualified(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name // spec has refused it; nothing better is known
	}
	return reference.TagNameOnly(named).String()
}

func set(have map[string]struct{}, add []string) map[string]struct{} {
	if len(add) == 0 {
		return have
	}
	out := map[string]struct{}{}
	maps.Copy(out, have)
	for _, name := range add {
		out[name] = struct{}{}
	}
	return out
}

// pathOf is the PATH of an environment.
func pathOf(environ []string) string {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			return value
		}
	}
	return defaultPath
}
