package corpus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/tonistiigi/fsutil"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/testenv"
)

// prover builds specimens both ways, on one daemon.
type prover struct {
	env    *testenv.Env
	images *images
	built  atomic.Int64
}

func newProver(env *testenv.Env) *prover {
	return &prover{env: env, images: &images{layers: map[v1.Hash][]entry{}}}
}

// outcome is what came of one build.
type outcome struct {
	trace *testenv.Trace
	image *image // nil when it failed
	err   error
}

// verdict is what the comparison of two builds comes to.
type verdict struct {
	decisions  []string // what pgstrata told of the Dockerfile
	mismatches []string // what is not as it has to be
	traces     string   // of both builds
	failed     [2]bool  // which of the builds failed
}

// prove builds a specimen by dockerfile.v0 and through pgstrata. The error is
// one of the test itself.
func (p *prover) prove(ctx context.Context, s *specimen) (*verdict, error) {
	dir, err := os.MkdirTemp("", "corpus-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := s.write(dir); err != nil {
		return nil, err
	}
	for _, image := range s.images {
		if err := p.prebuild(ctx, dir, image); err != nil {
			return nil, err
		}
	}
	want, err := p.build(ctx, s, dir, "dockerfile.v0")
	if err != nil {
		return nil, err
	}
	got, err := p.build(ctx, s, dir, "")
	if err != nil {
		return nil, err
	}
	return &verdict{
		decisions:  decisions(got.trace),
		mismatches: s.judge(want, got),
		traces:     "dockerfile.v0:\n" + want.trace.String() + "pgstrata:\n" + got.trace.String(),
		failed:     [2]bool{want.err != nil, got.err != nil},
	}, nil
}

// build builds a specimen, by the frontend of that name or by pgstrata.
func (p *prover) build(ctx context.Context, s *specimen, dir, name string) (*outcome, error) {
	image := fmt.Sprintf("corpus/%d", p.built.Add(1))
	r := testenv.Request{Context: dir, Options: maps.Clone(s.options), Image: image}
	r.Frontend = name
	if name == "" {
		r.Func = frontend.Build
	}
	for name, folder := range s.contexts {
		files, err := fsutil.NewFS(filepath.Join(dir, folder))
		if err != nil {
			return nil, err
		}
		r.Options["context:"+name] = "local:" + name
		if r.LocalMounts == nil {
			r.LocalMounts = map[string]fsutil.FS{}
		}
		r.LocalMounts[name] = files
	}
	if len(s.secrets) > 0 {
		r.Session = append(r.Session, secretsprovider.FromMap(s.secrets))
	}
	res, err := p.env.Daemon.Build(ctx, r)
	if res == nil || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	out := &outcome{trace: res.Trace, err: err}
	if err != nil {
		return out, nil
	}
	out.image, err = p.images.read(p.env.Registry.Ref(image))
	return out, err
}

func (p *prover) prebuild(ctx context.Context, dir string, image prebuilt) error {
	r := testenv.Request{Context: dir, Image: "corpus/" + image.name, Options: map[string]string{"filename": image.dockerfile}}
	r.Frontend = "dockerfile.v0"
	_, err := p.env.Daemon.Build(ctx, r)
	return err
}

// judge compares two outcomes with each other, and with what the specimen says.
func (s *specimen) judge(want, got *outcome) []string {
	var out []string
	tell := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case (want.err == nil) != (got.err == nil):
		tell("dockerfile.v0: %v, pgstrata: %v", first(want.err), first(got.err))
	case want.err != nil:
		out = append(out, compareFailures(want, got)...)
	default:
		out = append(out, compare(want.image, got.image)...)
	}
	switch code := exitCode(want.err); {
	case s.free:
	case code != s.fails:
		tell("the exit code is %d, and %d is expected: %v", code, s.fails, want.err)
	case code == 0 && (want.err != nil) != (s.mistake != ""), !strings.Contains(first(want.err), s.mistake):
		tell("dockerfile.v0: %s; the error %q is expected", first(want.err), s.mistake)
	}
	if decisions := decisions(got.trace); s.decided && !slices.EqualFunc(decisions, s.expect, strings.Contains) {
		tell("decisions: %q, and %q are expected", decisions, s.expect)
	}
	return out
}

// decisions are what pgstrata told of the Dockerfile, by its lines.
func decisions(trace *testenv.Trace) []string {
	var out []string
	for _, v := range trace.Find("[pgstrata] ") {
		out = append(out, strings.TrimPrefix(v.Name, "[pgstrata] "))
	}
	line := func(decision string) int {
		_, rest, _ := strings.Cut(decision, ":")
		number, _, _ := strings.Cut(rest, ":")
		n, _ := strconv.Atoi(number) // 0 is no line, and what the test sees
		return n
	}
	slices.SortStableFunc(out, func(a, b string) int { return line(a) - line(b) })
	return out
}

// compareFailures compares two builds that failed: the exit code, the line of
// the Dockerfile, and what the step that failed printed. The unsplit step has
// printed what came before it as well.
func compareFailures(want, got *outcome) []string {
	var out []string
	if a, b := exitCode(want.err), exitCode(got.err); a != b {
		out = append(out, fmt.Sprintf("exit code %d, through pgstrata %d", a, b))
	}
	if a, b := places(want.err), places(got.err); a != b {
		out = append(out, fmt.Sprintf("the error is at %s, through pgstrata at %s", a, b))
	}
	a, b := printed(want.trace), printed(got.trace)
	if !strings.HasSuffix(a, b) || b == "" && a != "" {
		out = append(out, fmt.Sprintf("it ends with %q, through pgstrata with %q", a, b))
	}
	if a, b := first(want.err), first(got.err); exitCode(want.err) == 0 && a != b {
		out = append(out, fmt.Sprintf("error %q, through pgstrata %q", a, b))
	}
	return out
}

// printed is the output of the step that failed.
func printed(trace *testenv.Trace) string {
	for _, v := range trace.Vertices {
		if v.Error != "" && v.Log != "" {
			return v.Log
		}
	}
	return ""
}

// exitCode is 0 when no program has failed.
func exitCode(err error) int {
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) {
		return int(exit.ExitCode)
	}
	return 0
}

// places are the lines of the Dockerfile that an error points at.
func places(err error) string {
	var out []string
	for _, source := range errdefs.Sources(err) {
		for _, r := range source.Ranges {
			out = append(out, fmt.Sprintf("%s:%d-%d", source.Info.GetFilename(), r.Start.Line, r.End.Line))
		}
	}
	return strings.Join(out, ", ")
}

// first is an error's first line, without what names the build itself.
func first(err error) string {
	if err == nil {
		return "built"
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	if before, rest, is := strings.Cut(line, "checksum of ref "); is {
		_, after, _ := strings.Cut(rest, ": ")
		line = before + "checksum of a ref: " + after
	}
	return line
}
