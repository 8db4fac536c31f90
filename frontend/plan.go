package frontend

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/image-spec/identity"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/graph"
	pgllb "github.com/pgstrata/pgstrata/llb"
	"github.com/pgstrata/pgstrata/plan"
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
	// Graph is a build file's; Dockerfile is set in its place for a Dockerfile.
	Graph      *graph.Graph
	Dockerfile *plan.Dockerfile
	// Options are what a record of it depends on besides that and the context.
	Options plan.Options
	// Undeclared are the build arguments that do nothing, with hints.
	Undeclared []string
	// Context is what was sent of the build context. It is read through the
	// daemon, and only during the call that hands it over.
	Context fs.FS
}

// Platform is the target in OCI notation.
func (r *Resolved) Platform() string {
	if r.Dockerfile != nil {
		return r.Dockerfile.Platform
	}
	return r.Graph.Platform
}

// Record returns what the build depends on.
func (r *Resolved) Record() (*plan.Record, error) {
	if r.Dockerfile != nil {
		return plan.NewDockerfile(*r.Dockerfile, r.Context, r.Options)
	}
	return plan.New(r.Graph, r.Context, r.Options)
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
	var records []*plan.Record
	for _, in := range inputs {
		opt, err := r.options(ctx, in)
		if err != nil {
			return nil, err
		}
		record, err := plan.New(in.graph, in.files, r.planOptions(in, opt))
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return answerPlan(before, records)
}

// answerPlan compares records with those of an earlier build.
func answerPlan(before, records []*plan.Record) (*client.Result, error) {
	var answer PlanAnswer
	var text bytes.Buffer
	for _, record := range records {
		i := slices.IndexFunc(before, func(b *plan.Record) bool { return b.Platform == record.Platform })
		var last *plan.Record
		if i >= 0 {
			last = before[i]
		}
		p := plan.Compare(last, record)
		record.Carry(last)
		answer.Plans, answer.Records = append(answer.Plans, p), append(answer.Records, record)
		if len(records) > 1 {
			text.WriteString(record.Platform + ":\n")
		}
		if err := p.Write(&text); err != nil {
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

// told hands on what is known of a platform's build.
func (r *request) told(in input, opt pgllb.Options) {
	if r.tell != nil {
		r.tell(Resolved{Graph: in.graph, Options: r.planOptions(in, opt), Context: in.files})
	}
}

// planOptions are what a record depends on besides graph and context.
func (r *request) planOptions(in input, opt pgllb.Options) plan.Options {
	out := plan.Options{
		Target:   r.client.Target,
		Bases:    map[string]plan.Base{in.graph.Base.Name: planBase(opt.Base)},
		Steps:    pgllb.Steps(),
		Settings: PlanSettings(r.client.BuildOpts().Opts),
		Labels:   opt.Config.Labels,

		CacheNamespace: opt.Config.CacheIDNamespace,
		Copies:         opt.Caps.Supports(pb.CapMergeOp) != nil || opt.Caps.Supports(pb.CapDiffOp) != nil,
	}
	if b := opt.ToolchainBase; b != nil && in.graph.Toolchain.Base.Name != "" {
		out.Bases[in.graph.Toolchain.Base.Name] = planBase(*b)
	}
	if opt.Epoch != nil {
		out.Epoch = strconv.FormatInt(opt.Epoch.Unix(), 10)
	}
	return out
}

// planBase is what a record keeps of a base image.
func planBase(b pgllb.Base) plan.Base {
	out := plan.Base{Digest: b.Digest.String()}
	if len(b.Image.RootFS.DiffIDs) > 0 {
		out.Layers = identity.ChainID(slices.Clone(b.Image.RootFS.DiffIDs)).String()
	}
	return out
}

// PlanSettings picks, from a frontend's options, those that count for every
// step: not the addresses of hosts, and not proxies, which the daemon keeps
// out of its keys.
func PlanSettings(opts map[string]string) map[string]string {
	out := map[string]string{}
	for _, name := range []string{
		"force-network-mode", "hostname", "ulimit", "shm-size", "cgroup-parent",
		"memory", "memswap", "cpushares", "cpuperiod", "cpuquota", "cpusetcpus", "cpusetmems",
	} {
		if v := opts[name]; v != "" {
			out[name] = v
		}
	}
	if v := opts["build-arg:BUILDKIT_SANDBOX_HOSTNAME"]; v != "" {
		out["hostname"] = v // as dockerui takes it
	}
	var hosts []string
	for h := range strings.SplitSeq(opts["add-hosts"], ",") {
		if name, _, ok := strings.Cut(h, "="); ok {
			hosts = append(hosts, name)
		}
	}
	if len(hosts) > 0 {
		out["add-hosts"] = strings.Join(hosts, ",")
	}
	return out
}
