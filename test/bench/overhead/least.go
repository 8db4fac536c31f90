package main

import (
	"context"
	"io/fs"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// least is the least that a client can do, written by hand for such trees: it looks into no file and asks the daemon
// nothing. Each setup script is a step that sees that script and the helpers, and the entrypoint's files are copied.
type least struct{ dir string }

func (l least) build(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	scripts, err := fs.Glob(os.DirFS(l.dir), "setup/scripts/*.sh")
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	for platform := range strings.SplitSeq(c.BuildOpts().Opts["platform"], ",") {
		group.Go(func() error {
			def, err := image(scripts, c.BuildOpts().SessionID).Marshal(ctx, llb.WithCaps(c.BuildOpts().LLBCaps), llb.Platform(parse(platform)))
			if err != nil {
				return err
			}
			_, err = c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB()})
			return err
		})
	}
	return nil, group.Wait()
}

// parse reads a platform such as linux/arm64; it is linux/amd64 unless it says otherwise.
func parse(platform string) ocispecs.Platform {
	_, architecture, ok := strings.Cut(platform, "/")
	if !ok {
		architecture = "amd64"
	}
	return ocispecs.Platform{OS: "linux", Architecture: architecture}
}

func image(scripts []string, session string) llb.State {
	files := llb.Local("context", llb.SessionID(session), llb.IncludePatterns([]string{"setup", "entrypoint.d"}))
	setup := llb.Image("docker.io/library/debian:bookworm-slim")
	for _, script := range scripts {
		seen := llb.Scratch().File(llb.
			Copy(files, "/setup/lib", "/setup/lib", &llb.CopyInfo{CreateDestPath: true, CopyDirContentsOnly: true}).
			Copy(files, "/"+script, "/"+script, &llb.CopyInfo{CreateDestPath: true}))
		setup = setup.Run(
			llb.Args([]string{"/context/" + script}),
			llb.AddMount("/context", seen, llb.Readonly),
			llb.AddMount("/var/cache/apt", llb.Scratch(), llb.AsPersistentCacheDir("apt", llb.CacheMountLocked)),
			llb.AddEnv("VERSION", "15"),
			llb.WithCustomName(strings.TrimPrefix(script, "setup/scripts/")),
		).Root()
	}
	entrypoint := llb.Scratch().File(llb.Copy(files, "/entrypoint.d", "/opt/container/entrypoint.d", &llb.CopyInfo{CreateDestPath: true, CopyDirContentsOnly: true}))
	return llb.Merge([]llb.State{setup, entrypoint})
}
