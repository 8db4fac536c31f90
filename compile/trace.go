package compile

import (
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/pgstrata/pgstrata/graph"
)

// RecordFile is the file of a script's record.
const RecordFile = "record"

// Where a traced script finds its tracer, and leaves its record. Both are
// mounts, so that neither is in a layer.
const (
	tracerMount = "/run/pgstrata/tracer"
	recordMount = "/run/pgstrata/record"
)

// Tracer is a program that runs a script and records what it does.
type Tracer struct {
	// Program is the state that holds it, Path where.
	Program llb.State
	Path    string
	// Args come first; the record's path and the script's command follow.
	Args []string
}

// options run a script by the tracer.
func (t *Tracer) options(script *graph.Script) []llb.RunOption {
	command := append([]string{path.Join(tracerMount, t.Path)}, t.Args...)
	command = append(append(command, path.Join(recordMount, RecordFile)), script.Command...)
	return []llb.RunOption{
		llb.Args(command),
		llb.AddMount(tracerMount, t.Program, llb.Readonly),
		llb.AddMount(recordMount, llb.Scratch()),
	}
}
