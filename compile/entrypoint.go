package compile

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// entrypoint returns the entrypoint files alone, a layer for each class.
func (c *compiler) entrypoint() State {
	var classes []State
	for _, class := range c.graph.Entrypoint {
		classes = append(classes, c.class(class, nil))
	}
	return c.merge(emptyState(), classes...)
}

// entrypointOn lays the entrypoint files on a root, a layer for each class. They
// depend on its directories and on nothing else of it. Directories are asked for
// by a program; where the root has none as far as anybody knows, the files are
// copied onto it, and what that changes is taken.
func (c *compiler) entrypointOn(root State) State {
	var words []string
	for _, class := range c.graph.Entrypoint {
		words = append(words, class.Name)
		for _, f := range class.Files {
			words = append(words, f.Target)
		}
	}
	if len(words) == 0 {
		return root
	}
	if c.graph.Runs() {
		outline := c.outline(root.State, "files", words, c.vertex(Vertex{
			Node: graph.EntrypointState + "/directories", Kind: "directories", Title: "directories above entrypoint files",
		}, "internal", "directories above entrypoint files"))
		var classes []State
		for _, class := range c.graph.Entrypoint {
			classes = append(classes, c.class(class, &outline))
		}
		return c.merge(root, classes...)
	}
	if !c.mergeDiff {
		for _, class := range c.graph.Entrypoint {
			st := root.File(c.files(c.folders(nil, class), class), c.describe(class)...)
			root = root.layer(st, "entrypoint: "+title(class))
		}
		return root
	}
	var classes []State
	for _, class := range c.graph.Entrypoint {
		copied := root.File(c.files(c.folders(nil, class), class), c.describe(class)...)
		internal := c.name("internal", "layer of "+title(class))
		added := llb.Diff(root.State, copied, internal)
		all := llb.Copy(added, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: c.opt.Epoch})
		classes = append(classes, emptyState().layer(llb.Scratch().File(all, internal), "entrypoint: "+title(class)))
	}
	return c.merge(root, classes...)
}

// class returns the files of one class in the directories of an outline, or in
// new ones.
func (c *compiler) class(class graph.Class, outline *llb.State) State {
	var action *llb.FileAction
	if outline != nil {
		action = llb.Copy(*outline, "/"+class.Name, "/", &llb.CopyInfo{CopyDirContentsOnly: true})
	} else {
		action = c.folders(nil, class)
	}
	action = c.files(action, class)
	if c.opt.Epoch != nil {
		// A directory's own time is that of the last file put in it: copied as a
		// whole, in the same vertex, directories get the fixed time as well.
		action = llb.Copy(action.WithState(llb.Scratch()), "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: c.opt.Epoch})
	}
	return emptyState().layer(llb.Scratch().File(action, c.describe(class)...), "entrypoint: "+title(class))
}

// files adds the copies of a class's files, each with its mode and numeric
// owner.
func (c *compiler) files(on *llb.FileAction, class graph.Class) *llb.FileAction {
	for _, f := range class.Files {
		info := &llb.CopyInfo{
			FollowSymlinks: true,
			CreateDestPath: true, // where a link leads to nothing
			Mode:           &llb.ChmodOpt{Mode: os.FileMode(f.Mode)},
			ChownOpt:       &llb.ChownOpt{User: &llb.UserOpt{UID: f.UID}, Group: &llb.UserOpt{UID: f.GID}},
			CreatedTime:    c.opt.Epoch,
		}
		on = copyAction(on, c.opt.Context, "/"+f.Source, f.Target, info)
	}
	return on
}

// folders adds the directories of a class's files. They are made here and not by
// the copies, which would give them the files' owners.
func (c *compiler) folders(on *llb.FileAction, class graph.Class) *llb.FileAction {
	const mode = os.FileMode(0o755)
	for _, dir := range parentsOf(class.Files) {
		if on == nil {
			on = llb.Mkdir(dir, mode, llb.WithParents(true), c.created())
		} else {
			on = on.Mkdir(dir, mode, llb.WithParents(true), c.created())
		}
	}
	return on
}

// describe describes the vertex of a class.
func (c *compiler) describe(class graph.Class) []llb.ConstraintsOpt {
	return []llb.ConstraintsOpt{
		c.vertex(Vertex{Node: class.Node(), Kind: "files", Title: class.Name}, graph.EntrypointState, title(class)),
		c.at(class.Files[0].At),
		c.fresh(graph.EntrypointState, class.Node()),
	}
}

// title says what a class holds.
func title(class graph.Class) string {
	if len(class.Files) == 1 {
		return fmt.Sprintf("%s: %s", class.Name, class.Files[0].Target)
	}
	return fmt.Sprintf("%s (%s)", class.Name, count(len(class.Files), "file"))
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
func (c *compiler) created() llb.MkdirOption {
	if c.opt.Epoch == nil {
		return noTime{}
	}
	return llb.WithCreatedTime(*c.opt.Epoch)
}

// noTime is an option that changes nothing.
type noTime struct{}

// SetMkdirOption implements llb.MkdirOption.
func (noTime) SetMkdirOption(*llb.MkdirInfo) {}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
