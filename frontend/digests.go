package frontend

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/narrow"
)

// DigestsCommand is the command of pgstrata's programs that reads many files at once;
// see [WriteDigests].
const DigestsCommand = "digests"

// Where the step that reads files has what.
const (
	digestsTool    = "/run/pgstrata"
	digestsContext = "/context"
	digestsWanted  = "/wanted"
	digestsFile    = "/digests"
)

// digests asks the daemon for digests of many files of the context by one step, which
// pgstrata's program runs: a question for each takes long. It is nil where there is
// no program. A daemon that cannot run it is asked for each file.
func (d *dockerfileBuild) digests(ctx context.Context) narrow.Digests {
	tool, program, err := d.program("")
	on := d.client.BuildPlatforms[0]
	lent := d.gateway.BuildOpts().Opts[programOption] != ""
	if err != nil || d.offline || lent && on.Architecture != runtime.GOARCH {
		return nil
	}
	return func(names []string) (map[string]string, error) {
		if slices.ContainsFunc(names, func(n string) bool { return strings.ContainsAny(n, "\n\r") }) {
			return nil, nil
		}
		step := llb.Scratch().File(llb.Mkfile(digestsWanted, 0o644, []byte(strings.Join(names, "\n")+"\n")), llb.WithCustomName("[internal] names of files that steps read")).Run(
			llb.Args([]string{digestsTool + program, DigestsCommand, digestsWanted, digestsContext, digestsFile}),
			llb.AddMount(digestsTool, tool, llb.Readonly), llb.AddMount(digestsContext, *d.context, llb.Readonly),
			llb.Network(pb.NetMode_NONE), llb.Platform(on), llb.WithCustomName("[internal] read the files that steps were observed to read"),
		)
		def, err := step.Marshal(ctx, llb.WithCaps(d.client.BuildOpts().LLBCaps))
		if err != nil {
			return nil, err
		}
		res, err := d.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true, CacheImports: d.client.CacheImports})
		if err != nil {
			return nil, ctx.Err()
		}
		ref, err := res.SingleRef()
		if err != nil {
			return nil, err
		}
		file, err := newContextFS(ctx, ref).Open(digestsFile[1:])
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return readDigests(bufio.NewReaderSize(file, observedAtOnce), names)
	}
}

// readDigests reads what WriteDigests wrote of files.
func readDigests(r io.Reader, names []string) (map[string]string, error) {
	out := make(map[string]string, len(names))
	lines := bufio.NewScanner(r)
	for _, name := range names {
		if !lines.Scan() {
			return nil, fmt.Errorf("the digests of files end before %s: %w", name, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
		}
		if lines.Text() != "" {
			out[name] = lines.Text()
		}
	}
	return out, nil
}

// WriteDigests writes the SHA-256 of files of a folder to a file, a line for each
// line of the list of their names; the line of what is no file is empty.
func WriteDigests(list, folder, to string) error {
	names, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	var out strings.Builder
	for name := range strings.Lines(string(names)) {
		text, err := fileDigest(root, strings.TrimSuffix(name, "\n"))
		if err != nil {
			return err
		}
		out.WriteString(text + "\n")
	}
	return os.WriteFile(to, []byte(out.String()), 0o644) //nolint:gosec // the daemon reads it
}

func fileDigest(root *os.Root, name string) (string, error) {
	info, err := root.Lstat(name)
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
