package compile

import (
	"path"
	"strconv"

	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/graph"
)

// Signature is what verifies a download: a detached OpenPGP signature and the
// public key, both ASCII-armored.
type Signature llb.HTTPSignatureInfo

// sourceMounts returns the mounts of a script's sources.
func (s *setup) sourceMounts(script *graph.Script) []llb.RunOption {
	var opts []llb.RunOption
	for _, name := range script.Sources {
		source := s.graph.Source(name)
		st, dir := s.fetch(source), source.Subdir
		if source.Unpacked() {
			st, dir = s.unpack(source, st), ""
		}
		opts = append(opts, llb.AddMount(path.Join(graph.SourcesDir, name), st, llb.SourcePath(path.Join("/", dir)), llb.Readonly))
	}
	return opts
}

// sourceDirs adds to a script's inputs the directories that its sources are
// mounted on.
func sourceDirs(on *llb.FileAction, script *graph.Script) *llb.FileAction {
	for _, name := range script.Sources {
		on = on.Mkdir(path.Join("/sources", name), 0o755, llb.WithParents(true))
	}
	return on
}

// fetch is a source as BuildKit loads it: cached by its content, with the
// client's credentials.
func (c *compiler) fetch(s *graph.Source) llb.State {
	if s.Image != "" || s.Context != "" {
		return c.opt.Sources[s.Name]
	}
	named := c.vertex(Vertex{Node: graph.SourceState + "/" + s.Name, Kind: "source", Title: "source " + s.Name}, graph.SourceState, s.Name+": "+s.Place())
	opts := []FetchOption{named, c.at(s.At)}
	if sig, ok := c.opt.Signatures[s.Name]; ok && s.URL != "" {
		return download(s, sig, opts)
	}
	return Fetched(s, c.opt.KnownHosts[s.Name], opts...)
}

// FetchOption is an option of whatever a source is loaded with.
type FetchOption interface {
	llb.HTTPOption
	llb.GitOption
}

// Fetched is the state of a source that is a download or a git repository, whose server
// may be reached by ssh and has one of the keys knownHosts.
func Fetched(s *graph.Source, knownHosts string, opts ...FetchOption) llb.State {
	if s.URL != "" {
		return download(s, Signature{}, opts)
	}
	list := []llb.GitOption{llb.GitRef(s.Ref)}
	for _, o := range opts {
		list = append(list, o)
	}
	if s.Pin != "" {
		list = append(list, llb.GitChecksum(s.Pin))
	}
	if knownHosts != "" { // else llb would ask the server for them, and believe it
		list = append(list, llb.KnownSSHHosts(knownHosts))
	}
	if !s.Submodules {
		list = append(list, llb.GitSkipSubmodules())
	}
	return llb.Git(s.Git, "", list...)
}

func download(s *graph.Source, sig Signature, opts []FetchOption) llb.State {
	list := []llb.HTTPOption{llb.Filename(s.File())}
	for _, o := range opts {
		list = append(list, o)
	}
	if s.Pin != "" {
		list = append(list, llb.Checksum(digest.Digest(s.Pin)))
	}
	if len(sig.Signature) > 0 {
		list = append(list, llb.VerifyPGPSignature(llb.HTTPSignatureInfo(sig)))
	}
	return llb.HTTP(s.URL, list...)
}

// unpack is a source as scripts find it: unpacked and patched, in a step that has
// no network and makes nothing else. A mount of it is keyed by content, so a
// patch that changes a comment runs no script.
func (s *setup) unpack(source *graph.Source, fetched llb.State) llb.State {
	opts := append(s.builtin("unpack-source.sh", strconv.FormatBool(source.Extract), strconv.Itoa(source.Strip)),
		llb.AddMount("/run/pgstrata/fetched", fetched, llb.SourcePath(path.Join("/", source.Subdir)), llb.Readonly),
		s.vertex(Vertex{Node: graph.SourceState + "/" + source.Name + "/unpacked", Kind: "unpacking", Title: "unpacking of " + source.Name}, graph.SourceState, "unpack "+source.Name),
		s.at(source.At), llb.Network(noNetwork))
	if len(source.Patches) > 0 {
		var action *llb.FileAction
		for i, name := range source.Patches {
			// Numbers keep their order, whatever they are called.
			action = copyAction(action, s.opt.Context, "/"+name, "/"+strconv.Itoa(1000+i), &llb.CopyInfo{FollowSymlinks: true})
		}
		patches := llb.Scratch().File(action, s.name("internal", "patches of "+source.Name))
		opts = append(opts, llb.AddMount("/run/pgstrata/patches", patches, llb.Readonly))
	}
	return s.tools.isolated.Run(opts...).AddMount("/run/pgstrata/source", llb.Scratch())
}
