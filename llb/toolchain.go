package llb

import (
	"fmt"
	"strconv"
	"strings"

	bk "github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// buildRecord lists the packages that the build packages brought in. It is
// there while scripts run and gone before the chain is squashed.
const buildRecord = "/var/lib/pgstrata/build-packages"

// toolchainStates are the steps of the toolchain.
type toolchainStates struct {
	// runtime is the image's own root: base, user and runtime packages.
	runtime State
	// build has the build packages too.
	build State
}

// base returns the resolved base image.
func (c *compiler) base() State {
	b := c.opt.Base
	s := State{State: b.State.Network(c.opt.Config.NetworkMode)}
	if c.opt.Config.Hostname != "" {
		s.State = s.Hostname(c.opt.Config.Hostname)
	}
	layers := len(b.Image.RootFS.DiffIDs)
	for _, h := range b.Image.History {
		if !h.EmptyLayer {
			layers--
		}
		s.Layers = append(s.Layers, h)
	}
	// A base whose history does not name each layer would shift ours.
	for ; layers > 0; layers-- {
		s.Layers = append(s.Layers, history("layer of "+c.graph.Base.Name))
	}
	return s
}

// toolchain adds the user, then the packages.
func (c *compiler) toolchain(base State) toolchainStates {
	t := toolchainStates{runtime: c.user(base)}
	tc := c.graph.Toolchain
	if len(tc.Runtime) > 0 {
		t.runtime = c.packages(base, t.runtime, "runtime", tc.Runtime)
	}
	t.build = t.runtime
	if len(tc.Build) > 0 {
		t.build = c.packages(base, t.runtime, "build", tc.Build, bk.AddEnv("RECORD", buildRecord))
	}
	return t
}

// user creates the account ahead of all scripts, so that each of them can give
// files to it, whatever the order they run in.
func (c *compiler) user(base State) State {
	u := c.graph.User
	if u == nil {
		return base
	}
	what := fmt.Sprintf("user %s (%d:%d)", u.Name, u.UID, u.GID)
	opts := append(c.builtin("create-user.sh", u.Name, strconv.Itoa(u.UID), strconv.Itoa(u.GID), u.Home),
		bk.AddEnv("SOURCE_DATE_EPOCH", setupEpoch),
		c.name(graph.ToolchainState, what), c.at(u.At), c.fresh(graph.ToolchainState))
	return base.layer(base.Run(opts...).Root(), "toolchain: "+what)
}

// packages installs distribution packages.
func (c *compiler) packages(base, on State, kind string, list []graph.Package, extra ...bk.RunOption) State {
	specs := make([]string, len(list))
	for i, p := range list {
		specs[i] = p.Spec
	}
	what := kind + " packages: " + strings.Join(specs, " ")
	opts := append(c.builtin("install-packages.sh", specs...), c.cacheMounts(c.graph.Toolchain.Caches)...)
	opts = append(opts, extra...)
	opts = append(opts, c.refresh(base, c.graph.Toolchain.Refresh)...)
	opts = append(opts, c.name(graph.ToolchainState, describe(what, c.graph.Toolchain.Refresh)), c.at(list[0].At), c.fresh(graph.ToolchainState))
	return on.layer(on.Run(opts...).Root(), "toolchain: "+what)
}

// describe adds to a step's name what cache invalidation rules do to it.
func describe(what string, r graph.Refresh) string {
	if rules := r.String(); rules != "" {
		return what + " (" + rules + ")"
	}
	return what
}
