package frontend

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/observe"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/trace"
)

// ObserveRequest is the id of the subrequest that runs the setup scripts under a
// tracer, and answers with a graph: `docker buildx build --call pgstrata.observe`.
const ObserveRequest = "frontend.pgstrata.observe"

// ObserveCheck is the build argument that makes it compare what is declared with
// what happens, and propose nothing.
const ObserveCheck = "PGSTRATA_OBSERVE_CHECK"

const observeCheckArg = "build-arg:" + ObserveCheck

// ObserveAnswer is the JSON of an answer to an observe request.
type ObserveAnswer struct {
	// Scripts have their places in the graph; nil where it was only checked.
	Scripts []observe.Placed `json:"scripts,omitempty"`
	// File is the build file with the graph in it, "" where nothing changes.
	File string `json:"file,omitempty"`
	// Findings are declarations that are not what happens.
	Findings []observe.Finding `json:"findings,omitempty"`
	// Record is what the steps of a Dockerfile were observed to read, and Steps are
	// those of which its record says something else.
	Record string            `json:"record,omitempty"`
	Steps  []narrow.Decision `json:"steps,omitempty"`
}

// observedBuild is the observation of a build.
type observedBuild struct {
	*request
	in    input
	chain *observe.Chain
	// flat has the scripts one after another.
	flat input
	// traced and plain are the root that they leave, with the tracer and without
	// it; nil before they were asked for.
	traced, plain *llb.State
}

// observe answers with what the scripts were seen to do.
func (r *request) observe(ctx context.Context) (*client.Result, error) {
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	o := &observedBuild{request: r, in: inputs[0]}
	if err := o.watch(ctx); err != nil {
		return nil, err
	}
	answer := ObserveAnswer{Findings: o.chain.Check()}
	var text bytes.Buffer
	if _, check := r.client.BuildArgs[ObserveCheck]; check {
		err = observe.WriteFindings(&text, r.source.Filename, answer.Findings)
	} else {
		err = o.propose(ctx, &answer, &text)
	}
	if err != nil {
		return nil, err
	}
	return answer.result(&text)
}

// result is the answer as the client gets it: JSON, and text for a person.
func (a *ObserveAnswer) result(text *bytes.Buffer) (*client.Result, error) {
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return nil, err
	}
	return result(data, text.Bytes()), nil
}

// watch runs the scripts one after another, each traced.
func (o *observedBuild) watch(ctx context.Context) error {
	for _, s := range o.in.graph.Scripts {
		if s.Base.Name != "" || slices.ContainsFunc(s.Outputs, graph.Output.Placed) {
			return &spec.Error{File: o.in.graph.File, At: s.At, Msg: s.Name + " has a base of its own, or outputs that are put elsewhere: it cannot run after the others on one root, which is how scripts are observed"}
		}
	}
	order := observe.Order(o.in.graph)
	o.flat = o.in
	o.flat.file = flat(o.in.file, order)
	var err error
	if o.flat.graph, err = o.resolveGraph(o.in, o.flat.file); err != nil {
		return err
	}
	tool, program, err := o.program("name the frontend image in the first line (# syntax=), or use pgstrata observe on Linux: the scripts are run by a program of it")
	if err != nil {
		return err
	}
	states, opt, err := o.states(ctx, o.flat, &compile.Tracer{Program: tool, Path: program, Args: []string{trace.Command}})
	if err != nil {
		return err
	}
	o.traced = &states.Setup.State
	// All records at once: each question more is a build of its own.
	together := llb.Scratch()
	for _, name := range order {
		together = together.File(llb.Copy(states.Records[name], "/"+compile.RecordFile, "/"+name), llb.WithCustomName("[internal] record of "+name))
	}
	ref, err := o.built(ctx, opt, together)
	if err != nil {
		return err
	}
	records := map[string]*trace.Record{}
	for _, name := range order {
		if records[name], err = readRecord(newContextFS(ctx, ref), name); err != nil {
			return errors.Wrap(err, name)
		}
	}
	o.chain = observe.New(o.in.graph, o.in.file, records)
	o.chain.Given = func(name string) bool {
		_, err := o.in.files.Lstat(name)
		return err == nil
	}
	o.chain.Entries = func(name string) []string {
		entries, err := o.in.files.ReadDir(name)
		if err != nil {
			return nil
		}
		var out []string
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	return nil
}

// flat is a build file whose scripts run one after another.
func flat(f *spec.File, order []string) *spec.File {
	out := *f
	out.Setup.Scripts = nil
	for _, name := range order {
		for _, s := range f.Setup.Scripts {
			if s.Name() == name {
				out.Setup.Dependencies.Build = slices.Concat(out.Setup.Dependencies.Build, s.Build)
				s.Outputs, s.Needs, s.Build = nil, nil, nil
				out.Setup.Scripts = append(out.Setup.Scripts, s)
			}
		}
	}
	return &out
}

// states compiles a build file's graph.
func (r *request) states(ctx context.Context, in input, tracer *compile.Tracer) (*compile.States, compile.Options, error) {
	opt, err := r.options(ctx, in)
	if err != nil {
		return nil, opt, err
	}
	opt.Tracer = tracer
	states, err := compile.Graph(in.graph, opt)
	return states, opt, err
}

// built is a state that has been built.
func (r *request) built(ctx context.Context, opt compile.Options, st llb.State) (client.Reference, error) {
	return r.reference(ctx, &target{state: compile.State{State: st}, options: opt})
}

func readRecord(from fs.FS, name string) (*trace.Record, error) {
	file, err := from.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return trace.ReadRecord(bufio.NewReaderSize(file, observedAtOnce))
}

// observedAtOnce is how much of what a step wrote down is asked for at once.
const observedAtOnce = 4 << 20

// proposed is the request for another text of the build file.
func (r *request) proposed(ctx context.Context, text []byte) (*request, input, error) {
	next, lines := *r, *r.source.SourceMap
	lines.Data = text
	next.source = &dockerui.Source{SourceMap: &lines, Warn: r.source.Warn}
	inputs, err := next.read(ctx)
	if err != nil {
		return nil, input{}, errors.Wrapf(err, "%s with the graph in it, which is a bug of observe", path.Base(r.source.Filename))
	}
	return &next, inputs[0], nil
}
