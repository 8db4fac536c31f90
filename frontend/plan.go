package frontend

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"slices"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/terminal"
)

// PlanRequest is the id of the subrequest that answers what a build would run
// again: `docker buildx build --call pgstrata.plan`.
const PlanRequest = "frontend.pgstrata.plan"

// The options that carry the records of an earlier build: base64 of their
// JSON, as an answer to a plan request has it under records. docker buildx can
// send build arguments only.
const (
	planRecordOption = "pgstrata.records"
	planRecordArg    = "build-arg:PGSTRATA_RECORDS"
)

// PlanAnswer is the JSON of an answer to a plan request.
type PlanAnswer struct {
	// Plans has a plan for each platform.
	Plans []*plan.Plan `json:"plans"`
	// Records is what such a build depends on, for a later question.
	Records []*plan.Record `json:"records"`
}

// Resolved is one platform's build as it is known before it runs.
type Resolved struct {
	// Build is what a record is made from.
	Build plan.Build
	// Options say how its context is read.
	Options plan.Options
	// Graph is a build file's; nil for a Dockerfile.
	Graph *graph.Graph
	// File is the build file, completed by its Discover; nil for a Dockerfile.
	File *spec.File
	// Decisions are what becomes of a Dockerfile's instructions.
	Decisions []dockerfile.Decision
	// Undeclared are the build arguments that do nothing, with hints.
	Undeclared []string
	// Context is what was sent of the build context. It is read through the
	// daemon, and only while the build runs.
	Context fs.FS
}

// Platform is the target in OCI notation.
func (r *Resolved) Platform() string { return r.Build.Platform }

// Record returns what the build depends on.
func (r *Resolved) Record() (*plan.Record, error) { return plan.New(r.Build, r.Context, r.Options) }

// Compare is [plan.Compare] of the build's own record, with what was decided.
func (r *Resolved) Compare(before, own *plan.Record) *plan.Plan {
	p := plan.Compare(before, own)
	for _, d := range r.Decisions {
		p.Decisions = append(p.Decisions, plan.Decision{Line: d.Line, Kind: string(d.Kind), Text: d.Text})
	}
	return p
}

// Telling returns Build; tell is called for each platform, from any goroutine,
// when everything about its build is known. A second call for a platform takes
// the place of the first.
func Telling(tell func(Resolved)) client.BuildFunc {
	return func(ctx context.Context, c client.Client) (*client.Result, error) {
		return build(ctx, c, tell)
	}
}

// serveOwn answers the subrequests that dockerui does not know.
func (r *request) serveOwn(ctx context.Context) (*client.Result, bool, error) {
	switch r.client.BuildOpts().Opts["requestid"] {
	case PlanRequest:
		res, err := r.plan(ctx)
		return res, true, err
	case LockRequest:
		res, err := r.answerLock(ctx)
		return res, true, err
	case OutdatedRequest:
		res, err := r.answerOutdated(ctx)
		return res, true, err
	case ObserveRequest:
		res, err := r.observe(ctx)
		return res, true, err
	case subrequests.RequestSubrequestsDescribe:
		res, err := r.describe(ctx)
		return res, true, err
	}
	return nil, false, nil
}

// plan answers what a build would run again.
func (r *request) plan(ctx context.Context) (*client.Result, error) {
	before, err := earlier(r.client.BuildOpts().Opts)
	if err != nil {
		return nil, err
	}
	inputs, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	list, err := r.builds(ctx, inputs)
	if err != nil {
		return nil, err
	}
	return answerPlan(before, list)
}

// builds compiles the build of each platform.
func (r *request) builds(ctx context.Context, inputs []input) ([]Resolved, error) {
	var out []Resolved
	for _, in := range inputs {
		t, err := r.compile(ctx, in)
		if err != nil {
			return nil, err
		}
		out = append(out, r.resolved(ctx, in, t))
	}
	return out, nil
}

