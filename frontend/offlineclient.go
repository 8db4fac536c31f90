package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"

	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/plan"
)

// offlineClient answers a frontend's questions from a folder, in a daemon's
// place: what a Dockerfile compiles to can be known without one.
type offlineClient struct {
	of      *Offline
	options map[string]string
	// built is what every state holds that is neither the build context nor
	// the build file. Without it they cannot be solved.
	built fs.FS
	// context is the build context, once it was asked for.
	context fs.FS
}

var _ client.Client = (*offlineClient)(nil)

// BuildOpts implements client.Client.
func (c *offlineClient) BuildOpts() client.BuildOpts {
	caps := pb.Caps.All()
	if last := c.of.last(platforms.Normalize(platforms.DefaultSpec())); last != nil {
		for i := range caps {
			caps[i].Enabled = caps[i].Enabled && !slices.Contains(last.Lacks, caps[i].ID)
		}
	}
	return client.BuildOpts{Opts: maps.Clone(c.options), LLBCaps: pb.Caps.CapSet(caps), Caps: gwpb.Caps.CapSet(gwpb.Caps.All())}
}

// Solve implements client.Client.
func (c *offlineClient) Solve(_ context.Context, req client.SolveRequest) (*client.Result, error) {
	files, err := c.source(req.Definition)
	if err != nil {
		return nil, err
	}
	res := client.NewResult()
	res.SetRef(offlineRef{files: files})
	return res, nil
}

// source is the local source that a definition asks for.
func (c *offlineClient) source(def *pb.Definition) (fs.FS, error) {
	const sources = 2 // the source, and the result that points to it
	if len(def.GetDef()) == sources {
		op := &pb.Op{}
		if err := op.UnmarshalVT(def.Def[0]); err != nil {
			return nil, err
		}
		src := op.GetSource()
		follow, include := list(src, pb.AttrFollowPaths), list(src, pb.AttrIncludePatterns)
		switch {
		case src.GetIdentifier() == "local://"+dockerui.DefaultLocalNameDockerfile:
			return beside{oneFile{c.of.Name, c.of.Data}, oneFile{c.of.Name + narrow.Suffix, c.of.Observed}}, nil
		case src.GetIdentifier() == "local://"+dockerui.DefaultLocalNameContext && len(follow) == 1 && follow[0] == dockerui.DefaultDockerignoreName:
			return oneFile{dockerui.DefaultDockerignoreName, []byte(strings.Join(c.of.Exclude, "\n"))}, nil
		case src.GetIdentifier() == "local://"+dockerui.DefaultLocalNameContext:
			var err error
			c.context, err = c.of.Context(include, follow)
			return c.context, err
		}
	}
	if c.built != nil {
		return c.built, nil
	}
	return nil, errors.New("only a daemon can tell: the build needs more than its context")
}

func list(src *pb.SourceOp, attr string) []string {
	var out []string
	_ = json.Unmarshal([]byte(src.GetAttrs()[attr]), &out) // BuildKit's own package wrote it
	return out
}

// ResolveImageConfig implements client.Client. An image is what it was in the
// last build; of one that was never resolved nothing is known but its name.
func (c *offlineClient) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	img := dockerspec.DockerOCIImage{Image: ocispecs.Image{
		// An image without layers would be taken for an empty one.
		RootFS: ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromString(ref)}},
	}}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		img.Platform = *opt.ImageOpt.Platform
	}
	base := c.of.base(ref, img.Platform)
	if _, pinned, ok := strings.Cut(ref, "@"); ok {
		base.Digest = pinned
	}
	if base.Layers != "" {
		img.RootFS.DiffIDs = []digest.Digest{digest.Digest(base.Layers)} // which is what they are called together
	}
	if base.Config != nil {
		if err := json.Unmarshal(base.Config, &img.Config); err != nil {
			return "", "", nil, fmt.Errorf("the last build's record of %s: %w", ref, err)
		}
	}
	data, err := json.Marshal(img)
	return ref, digest.Digest(base.Digest), data, err
}

