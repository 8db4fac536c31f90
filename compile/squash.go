package compile

import (
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"

	"github.com/pgstrata/pgstrata/graph"
)

// Where the step that compares two roots finds them, and may write.
const (
	lowerMount = "/run/pgstrata/lower"
	upperMount = "/run/pgstrata/upper"
	workMount  = "/run/pgstrata/work"
)

// Comparison is what the step is called that compares what steps have made with
// what was there before them.
const Comparison = "compare with what was there before"

// Squashing says how a squash is made.
type Squashing struct {
	// Flatten, Compare, Diff and Merge name its vertices.
	Flatten, Compare, Diff, Merge llb.ConstraintsOpt
	// Tools is a root with a shell, whose programs compare the two roots, and
	// Shell the words that run a script there.
	Tools llb.State
	Shell []string
	// Options are those of all its steps, such as the platform.
	Options []llb.ConstraintsOpt
}

// Squash returns the files of upper, which descends from lower: as lower and
// one layer of exactly what differs, or as one layer for everything where the
// daemon cannot merge and diff. The copy gives the differ two plain trees to
// compare, so that what was made and deleted in between is gone.
func Squash(lower, upper llb.State, caps *apicaps.CapSet, s Squashing) llb.State {
	with := func(o llb.ConstraintsOpt) []llb.ConstraintsOpt {
		return append([]llb.ConstraintsOpt{o}, s.Options...)
	}
	flatten := with(s.Flatten)
	if canMergeDiff(caps) {
		flatten = append(flatten, llb.WithoutExportCache()) // it holds the base, too
	}
	flat := llb.Scratch().File(llb.Copy(upper, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true}), flatten...)
	if !canMergeDiff(caps) {
		return flat
	}
	from, to := s.compare(lower, flat, caps)
	diff := llb.Diff(from, to, with(s.Diff)...)
	return llb.Merge([]llb.State{lower, diff}, with(s.Merge)...)
}

// compare returns two roots whose times tell which of their files differ. The
// daemon compares times, and these tell nothing where the two came into its cache
// on different days, or where a step sets them. Both come out of one step, so that
// none can be replaced by itself.
func (s Squashing) compare(lower, upper llb.State, caps *apicaps.CapSet) (llb.State, llb.State) {
	if lower.Output() == nil { // nothing is in both
		return lower, upper
	}
	const name = "compare-roots.sh"
	data, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	named := llb.WithCustomName("[internal] " + name)
	script := llb.Scratch().File(llb.Mkfile("/"+name, 0o755, data), append([]llb.ConstraintsOpt{named}, s.Options...)...)
	words := append(append([]string{}, s.Shell...), path.Join(graph.ContextMount, name), lowerMount, upperMount)
	opts := []llb.RunOption{
		llb.Args(words), llb.Dir("/"), llb.User("0:0"), llb.ReadonlyRootFS(), llb.Network(pb.NetMode_NONE),
		llb.AddMount(graph.ContextMount, script, llb.Readonly), llb.AddMount(workMount, llb.Scratch(), llb.Tmpfs()), s.Compare,
		llb.WithoutExportCache(), // of two whole roots
	}
	for _, o := range s.Options {
		opts = append(opts, o)
	}
	// Alone, without variables: none of them is a reason to run again.
	step := llb.NewState(s.Tools.Output()).Run(opts...)
	var whole []llb.MountOption
	if supports(caps, pb.CapExecMountContentCache) { // their contents would be the key, and take a walk through all of both
		whole = append(whole, llb.ContentCache(llb.MountContentCacheOff))
	}
	return step.AddMount(lowerMount, lower, whole...), step.AddMount(upperMount, upper, whole...)
}
