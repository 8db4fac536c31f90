package compile

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/graph"
)

// MissingLibraryExit is the exit code of the step that proves, after the merge
// of outputs, that every shared library is there; of no other step.
const MissingLibraryExit = 93

// made is the root that an isolated script ran on, and what its outputs are taken from.
type made struct{ before, after llb.State }

// Made is the root that an isolated script ran on, and the one that it left.
type Made struct{ Before, After llb.State }

// with lays the outputs of isolated scripts on a root: the image's, or the one
// that a script runs on, which is nil for the image's.
func (s *setup) with(root State, scripts []*graph.Script, runs *graph.Script) State {
	var outputs []State
	for _, script := range scripts {
		outputs = append(outputs, s.collect(script, root.State, runs))
	}
	return s.merge(root, outputs...)
}

// collect copies an isolated script's outputs out of its root, to be merged
// with another one. A copy is keyed by content: a script that ran again and made
// the same files stops there, and nothing after it runs.
func (s *setup) collect(script *graph.Script, root llb.State, runs *graph.Script) State {
	fresh := s.fresh(graph.SetupState, script.Node(), script.Name)
	var patterns []string
	for _, o := range script.Outputs {
		patterns = append(patterns, o.Path)
	}
	if script.Auto() { // they are all that there is
		patterns = []string{"/*", "/.[!.]*"}
	}
	node, name := script.Node()+"/outputs", "outputs of "+path.Base(script.Path)
	if runs != nil {
		node += "/" + runs.Name
		name += " for " + path.Base(runs.Path)
	}
	m := s.made[script.Name]
	outline := s.outline(root, "outputs", patterns,
		s.look(beforeMount, m.before), s.look(madeMount, m.after),
		s.vertex(Vertex{Node: node + "/directories", Kind: "directories", Title: "directories above the " + name}, "internal", "directories above the "+name), s.at(script.Outputs[0].At), fresh)
	directories := func(on *llb.FileAction) *llb.FileAction {
		return copyAction(on, outline, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true})
	}
	action := directories(nil)
	if script.Auto() {
		action = copyAction(action, m.after, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true})
	} else {
		for _, o := range script.Outputs {
			action = s.output(action, m.after, o.Path)
		}
	}
	// Once more: a copy of a directory imposes owner and mode of those in it.
	action = directories(action)
	st := llb.Scratch().File(action, s.vertex(Vertex{Node: node, Kind: "outputs", Title: "outputs of " + script.Name}, graph.SetupState, name), s.at(script.Outputs[0].At), fresh)
	return emptyState().layer(st, layerOf(script))
}

// contributed is the root that has an isolated script's outputs where they belong.
func (s *setup) contributed(script *graph.Script, before, after llb.State) llb.State {
	if script.Auto() {
		return s.contribution(script, before, after)
	}
	return s.place(script, s.split(script, after))
}

// split takes debug symbols out of what a script has made, where they are wanted
// apart.
func (s *setup) split(script *graph.Script, done llb.State) llb.State {
	if !s.graph.Symbols {
		return done
	}
	var words []string
	for _, o := range script.Outputs {
		words = append(words, cmp.Or(o.From, o.Path))
	}
	node := Vertex{Node: script.Node() + "/symbols", Kind: "internal", Title: "debug symbols of " + path.Base(script.Path)}
	run := done.Run(append(s.builtin("split-symbols.sh", words...), llb.Network(noNetwork),
		s.vertex(node, "internal", "debug symbols of "+path.Base(script.Path)), s.at(script.Outputs[0].At), s.fresh(graph.SetupState, script.Node(), script.Name))...)
	s.symbols = append(s.symbols, emptyState().layer(run.AddMount(resultMount, llb.Scratch()), "symbols: "+path.Base(script.Path)))
	return run.Root()
}

// place puts what a script has made where it belongs, in a tree with nothing else,
// where an output is not what and where the script made it. It is done by the
// programs that the script had.
func (s *setup) place(script *graph.Script, done llb.State) llb.State {
	if !slices.ContainsFunc(script.Outputs, graph.Output.Placed) {
		return done
	}
	var words []string
	for _, o := range script.Outputs {
		words = append(words, cmp.Or(o.From, o.Path), o.To, o.Owner, o.Mode)
	}
	node := Vertex{Node: script.Node() + "/placed", Kind: "internal", Title: "placing of what " + path.Base(script.Path) + " made"}
	opts := append(s.builtin("place-outputs.sh", words...), llb.ReadonlyRootFS(), llb.Network(noNetwork),
		s.vertex(node, "internal", "place outputs of "+path.Base(script.Path)), s.at(script.Outputs[0].At), s.fresh(graph.SetupState, script.Node(), script.Name))
	return done.Run(opts...).AddMount(resultMount, llb.Scratch())
}

// output adds the copy of one output.
func (c *compiler) output(on *llb.FileAction, from llb.State, name string) *llb.FileAction {
	glob := strings.IndexAny(name, `*?[\`)
	if glob < 0 {
		return copyAction(on, from, name, path.Dir(name)+"/", &llb.CopyInfo{CreateDestPath: true})
	}
	top := path.Dir(name[:glob] + "x")
	if top == path.Dir(name) { // it fails where nothing matches
		on = copyAction(on, from, name, top+"/", &llb.CopyInfo{AllowWildcard: true, FollowSymlinks: true, CreateDestPath: true})
	}
	if !supports(c.opt.Caps, pb.CapFileCopyIncludeExcludePatterns) {
		return on
	}
	// A copy of all at once keeps hard links between them.
	return copyAction(on, from, top, top, &llb.CopyInfo{
		CopyDirContentsOnly: true, FollowSymlinks: true, CreateDestPath: true,
		IncludePatterns: []string{strings.TrimPrefix(strings.TrimPrefix(name, top), "/")},
	})
}

// divide returns the isolated scripts, in order: those whose outputs the chain
// already holds, since a script of it needs them, and the others.
func (s *setup) divide() (held, others []*graph.Script) {
	for _, script := range s.graph.Scripts {
		switch {
		case !script.Isolated():
		case s.holds[s.lastOfChain()][script.Name]:
			held = append(held, script)
		default:
			others = append(others, script)
		}
	}
	return held, others
}

// linker renews what a merge of outputs leaves stale (the linker's cache knows
// nothing of the libraries that came in beside it), and proves that each
// program and library of the outputs finds its libraries, in the versions that
// it was linked against, in the root that the image really has. The tools are
// those of the packages' root: a cleanup script may have left none.
func (s *setup) linker(root State, claims ...llb.RunOption) State {
	var words []string
	for _, script := range s.graph.Scripts {
		for _, o := range script.Outputs {
			if !o.Auto {
				words = append(words, o.Path)
			}
		}
	}
	if len(words)+len(claims) == 0 {
		return root
	}
	opts := append(append(s.builtin("refresh-linker.sh", words...), claims...),
		llb.ReadonlyRootFS(), llb.Network(noNetwork),
		s.vertex(Vertex{Node: graph.SetupState + "/linker", Kind: "linker", Title: "linker's cache"}, graph.SetupState, "refresh the linker's cache, find every library"),
		s.fresh(graph.SetupState))
	var mount []llb.MountOption
	// Outputs and a squash are keyed by content already. To look at all of the root once more would be a walk through it.
	if s.squashes() || len(s.chainScripts()) == 0 {
		mount = unread(s.opt.Caps)
	}
	return root.layer(s.compiler.tools.Run(opts...).AddMount(rootMount, root.State, mount...), "setup: ldconfig")
}
