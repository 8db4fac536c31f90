package frontend

import (
	"context"
	"io/fs"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/lock"
	"github.com/pgstrata/pgstrata/spec"
)

// sources resolves what the sources of a build file need besides the graph:
// states of images and named contexts, and signatures. Mistakes have the place
// of the source that they are about.
func (r *request) sources(ctx context.Context, in input, opt *compile.Options) error {
	opt.Sources, opt.Signatures, opt.KnownHosts = map[string]llb.State{}, map[string]compile.Signature{}, map[string]string{}
	for _, s := range in.graph.Sources {
		if err := r.loadSource(ctx, in, s, opt); err != nil {
			return &spec.Error{File: in.graph.File, At: s.At, Msg: "source " + s.Name + ": " + err.Error()}
		}
	}
	return nil
}

// loadSource resolves what one source needs.
func (r *request) loadSource(ctx context.Context, in input, s *graph.Source, opt *compile.Options) error {
	switch {
	case s.Image != "":
		b, err := r.resolve(ctx, in, graph.Ref{Name: pinned(s), At: s.At})
		opt.Sources[s.Name] = b.State
		return err
	case s.Context != "":
		nc, err := r.client.NamedContext(s.Context, dockerui.ContextOpt{Platform: &in.platform})
		if err != nil {
			return err
		}
		if nc == nil && r.offline { // it is what it is called
			opt.Sources[s.Name] = llb.Local(s.Context)
			return nil
		}
		if nc == nil {
			return errors.Errorf("the build has no such context; give it: --build-context %s=PATH", s.Context)
		}
		st, _, err := nc.Load(ctx)
		if err == nil {
			opt.Sources[s.Name] = *st
		}
		return err
	case s.Signature != "":
		signature, err := fs.ReadFile(in.files, s.Signature)
		if err != nil {
			return err
		}
		key, err := fs.ReadFile(in.files, s.SignedBy)
		opt.Signatures[s.Name] = compile.Signature{Signature: signature, PubKey: key}
		return err
	}
	keys, err := knownHosts(in, s)
	opt.KnownHosts[s.Name] = keys
	return err
}

// knownHosts are the keys that the server of a source may have, "" for one that is not
// reached by ssh.
func knownHosts(in input, s *graph.Source) (string, error) {
	if s.KnownHosts == "" {
		return "", nil
	}
	data, err := fs.ReadFile(in.files, s.KnownHosts)
	if err == nil && strings.TrimSpace(string(data)) == "" {
		err = errors.Errorf("%s has no key", s.KnownHosts)
	}
	return string(data), err
}

// pinned is an image's reference with the digest that it is pinned to.
func pinned(s *graph.Source) string {
	if s.Pin == "" || strings.Contains(s.Image, "@") {
		return s.Image
	}
	return s.Image + "@" + s.Pin
}

// movable tells whether what a source names can change under its name: there
// is something to lock.
func movable(f *spec.File, s *graph.Source) bool {
	for _, declared := range f.Setup.Sources {
		if declared.Name.Value == s.Name {
			return declared.Checksum.Value == "" && s.Context == "" && !strings.Contains(s.Image, "@") && !isCommit(s.Ref)
		}
	}
	return false
}

func isCommit(ref string) bool {
	return (len(ref) == 40 || len(ref) == 64) && strings.Trim(ref, "0123456789abcdef") == ""
}

// pin asks what a source stands for today.
func (r *request) pin(ctx context.Context, in input, s *graph.Source) (lock.Source, error) {
	out := lock.Source{From: s.Place()}
	if s.Image != "" {
		b, err := r.resolve(ctx, in, graph.Ref{Name: s.Image, At: s.At})
		out.Pin = b.Digest.String()
		return out, err
	}
	keys, err := knownHosts(in, s)
	if err != nil {
		return out, err
	}
	op, err := sourceOp(ctx, compile.Fetched(s, keys))
	if err != nil {
		return out, err
	}
	opt := sourceresolver.Opt{LogName: "[internal] look up source " + s.Name + ": " + s.Place()}
	res, err := r.gateway.ResolveSourceMetadata(ctx, op, opt)
	switch {
	case err != nil:
		return out, err
	case res.Git != nil && res.Git.CommitChecksum != "":
		out.Pin = res.Git.CommitChecksum
	case res.Git != nil:
		out.Pin = res.Git.Checksum
	case res.HTTP != nil:
		out.Pin = res.HTTP.Digest.String()
	default:
		return out, errors.New("the daemon does not tell what it is; BuildKit v0.26 and later do")
	}
	return out, nil
}

// sourceOp is the operation that loads a state.
func sourceOp(ctx context.Context, st llb.State) (*pb.SourceOp, error) {
	def, err := st.Marshal(ctx)
	if err != nil {
		return nil, err
	}
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			return nil, err
		}
		if source := op.GetSource(); source != nil {
			return source, nil
		}
	}
	return nil, errors.New("nothing is loaded")
}