// ResolveSourceMetadata implements client.Client.
func (*offlineClient) ResolveSourceMetadata(context.Context, *pb.SourceOp, sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	return &sourceresolver.MetaResponse{}, nil
}

// Inputs implements client.Client.
func (*offlineClient) Inputs(context.Context) (map[string]llb.State, error) { return nil, nil }

// NewContainer implements client.Client.
func (*offlineClient) NewContainer(context.Context, client.NewContainerRequest) (client.Container, error) {
	return nil, errors.New("only a daemon can run anything")
}

// Warn implements client.Client.
func (*offlineClient) Warn(context.Context, digest.Digest, string, client.WarnOpts) error { return nil }

// oneFile is a file system of one file.
type oneFile struct {
	name string
	data []byte
}

// Open implements fs.FS.
func (f oneFile) Open(name string) (fs.File, error) {
	if name != f.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return openText{bytes.NewReader(f.data), &fsutil.StatInfo{Stat: &fstypes.Stat{Path: name, Mode: 0o644, Size: int64(len(f.data))}}}, nil
}

// beside is a build file and the record beside it, if there is one.
type beside struct{ file, record oneFile }

// Open implements fs.FS.
func (f beside) Open(name string) (fs.File, error) {
	if f.record.data != nil && name == f.record.name {
		return f.record.Open(name)
	}
	return f.file.Open(name)
}

// openText is an open file that is in memory.
type openText struct {
	*bytes.Reader
	info fs.FileInfo
}

// Stat implements fs.File.
func (t openText) Stat() (fs.FileInfo, error) { return t.info, nil }

// Close implements fs.File.
func (openText) Close() error { return nil }

// offlineRef is a solved state.
type offlineRef struct{ files fs.FS }

func inside(name string) string {
	if name = strings.TrimPrefix(path.Join("/", name), "/"); name == "" {
		return "."
	}
	return name
}

// ToState implements client.Reference.
func (offlineRef) ToState() (llb.State, error) { return llb.Scratch(), nil }

// Evaluate implements client.Reference.
func (offlineRef) Evaluate(context.Context) error { return nil }

// ReadFile implements client.Reference.
func (r offlineRef) ReadFile(_ context.Context, req client.ReadRequest) ([]byte, error) {
	name := inside(req.Filename)
	if req.Range == nil {
		return fs.ReadFile(r.files, name)
	}
	f, err := r.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := io.CopyN(io.Discard, f, int64(req.Range.Offset)); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, int64(req.Range.Length)))
}

// StatFile implements client.Reference.
func (r offlineRef) StatFile(_ context.Context, req client.StatRequest) (*fstypes.Stat, error) {
	info, err := fs.Stat(r.files, inside(req.Path))
	if err != nil {
		return nil, err
	}
	return offlineStat(info, ""), nil
}

// ReadDir implements client.Reference.
func (r offlineRef) ReadDir(_ context.Context, req client.ReadDirRequest) ([]*fstypes.Stat, error) {
	dir := inside(req.Path)
	entries, err := fs.ReadDir(r.files, dir)
	if err != nil {
		return nil, err
	}
	var out []*fstypes.Stat
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = fs.ReadLink(r.files, path.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
		out = append(out, offlineStat(info, link))
	}
	return out, nil
}

func offlineStat(info fs.FileInfo, link string) *fstypes.Stat {
	return &fstypes.Stat{Path: info.Name(), Mode: uint32(info.Mode()), Size: info.Size(), Linkname: link}
}

// last is the record of the last build for a platform, or nil.
func (o *Offline) last(p ocispecs.Platform) *plan.Record {
	if o.Last == nil {
		return nil
	}
	return o.Last(platforms.Format(p))
}

// base is what a base image was in the last build, by its own name or that of the
// context in its place.
func (o *Offline) base(ref string, p ocispecs.Platform) plan.Base {
	last := o.last(p)
	if last == nil {
		return plan.Base{}
	}
	for _, name := range append(contextNames(o.Options)[ref], ref) {
		if base, ok := last.Bases[name]; ok {
			return base
		}
	}
	return plan.Base{}
}
