package compile

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// Where the steps that look at a root find it, and where they leave what they
// found. An isolated script's root is there as it was before, and as it was made.
const (
	rootMount   = "/run/pgstrata/root"
	beforeMount = "/run/pgstrata/before"
	madeMount   = "/run/pgstrata/made"
	resultMount = "/run/pgstrata/result"
)

// outline returns the directories of a root, and the links among them, on the
// ways to files that come to lie on it. A merge imposes owner, mode and kind of
// the later layer's directories: with these in it, it changes none.
//
// It runs again whenever the root has changed, and costs a moment. What is made
// with a copy of it is keyed by content: where the directories are as they were,
// nothing after it runs.
func (c *compiler) outline(root llb.State, what string, words []string, opts ...llb.RunOption) llb.State {
	run := c.tools.Run(append(append(c.builtin("outline.sh", append([]string{what}, words...)...), opts...),
		c.look(rootMount, root), llb.ReadonlyRootFS(), llb.Network(noNetwork))...)
	return run.AddMount(resultMount, llb.Scratch())
}

// look mounts a whole root to be looked at. The content of what is mounted
// read-only would be the step's key, and take a walk through all of it; where the
// daemon cannot be told otherwise, the mount is writable.
func (c *compiler) look(at string, root llb.State) llb.RunOption {
	opts := unread(c.opt.Caps)
	if len(opts) > 0 {
		opts = append(opts, llb.Readonly)
	}
	return llb.AddMount(at, root, opts...)
}

// unread mounts a root without its content in the step's key, for which the daemon
// would walk through all of it. It is nothing where the daemon cannot be told.
func unread(caps *apicaps.CapSet) []llb.MountOption {
	if !supports(caps, pb.CapExecMountContentCache) {
		return nil
	}
	return []llb.MountOption{llb.ContentCache(llb.MountContentCacheOff)}
}
