package compile

import (
	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/cache"
)

// run runs a step that may install packages, and returns what it leaves as a
// layer. apt's lists of packages go from step to step beside the layers, as a
// mount whose content each step hands on. In a layer they would be in the image,
// 20 MB of them; in a cache mount they would be gone where the step that fetched
// them is cached and the mount is empty, or another build's.
func (c *compiler) run(on State, label string, opts ...llb.RunOption) State {
	next, _ := c.exec(on, label, opts...)
	return next
}

// exec is run, with the step itself.
func (c *compiler) exec(on State, label string, opts ...llb.RunOption) (State, llb.ExecState) {
	done := on.Run(append(opts, llb.AddMount(cache.ListsDir, on.lists))...)
	next := on.layer(done.Root(), label)
	next.lists = done.GetMount(cache.ListsDir)
	return next, done
}

// listsOf are the lists that a base image comes with. The pattern begins at the
// root, since a directory in front of one would have to be there.
func (c *compiler) listsOf(base llb.State) llb.State {
	return llb.Scratch().File(llb.Copy(base, "/["+cache.ListsDir[1:2]+"]"+cache.ListsDir[2:], "/", &llb.CopyInfo{
		CopyDirContentsOnly: true,
		AllowWildcard:       true,
		AllowEmptyWildcard:  true, // a base without apt
	}), c.name("internal", "the base's lists of packages"))
}
