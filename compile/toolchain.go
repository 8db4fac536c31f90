package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// buildRecord lists the packages that the build packages brought in. It is
// there while scripts run and gone before the chain is squashed.
const buildRecord = "/var/lib/pgstrata/build-packages"

// toolchain is what scripts run on, and what the image grows from.
type toolchain struct {
	// root is the image's own: base, user and all runtime packages.
	root State
	// chain has the build packages too: the scripts of the chain run on it.
	chain State
	// runtime is what isolated scripts have in common: their own base, the user,
	// and the runtime packages that every script has.
	runtime State
	// isolated has the build packages too, for those that name none.
	isolated State
	// base is the base of both.
	base State
}

// Toolchain is a root that scripts run on, and the base image below it.
type Toolchain struct {
	Base, Root State
	// Own is the image below it where a script has that for itself, "" for none.
	Own string
}

// base returns a resolved base image.
func (c *compiler) base(name string, b Base) State {
	s := State{State: b.State.Network(c.opt.Config.NetworkMode), lists: c.listsOf(b.State)}
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
		s.Layers = append(s.Layers, history("layer of "+name))
	}
	return s
}

// toolchain adds the user, then the packages.
func (c *compiler) toolchain(base State) toolchain {
	tc := c.graph.Toolchain
	all := c.graph.RuntimePackages()
	image, own := base, c.users(base, "user", "")
	t := toolchain{root: c.packages(image, own, "runtime", "runtime", "", all), base: image}
	t.chain = c.packages(image, t.root, "build", "build", "", tc.Build)
	if pinned := c.opt.ToolchainBase; pinned != nil {
		image = c.repositories(c.base(tc.Base.Name, *pinned))
		own, t.base = c.users(image, "isolated-user", isolatedScripts), image
	} else if slices.Equal(specs(all), specs(tc.Runtime)) {
		t.runtime, t.isolated = t.root, t.chain
		return t
	}
	t.runtime = c.packages(image, own, "runtime", "isolated-runtime", isolatedScripts, tc.Runtime)
	t.isolated = c.packages(image, t.runtime, "build", "isolated-build", isolatedScripts, tc.Build)
	return t
}

// isolatedScripts is whose accounts and packages those are that no other step has.
const isolatedScripts = "isolated scripts"

// of is a step's title with whose step it is; "" of the image's own.
func of(title, whose string) string {
	if whose == "" {
		return title
	}
	return title + " of " + whose
}

// users creates the accounts ahead of all scripts, so that each of these can give
// files to them, whatever the order they run in.
func (c *compiler) users(base State, node, whose string) State {
	for i, u := range c.graph.Users() {
		if i == 0 && c.graph.User != nil {
			base = c.user(base, node, whose, u)
			continue
		}
		base = c.user(base, node+"-"+u.Name, whose, u)
	}
	return base
}

func (c *compiler) user(base State, node, whose string, u graph.User) State {
	what := fmt.Sprintf("user %s (%d:%d)", u.Name, u.UID, u.GID)
	words := append([]string{u.Name, strconv.Itoa(u.UID), strconv.Itoa(u.GID), u.Home, u.Shell}, u.Groups...)
	opts := append(c.builtin("create-user.sh", words...),
		llb.AddEnv("SOURCE_DATE_EPOCH", strconv.Itoa(setupEpoch)),
		c.vertex(Vertex{Node: graph.ToolchainState + "/" + node, Kind: "user", Title: of("user "+u.Name, whose)}, graph.ToolchainState, what), c.at(u.At), c.fresh(graph.ToolchainState))
	return base.layer(base.Run(opts...).Root(), "toolchain: "+what)
}

// specs are packages as install-packages.sh takes them.
func specs(list []graph.Package) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.Spec)
	}
	return out
}

// packages installs distribution packages of a kind, runtime or build, for whose
// steps; "" for the image. The archive is asked about followed packages in a
// container of base.
func (c *compiler) packages(base, on State, kind, node, whose string, list []graph.Package) State {
	if len(list) == 0 {
		return on
	}
	what := kind + " packages: " + strings.Join(specs(list), " ")
	opts := append(c.builtin("install-packages.sh", specs(list)...), c.cacheMounts(c.graph.Toolchain.Caches)...)
	opts = append(opts, c.repositoryMounts()...)
	opts = append(opts, c.refresh(base, c.graph.Toolchain.Refresh)...)
	v := Vertex{Node: graph.ToolchainState + "/" + node, Kind: "packages", Title: of(kind+" packages", whose), Arguments: "package"}
	opts = append(opts, c.vertex(v, graph.ToolchainState, c.graph.Toolchain.Refresh.Describe(what)), c.at(list[0].At), c.fresh(graph.ToolchainState))
	if kind == "build" {
		opts = append(opts, llb.AddEnv("RECORD", buildRecord))
	}
	return c.run(on, "toolchain: "+what, append(opts, c.pins(on.own)...)...)
}
