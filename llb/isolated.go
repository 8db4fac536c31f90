package llb

import (
	"path"
	"slices"

	bk "github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// MissingLibraryExit is the exit code of the step that proves, after the merge
// of outputs, that every shared library is there; of no other step.
const MissingLibraryExit = 93

// collect copies an isolated script's outputs out of its root. A copy is keyed
// by content: a script that ran again and made the same files stops there, and
// nothing after it runs. The directories above the outputs come with their
// owners and modes, since a merge would impose others.
func (c *compiler) collect(script *graph.Script, root bk.State, label string) State {
	var parents []string
	for _, o := range script.Outputs {
		for dir := path.Dir(o.Path); dir != "/"; dir = path.Dir(dir) {
			parents = append(parents, dir[1:])
		}
	}
	slices.Sort(parents)
	parents = slices.Compact(parents)
	var action *bk.FileAction
	if len(parents) > 0 {
		action = bk.Copy(root, "/", "/", &bk.CopyInfo{
			CopyDirContentsOnly: true,
			IncludePatterns:     parents,
			ExcludePatterns:     contentsOf(parents),
		})
	}
	for _, o := range script.Outputs {
		action = copyAction(action, root, o.Path, path.Dir(o.Path)+"/", &bk.CopyInfo{AllowWildcard: true, CreateDestPath: true})
	}
	st := bk.Scratch().File(action, c.name("setup", "outputs of "+path.Base(script.Path)), c.at(script.Outputs[0].At))
	return emptyState().layer(st, label)
}

// contentsOf returns patterns, the last match winning, that exclude what is in
// the directories but for those of the directories that lie in each other.
func contentsOf(dirs []string) []string {
	var out []string
	for _, dir := range dirs { // sorted: outer ones come first
		out = append(out, "!"+dir, dir+"/*")
	}
	return out
}

// split returns the outputs of the isolated scripts, in order: those that the
// chain already holds, since a script of it needs them, and the others.
func (s *setup) split() (held, others []State) {
	for _, script := range s.graph.Scripts {
		switch {
		case !script.Isolated():
		case s.holds[s.lastOfChain()][script.Name]:
			held = append(held, s.outputs[script.Name])
		default:
			others = append(others, s.outputs[script.Name])
		}
	}
	return held, others
}

// linker renews what a merge of outputs leaves stale (the linker's cache knows
// nothing of the libraries that came in beside it), and proves that each
// program and library of the outputs finds its libraries, in the versions that
// it was linked against, in the root that the image really has.
func (c *compiler) linker(root State) State {
	var outputs []string
	for _, script := range c.graph.Scripts {
		for _, o := range script.Outputs {
			outputs = append(outputs, o.Path)
		}
	}
	if len(outputs) == 0 {
		return root
	}
	opts := append(c.builtin("refresh-linker.sh", outputs...),
		// ldconfig's private notes would differ from build to build.
		bk.AddMount("/var/cache/ldconfig", bk.Scratch(), bk.Tmpfs()),
		c.name(graph.SetupState, "refresh the linker's cache, find every library"), c.fresh(graph.SetupState))
	return root.layer(root.Run(opts...).Root(), "setup: ldconfig")
}