// resolved is one platform's build as it was compiled.
func (r *request) resolved(ctx context.Context, in input, t *target) Resolved {
	out := Resolved{
		Build: plan.Build{
			File: in.graph.File, Platform: in.graph.Platform, Target: r.client.Target, Definition: t.definition.ToPB(),
			Context: origin(ctx, in.context), Bases: r.gateway.bases(in.platform), Names: contextNames(r.client.BuildOpts().Opts),
			Nodes: map[string]string{}, Lacks: r.lacks(),
		},
		Graph: in.graph, File: in.file, Undeclared: in.file.Undeclared(in.options), Context: in.files,
	}
	args := slices.Concat(in.graph.Predefined, in.graph.Args)
	for _, s := range in.graph.Scripts {
		args = append(args, s.With...)
	}
	for _, a := range args {
		out.Build.Args = append(out.Build.Args, a.Name)
	}
	for _, base := range []struct{ name, node string }{{in.graph.Toolchain.Base.Name, graph.BaseState + "/setup"}, {in.graph.Base.Name, graph.BaseState}} {
		if name, err := normalized(base.name); err == nil { // there is one
			out.Build.Nodes[name] = base.node
		}
	}
	if r.client.Target == "" || r.client.Target == graph.ImageState {
		out.Build.Image = t.image
	}
	return out
}

// lacks are the capabilities that the daemon lacks: what is compiled depends on
// them.
func (r *request) lacks() []string {
	has := r.client.BuildOpts().LLBCaps
	var out []string
	for _, c := range pb.Caps.All() {
		if has.Supports(apicaps.CapID(c.ID)) != nil {
			out = append(out, c.ID)
		}
	}
	slices.Sort(out)
	return out
}

// answerPlan compares builds with the records of an earlier one.
func answerPlan(before []*plan.Record, builds []Resolved) (*client.Result, error) {
	var answer PlanAnswer
	var text bytes.Buffer
	for _, b := range builds {
		record, err := b.Record()
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(before, func(b *plan.Record) bool { return b.Platform == record.Platform })
		var last *plan.Record
		if i >= 0 {
			last = before[i]
		}
		p := b.Compare(last, record)
		record.Carry(last)
		answer.Plans, answer.Records = append(answer.Plans, p), append(answer.Records, record)
		if len(builds) > 1 {
			text.WriteString(record.Platform + ":\n")
		}
		if err := p.Write(&text, terminal.Style{}); err != nil {
			return nil, err
		}
	}
	data, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return nil, err
	}
	return result(data, text.Bytes()), nil
}

// earlier reads the records that a plan request brings.
func earlier(opts map[string]string) ([]*plan.Record, error) {
	text := opts[planRecordOption]
	if text == "" {
		text = opts[planRecordArg]
	}
	if text == "" {
		return nil, nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.Wrap(err, "the records of the earlier build are not base64")
	}
	var records []*plan.Record
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, errors.Wrap(err, "the records of the earlier build are not their JSON")
	}
	return slices.DeleteFunc(records, func(r *plan.Record) bool { return r == nil }), nil
}

// describe lists the subrequests: dockerui's list, and ours.
func (r *request) describe(ctx context.Context) (*client.Result, error) {
	res, _, err := r.client.HandleSubrequest(ctx, r.handler())
	if err != nil {
		return nil, err
	}
	var list []subrequests.Request
	if err := json.Unmarshal(res.Metadata["result.json"], &list); err != nil {
		return nil, err
	}
	list = append(list, subrequests.Request{
		Name:        LockRequest,
		Version:     "1.0.0",
		Type:        subrequests.TypeRPC,
		Description: "Write the lock file: digests of bases and versions of packages",
		Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
	}, subrequests.Request{
		Name:        ObserveRequest,
		Version:     "1.0.0",
		Type:        subrequests.TypeRPC,
		Description: "Run the setup scripts one after another, watch what they read and write, and propose a graph",
		Opts:        []subrequests.Named{{Name: observeCheckArg, Description: "compare with what is declared, and propose nothing"}},
		Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
	}, subrequests.Request{
		Name:        OutdatedRequest,
		Version:     "1.0.0",
		Type:        subrequests.TypeRPC,
		Description: "Tell what of the lock file is no longer what its names stand for",
		Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
	}, subrequests.Request{
		Name:        PlanRequest,
		Version:     "1.0.0",
		Type:        subrequests.TypeRPC,
		Description: "Tell what a build would run again, and why",
		Opts:        []subrequests.Named{{Name: planRecordOption, Description: "records of an earlier build, as base64 of JSON"}},
		Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
	})
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := subrequests.PrintDescribe(data, &text); err != nil {
		return nil, err
	}
	return result(data, text.Bytes()), nil
}

func result(data, text []byte) *client.Result {
	res := client.NewResult()
	res.AddMeta("result.json", data)
	res.AddMeta("result.txt", text)
	res.AddMeta("version", []byte("1.0.0"))
	return res
}
