package compile

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/graph"
)

// chainScripts are the scripts that run one after another.
func (s *setup) chainScripts() []*graph.Script {
	var out []*graph.Script
	for _, script := range s.graph.Scripts {
		if !script.Isolated() {
			out = append(out, script)
		}
	}
	return append(out, s.graph.Cleanup...)
}

// squashes tells whether the chain holds what must not be in the image:
// build packages, or what a cleanup script deletes.
func (s *setup) squashes() bool {
	chain := s.chainScripts()
	return len(s.graph.Cleanup) > 0 || len(chain) > 0 && len(s.graph.Toolchain.Build) > 0
}

// chain ends the chain: build packages go, cleanup scripts run, and one layer
// holds what is left. With a cleanup script that layer reaches down to the
// base, so that what it deletes is gone from the packages' layer too.
func (s *setup) chain(held []*graph.Script) State {
	chain := s.chainScripts()
	if len(chain) == 0 {
		return s.tools.root
	}
	end, ok := s.after[s.lastOfChain()]
	if !ok { // cleanup scripts alone
		end = s.tools.chain
	}
	if !s.squashes() {
		return end
	}
	if len(s.graph.Toolchain.Build) > 0 {
		opts := append(s.builtin("purge-packages.sh", buildRecord),
			s.vertex(Vertex{Node: graph.SetupState + "/purge", Kind: "purge", Title: "purge of build packages"}, graph.SetupState, "purge build packages"),
			s.fresh(graph.ToolchainState, graph.SetupState))
		end = end.layer(end.Run(opts...).Root(), "setup: purge build packages")
	}
	lower, what := s.tools.root, fmt.Sprintf("setup: %d scripts", len(chain))
	if len(s.graph.Cleanup) > 0 {
		lower, what = s.base, "setup: user, packages and "+fmt.Sprintf("%d scripts", len(chain))
	}
	for _, script := range s.graph.Cleanup {
		end = s.script(end, script)
	}
	return s.squash(s.with(lower, held, nil), end, what)
}

// lastOfChain is the name of the last script of the chain but for cleanup.
func (s *setup) lastOfChain() string {
	last := ""
	for _, script := range s.graph.Scripts {
		if !script.Isolated() {
			last = script.Name
		}
	}
	return last
}

// sweep removes the mount points that daemons before BuildKit v0.11 (Docker
// Engine 20.10 among them) leave in a step's layer.
func (c *compiler) sweep(root State) State {
	if supports(c.opt.Caps, pb.CapSourcePolicy) { // no capability tells of this; this one came with v0.11
		return root
	}
	remove := llb.Rm(graph.ContextMount, llb.WithAllowNotFound(true))
	if len(c.graph.Pins) > 0 {
		remove = remove.Rm(lockedVersions, llb.WithAllowNotFound(true))
	}
	for _, dir := range c.graph.BuildArtifacts {
		if dir != "/tmp" && dir != "/var/tmp" { // no image is without these
			remove = remove.Rm(dir, llb.WithAllowNotFound(true))
		}
	}
	return root.layer(root.File(remove, c.name("internal", "remove mount points")), "setup: remove mount points")
}
