package compile

import (
	"path"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"

	"github.com/pgstrata/pgstrata/graph"
)

// Where the steps of a squash find the two roots and what was found out, and may write.
const (
	lowerMount = "/run/pgstrata/lower"
	upperMount = "/run/pgstrata/upper"
	goneMount  = "/run/pgstrata/gone"
	keptMount  = "/run/pgstrata/kept"
	workMount  = "/run/pgstrata/work"
)

// What the steps of a squash are called; the names of the first ones of a Dockerfile
// begin with [internal], that of the one that copies with its stage.
const (
	Comparison = "compare with what was there before"
	Removal    = "remove what is gone"
	Squashed   = "squash"
)

// SquashOptions say how a squash is made.
type SquashOptions struct {
	// Compare, Remove and Copy name its vertices: the one that compares the two roots,
	// the one that removes what is gone, and the one that copies what is there.
	Compare, Remove, Copy llb.ConstraintsOpt
	// Tools is a root with a shell, and Shell the words that run a script there.
	Tools llb.State
	Shell []string
	// Options are those of all its steps, such as the platform.
	Options []llb.ConstraintsOpt
}

// Change is a root before and after something changed it.
type Change struct{ Before, After llb.State }

// Squash returns the files of upper, which came of lower by changes that createdBy names,
// as lower, a layer that deletes what upper lacks of it, and a layer of what the changes
// have made. What one of them made and another one deleted is in none. The copy is keyed by
// content: steps that ran again and made the same end there. Where the daemon cannot merge
// and diff, one layer holds everything: only so do deletions shrink the image.
func Squash(lower State, upper llb.State, changes []Change, createdBy string, caps *apicaps.CapSet, s SquashOptions) State {
	everything := llb.CopyInfo{CopyDirContentsOnly: true}
	if !canMergeDiff(caps) {
		return emptyState().layer(llb.Scratch().File(llb.Copy(upper, "/", "/", &everything), s.with(s.Copy)...), createdBy)
	}
	all := llb.Copy(s.merged(changes), "/", "/", &everything)
	if lower.Output() != nil { // else nothing can be gone
		without, kept := s.compare(lower.State, upper, caps)
		lower, all = lower.layer(without, RemovedBy(createdBy)), all.Copy(kept, "/", "/", &everything)
	}
	return lower.layer(lower.File(all, s.with(s.Copy)...), createdBy)
}

// RemovedBy is what made the layer that deletes files, of what made the one above it.
func RemovedBy(createdBy string) string { return "removed by " + createdBy }

// merged lays on one another what changes have made. There is an empty layer below: so
// overlayfs shows the files as it shows those of any root. Of a single layer the daemon
// shows what is on the disk, with attributes of overlayfs's own, which differ each time.
func (s SquashOptions) merged(changes []Change) llb.State {
	named := s.with(llb.WithCustomName("[internal] what the steps made"))
	layers := []llb.State{llb.Scratch().File(llb.Rm("/nothing", llb.WithAllowNotFound(true)), s.with(llb.WithCustomName("[internal] nothing"))...)}
	for _, c := range changes {
		layers = append(layers, llb.Diff(c.Before, c.After, named...))
	}
	return llb.Merge(layers, named...)
}

func (s SquashOptions) with(o llb.ConstraintsOpt) []llb.ConstraintsOpt {
	return append([]llb.ConstraintsOpt{o}, s.Options...)
}

// compare returns lower without what upper lacks of it, and the files that no difference
// of layers has: BuildKit takes a file for unchanged that has the size and the time that
// it had.
func (s SquashOptions) compare(lower, upper llb.State, caps *apicaps.CapSet) (without, kept llb.State) {
	whole := append(unread(caps), llb.Readonly)
	comparison := s.run("compare-roots.sh", s.Compare,
		llb.AddMount(lowerMount, lower, whole...), llb.AddMount(upperMount, upper, whole...), llb.AddMount(workMount, llb.Scratch(), llb.Tmpfs()))
	gone, kept := comparison.AddMount(goneMount, llb.Scratch()), comparison.AddMount(keptMount, llb.Scratch())
	return s.run("remove-gone.sh", s.Remove, llb.AddMount(goneMount, gone, llb.Readonly)).AddMount(lowerMount, lower, unread(caps)...), kept
}

// run runs one of the scripts, which finds its mounts where they always are. There is
// no variable that would be a reason to run again.
func (s SquashOptions) run(name string, vertex llb.ConstraintsOpt, mounts ...llb.RunOption) llb.ExecState {
	data, err := scripts.ReadFile("scripts/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	script := llb.Scratch().File(llb.Mkfile("/"+name, 0o755, data), s.with(llb.WithCustomName("[internal] "+name))...)
	words := append(append([]string{}, s.Shell...), path.Join(graph.ContextMount, name), lowerMount, upperMount, goneMount, keptMount)
	opts := append([]llb.RunOption{
		llb.Args(words), llb.Dir("/"), llb.User("0:0"), llb.ReadonlyRootFS(), llb.Network(pb.NetMode_NONE),
		llb.AddMount(graph.ContextMount, script, llb.Readonly), vertex,
	}, mounts...)
	for _, o := range s.Options {
		opts = append(opts, o)
	}
	return llb.NewState(s.Tools.Output()).Run(opts...)
}
