package llb

import (
	"path"
	"strconv"

	bk "github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/graph"
)

// Signature is what verifies a download: a detached OpenPGP signature and the
// public key, both ASCII-armored.
type Signature bk.HTTPSignatureInfo

// sourceState is the state of what is fetched for scripts.
const sourceState = "source"

// sourceMounts returns the mounts of a script's sources.
func (s *setup) sourceMounts(script *graph.Script) []bk.RunOption {
	var opts []bk.RunOption
	for _, name := range script.Sources {
		source := s.graph.Source(name)
		st, dir := s.fetch(source), source.Subdir
		if source.Unpacked() {
			st, dir = s.unpack(source, st), ""
		}
		opts = append(opts, bk.AddMount(path.Join(graph.SourcesDir, name), st, bk.SourcePath(path.Join("/", dir)), bk.Readonly))
	}
	return opts
}

// sourceDirs adds to a script's inputs the directories that its sources are
// mounted on.
func sourceDirs(on *bk.FileAction, script *graph.Script) *bk.FileAction {
	for _, name := range script.Sources {
		on = on.Mkdir(path.Join("/sources", name), 0o755, bk.WithParents(true))
	}
	return on
}

// fetch is a source as BuildKit loads it: cached by its content, with the
// client's credentials.
func (c *compiler) fetch(s *graph.Source) bk.State {
	if s.Image != "" || s.Context != "" {
		return c.opt.Sources[s.Name]
	}
	named := c.vertex(Vertex{Node: sourceState + "/" + s.Name, Kind: "source", Title: "source " + s.Name}, sourceState, s.Name+": "+s.Place())
	opts := []FetchOption{named, c.at(s.At)}
	if sig, ok := c.opt.Signatures[s.Name]; ok && s.URL != "" {
		return download(s, sig, opts)
	}
	return Fetched(s, opts...)
}

// FetchOption is an option of whatever a source is loaded with.
type FetchOption interface {
	bk.HTTPOption
	bk.GitOption
}

// Fetched is the state of a source that is a download or a git repository.
func Fetched(s *graph.Source, opts ...FetchOption) bk.State {
	if s.URL != "" {
		return download(s, Signature{}, opts)
	}
	list := []bk.GitOption{bk.GitRef(s.Ref)}
	for _, o := range opts {
		list = append(list, o)
	}
	if s.Pin != "" {
		list = append(list, bk.GitChecksum(s.Pin))
	}
	if !s.Submodules {
		list = append(list, bk.GitSkipSubmodules())
	}
	return bk.Git(s.Git, "", list...)
}

func download(s *graph.Source, sig Signature, opts []FetchOption) bk.State {
	list := []bk.HTTPOption{bk.Filename(s.File())}
	for _, o := range opts {
		list = append(list, o)
	}
	if s.Pin != "" {
		list = append(list, bk.Checksum(digest.Digest(s.Pin)))
	}
	if len(sig.Signature) > 0 {
		list = append(list, bk.VerifyPGPSignature(bk.HTTPSignatureInfo(sig)))
	}
	return bk.HTTP(s.URL, list...)
}

// unpack is a source as scripts find it: unpacked and patched, in a step that has
// no network and makes nothing else. A mount of it is keyed by content, so a
// patch that changes a comment runs no script.
func (s *setup) unpack(source *graph.Source, fetched bk.State) bk.State {
	opts := append(s.builtin("unpack-source.sh", strconv.FormatBool(source.Extract), strconv.Itoa(source.Strip)),
		bk.AddMount("/run/pgstrata/fetched", fetched, bk.SourcePath(path.Join("/", source.Subdir)), bk.Readonly),
		s.vertex(Vertex{Node: sourceState + "/" + source.Name + "/unpacked", Kind: "unpacking", Title: "unpacking of " + source.Name}, sourceState, "unpack "+source.Name),
		s.at(source.At), bk.Network(noNetwork))
	if len(source.Patches) > 0 {
		var action *bk.FileAction
		for i, name := range source.Patches {
			// Numbers keep their order, whatever they are called.
			action = copyAction(action, s.opt.Context, "/"+name, "/"+strconv.Itoa(1000+i), &bk.CopyInfo{FollowSymlinks: true})
		}
		patches := bk.Scratch().File(action, s.name("internal", "patches of "+source.Name))
		opts = append(opts, bk.AddMount("/run/pgstrata/patches", patches, bk.Readonly))
	}
	return s.tools.isolated.Run(opts...).AddMount("/run/pgstrata/source", bk.Scratch())
}
