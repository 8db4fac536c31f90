package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	perrors "github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/imagediff"
)

// VerifyArg is the build argument that builds a Dockerfile both ways, and
// compares what comes of it.
const VerifyArg = "PGSTRATA_VERIFY"

// CompareCommand is the command of pgstrata's programs that compares two
// folders; see [CompareFolders].
const CompareCommand = "compare"

// programOption is the frontend option by which a client gives its own program
// for steps: the path of it in the local source of that name.
const programOption = "pgstrata.program"

// Program is the program that compares, as a client's own local source.
func Program(executable string) (options map[string]string, source string) {
	return map[string]string{programOption: path.Base(executable)}, programOption
}

// verifies reports whether the client asks for the comparison.
func (r *request) verifies() bool {
	_, asked := r.client.BuildArgs[VerifyArg]
	return asked && !isOff(r.client.BuildArgs[VerifyArg])
}

// verify compares what came of a Dockerfile both ways: the image's
// configuration here, its root by a step of the build.
func (c *compiler) verify(ctx context.Context, original *dockerfile2llb.Result, image *dockerspec.DockerOCIImage, rewritten client.Reference) error {
	if err := c.verifyConfig(original.Image, image); err != nil {
		return err
	}
	def, err := original.State.Marshal(ctx)
	if err != nil {
		return err
	}
	want, err := c.solved(ctx, def.ToPB())
	if err != nil {
		return err
	}
	st, err := c.comparison(want, rewritten)
	if err != nil {
		return err
	}
	if def, err = st.Marshal(ctx, llb.WithCaps(c.client.BuildOpts().LLBCaps)); err != nil {
		return err
	}
	_, err = c.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	var exit *gwpb.ExitError
	if errors.As(err, &exit) && exit.ExitCode == DifferExit {
		return c.differs("files: the step [verify] lists each")
	}
	return err
}

func (c *compiler) verifyConfig(original, rewritten *dockerspec.DockerOCIImage) error {
	want, err := config(original)
	if err != nil {
		return err
	}
	got, err := config(rewritten)
	if err != nil {
		return err
	}
	found, err := imagediff.Configs(want, got)
	if err != nil || len(found) == 0 {
		return err
	}
	text := "configuration:"
	for _, m := range found {
		text += "\n" + m.String()
	}
	return c.differs(text)
}

func config(img *dockerspec.DockerOCIImage) (*v1.ConfigFile, error) {
	data, err := json.Marshal(img)
	if err != nil {
		return nil, err
	}
	out := &v1.ConfigFile{}
	return out, json.Unmarshal(data, out)
}

func (c *compiler) differs(what string) error {
	return perrors.Errorf("%s: the rewritten %s gives another image than BuildKit's own frontend. Build it as it is written with --build-arg %s=off, and report this, please. It differs in its %s",
		VerifyArg, path.Base(c.source.Filename), splitArg, what)
}

// comparison is the step that compares two results: by the program of the
// frontend image, or by the client's own.
func (c *compiler) comparison(original, rewritten client.Reference) (llb.State, error) {
	want, err := rootOf(original)
	if err != nil {
		return want, err
	}
	got, err := rootOf(rewritten)
	if err != nil {
		return got, err
	}
	platform := llb.Platform(c.client.BuildPlatforms[0])
	opts := c.gateway.BuildOpts().Opts
	var tool llb.State
	program := "/bin/pgstrata-frontend"
	switch local, image := opts[programOption], opts["source"]; {
	case local != "":
		program = "/" + local
		tool = llb.Local(programOption, llb.FollowPaths([]string{local}), llb.SharedKeyHint(programOption), llb.WithCustomName("[internal] load the program that compares"))
	case image != "":
		tool = llb.Image(image, platform, llb.WithCustomName("[internal] the program that compares, from "+image))
	default:
		return tool, perrors.Errorf("%s: name the frontend image in the first line (# syntax=), or use pgstrata build --verify on Linux: the step that compares runs a program of it", VerifyArg)
	}
	name := "[verify] compare the root with that of BuildKit's own frontend"
	if c.client.MultiPlatformRequested && c.platform != nil {
		name = fmt.Sprintf("[verify %s/%s] compare the root with that of BuildKit's own frontend", c.platform.OS, c.platform.Architecture)
	}
	return tool.Run(
		llb.Args([]string{program, CompareCommand, "/want", "/got"}),
		llb.AddMount("/want", want, llb.Readonly), llb.AddMount("/got", got, llb.Readonly),
		llb.Network(pb.NetMode_NONE), platform, llb.WithCustomName(name),
	).Root(), nil
}

// rootOf is a result as a state; an empty one has no reference.
func rootOf(ref client.Reference) (llb.State, error) {
	if ref == nil {
		return llb.Scratch(), nil
	}
	return ref.ToState()
}

// DifferExit is the exit status of a program that compared two folders which
// differ.
const DifferExit = 3

// CompareFolders writes how the roots of two images, mounted on two folders,
// differ, and returns the exit status of the program that does it.
func CompareFolders(w io.Writer, want, got string) (int, error) {
	found, err := imagediff.Folders(want, got)
	if err != nil {
		return 1, err
	}
	for _, m := range found {
		fmt.Fprintln(w, m)
	}
	if len(found) > 0 {
		fmt.Fprintf(w, "%d files differ: - BuildKit's own frontend, + pgstrata\n", len(found))
		return DifferExit, nil
	}
	fmt.Fprintln(w, "the roots are equal, but for what is meant to differ: times, and what package managers keep for the next build")
	return 0, nil
}
