package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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

// comparison is the step that compares two results.
func (c *compiler) comparison(original, rewritten client.Reference) (llb.State, error) {
	want, err := rootOf(original)
	if err != nil {
		return want, err
	}
	got, err := rootOf(rewritten)
	if err != nil {
		return got, err
	}
	name := "[verify] compare the root with that of BuildKit's own frontend"
	if c.client.MultiPlatformRequested && c.platform != nil {
		name = fmt.Sprintf("[verify %s/%s] compare the root with that of BuildKit's own frontend", c.platform.OS, c.platform.Architecture)
	}
	step, err := c.comparing(want, got, name, VerifyArg+": name the frontend image in the first line (# syntax=), or use pgstrata build --verify on Linux: the step that compares runs a program of it")
	return step.Root(), err
}

// comparing is a step that compares two roots by pgstrata's program, which may be
// told a file to write to; without is what to do where there is no program.
func (r *request) comparing(want, got llb.State, name, without string, file ...string) (llb.ExecState, error) {
	tool, program, err := r.program(without)
	if err != nil {
		return llb.ExecState{}, err
	}
	return tool.Run(
		llb.Args(append([]string{program, CompareCommand, "/want", "/got"}, file...)),
		llb.AddMount("/want", want, llb.Readonly), llb.AddMount("/got", got, llb.Readonly),
		llb.Network(pb.NetMode_NONE), llb.Platform(r.client.BuildPlatforms[0]), llb.WithCustomName(name),
	), nil
}

// program is pgstrata's own, for steps to run: that of the frontend image, or
// the client's. It returns the state that holds it, and where; without says what
// to do where there is neither.
func (r *request) program(without string) (llb.State, string, error) {
	opts := r.gateway.BuildOpts().Opts
	switch local, image := opts[programOption], opts["source"]; {
	case local != "":
		return llb.Local(programOption, llb.FollowPaths([]string{local}), llb.SharedKeyHint(programOption), llb.WithCustomName("[internal] load pgstrata's program")), "/" + local, nil
	case image != "":
		return llb.Image(image, llb.Platform(r.client.BuildPlatforms[0]), llb.WithCustomName("[internal] pgstrata's program, from "+image)), "/bin/pgstrata-frontend", nil
	}
	return llb.State{}, "", perrors.New(without)
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
// differ, and returns the exit status of the program that does it. With a file,
// the differences go there as JSON, and are no failure.
func CompareFolders(w io.Writer, want, got string, file ...string) (int, error) {
	found, err := imagediff.Folders(want, got)
	if err != nil {
		return 1, err
	}
	if len(file) > 0 {
		data, err := json.Marshal(found)
		if err != nil {
			return 1, err
		}
		return 0, os.WriteFile(file[0], data, 0o644) //nolint:gosec // the daemon reads it
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
