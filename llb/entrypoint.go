package llb

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	bk "github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// entrypoint returns a state for each class of entrypoint files. They are file
// operations on nothing: they depend on no setup step, and none on them.
func (c *compiler) entrypoint() []State {
	var out []State
	for _, class := range c.graph.Entrypoint {
		out = append(out, c.class(class))
	}
	return out
}

// class copies the files of one class, each with its mode and numeric owner.
func (c *compiler) class(class graph.Class) State {
	var action *bk.FileAction
	for _, dir := range parentsOf(class.Files) {
		// Made here and not by the copy, which would give them the file's owner.
		mode := os.FileMode(0o755)
		if action == nil {
			action = bk.Mkdir(dir, mode, bk.WithParents(true), c.created())
		} else {
			action = action.Mkdir(dir, mode, bk.WithParents(true), c.created())
		}
	}
	for _, f := range class.Files {
		info := &bk.CopyInfo{
			FollowSymlinks: true,
			Mode:           &bk.ChmodOpt{Mode: os.FileMode(f.Mode)},
			ChownOpt:       &bk.ChownOpt{User: &bk.UserOpt{UID: f.UID}, Group: &bk.UserOpt{UID: f.GID}},
			CreatedTime:    c.opt.Epoch,
		}
		action = copyAction(action, c.opt.Context, "/"+f.Source, f.Target, info)
	}
	if c.opt.Epoch != nil {
		// A directory's own time is that of the last file put in it: copied as a
		// whole, in the same vertex, directories get the fixed time as well.
		action = bk.Copy(action.WithState(bk.Scratch()), "/", "/", &bk.CopyInfo{CopyDirContentsOnly: true, CreatedTime: c.opt.Epoch})
	}
	what := fmt.Sprintf("%s (%s)", class.Name, count(len(class.Files), "file"))
	if len(class.Files) == 1 {
		what = fmt.Sprintf("%s: %s", class.Name, class.Files[0].Target)
	}
	st := bk.Scratch().File(action,
		c.name(graph.EntrypointState, what),
		c.at(class.Files[0].At),
		c.fresh(graph.EntrypointState, class.Node()))
	return emptyState().layer(st, "entrypoint: "+what)
}

// parentsOf returns the directories that files land in, outermost first.
func parentsOf(files []graph.File) []string {
	var dirs []string
	for _, f := range files {
		if dir := path.Dir(f.Target); dir != "/" {
			dirs = append(dirs, dir)
		}
	}
	slices.SortFunc(dirs, strings.Compare)
	return slices.Compact(dirs)
}

// created fixes the time of what a build makes from nothing.
func (c *compiler) created() bk.MkdirOption {
	if c.opt.Epoch == nil {
		return noTime{}
	}
	return bk.WithCreatedTime(*c.opt.Epoch)
}

// noTime is an option that changes nothing.
type noTime struct{}

// SetMkdirOption implements llb.MkdirOption.
func (noTime) SetMkdirOption(*bk.MkdirInfo) {}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
