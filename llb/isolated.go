package llb

import (
	"path"
	"slices"
	"strings"

	bk "github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// MissingLibraryExit is the exit code of the step that proves, after the merge
// of outputs, that every shared library is there; of no other step.
const MissingLibraryExit = 93

// collect copies an isolated script's outputs out of its root. A copy is keyed
// by content: a script that ran again and made the same files stops there, and
// nothing after it runs.
func (c *compiler) collect(script *graph.Script, root bk.State, label string) State {
	var action *bk.FileAction
	for _, dir := range above(script.Outputs) {
		action = c.directory(action, root, dir)
	}
	for _, o := range script.Outputs {
		action = copyAction(action, root, o.Path, path.Dir(o.Path)+"/", &bk.CopyInfo{
			// BuildKit walks through the whole root before it expands a glob.
			AllowWildcard:  strings.ContainsAny(o.Path, `*?[\`),
			CreateDestPath: true,
		})
	}
	st := bk.Scratch().File(action, c.name("setup", "outputs of "+path.Base(script.Path)), c.at(script.Outputs[0].At))
	return emptyState().layer(st, label)
}

// above returns the directories above outputs, outer ones first.
func above(outputs []graph.Output) []string {
	var dirs []string
	for _, o := range outputs {
		for dir := path.Dir(o.Path); dir != "/"; dir = path.Dir(dir) {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// directory adds a directory above an output, without what is in it. It has to
// be as it is in the root, since a merge imposes the owner and mode of the later
// layer. To compare it, BuildKit walks through the whole root: so those that are
// the same in each image are made here.
func (c *compiler) directory(on *bk.FileAction, root bk.State, dir string) *bk.FileAction {
	switch dir {
	case "/etc", "/opt", "/run", "/usr", "/usr/bin", "/usr/include", "/usr/lib", "/usr/lib/locale", "/usr/sbin", "/usr/share",
		"/usr/local", "/usr/local/bin", "/usr/local/lib", "/usr/local/sbin",
		"/var", "/var/cache", "/var/lib", "/var/log":
		if on == nil {
			return bk.Mkdir(dir, 0o755, c.created())
		}
		return on.Mkdir(dir, 0o755, c.created())
	}
	return copyAction(on, root, dir, path.Dir(dir), &bk.CopyInfo{
		AllowWildcard:      true, // as an output has it
		AllowEmptyWildcard: true, // then the output is missing too, which says more
		ExcludePatterns:    []string{"*"},
	})
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
