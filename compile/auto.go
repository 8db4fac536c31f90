package compile

import (
	"fmt"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/observe"
)

// Where the outputs of each isolated script are, by numbers, for the step that compares
// them, and what it found, for the linker's.
const (
	outputsMount = "/run/pgstrata/outputs"
	claimsMount  = "/run/pgstrata/claims"
)

// contribution is what a script of `outputs: auto` has made of the root that it ran on,
// in a tree with nothing else.
func (s *setup) contribution(script *graph.Script, before, after llb.State) llb.State {
	words := append([]string{script.Name}, observe.Lists()...)
	node := Vertex{Node: script.Node() + "/contribution", Kind: "internal", Title: "what " + path.Base(script.Path) + " leaves"}
	run := s.compiler.tools.Run(append(s.builtin("contribute.sh", words...), s.look(beforeMount, before), s.look(madeMount, after),
		llb.AddMount(workMount, llb.Scratch(), llb.Tmpfs()), llb.ReadonlyRootFS(), llb.Network(noNetwork),
		s.vertex(node, "internal", "find what "+path.Base(script.Path)+" leaves"), s.at(script.Outputs[0].At), s.fresh(graph.SetupState, script.Node(), script.Name))...)
	return run.AddMount(resultMount, llb.Scratch())
}

// claims proves that no two scripts leave one path, where the build file does not list
// what they do: isolated ones, and those of the chain, whose root others are merged
// with. It mounts a list of what scripts without a list leave.
func (s *setup) claims(chain State, others []*graph.Script) []llb.RunOption {
	if !slices.ContainsFunc(s.graph.Scripts, (*graph.Script).Auto) {
		return nil
	}
	var words []string
	mounts := []llb.RunOption{s.look(rootMount, chain.State)}
	for i, script := range s.graph.Scripts {
		if !script.Isolated() {
			continue
		}
		kind := "listed"
		if script.Auto() && slices.Contains(others, script) {
			kind = "auto"
			mounts = append(mounts, s.look(fmt.Sprintf("%s/%d", beforeMount, i), s.made[script.Name].before))
		} else if script.Auto() {
			kind = "held"
		}
		words = append(words, fmt.Sprintf("%s:%d:%s", kind, i, script.Name))
		mounts = append(mounts, llb.AddMount(fmt.Sprintf("%s/%d", outputsMount, i), s.outputs[script.Name].State, llb.Readonly))
	}
	run := s.compiler.tools.Run(append(append(s.builtin("claims.sh", words...), mounts...),
		llb.AddMount(workMount, llb.Scratch(), llb.Tmpfs()), llb.ReadonlyRootFS(), llb.Network(noNetwork),
		s.vertex(Vertex{Node: graph.SetupState + "/claims", Kind: "internal", Title: "outputs that nobody has listed"}, "internal", "compare outputs that nobody has listed"))...)
	return []llb.RunOption{llb.AddMount(claimsMount, run.AddMount(resultMount, llb.Scratch()), llb.Readonly)}
}
