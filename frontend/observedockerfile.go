package frontend

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/imagediff"
	"github.com/pgstrata/pgstrata/narrow"
)

// answerObserve answers what the steps of a Dockerfile were seen to read: a record
// of it, or how the record that is there is no longer what happens.
func (d *dockerfileBuild) answerObserve(ctx context.Context) (*client.Result, error) {
	o, err := d.observation(ctx)
	if err != nil {
		return nil, err
	}
	var answer ObserveAnswer
	var text bytes.Buffer
	if _, check := d.client.BuildArgs[ObserveCheck]; check {
		o.check(&answer, &text)
	} else {
		err = o.propose(ctx, &answer, &text)
	}
	if err != nil {
		return nil, err
	}
	return answer.result(&text)
}

// stepsObserved is the observation of a Dockerfile.
type stepsObserved struct {
	*dockerfileBuild
	*narrow.Observation
	platform string
}

// observation runs the steps as they are written, each traced.
func (d *dockerfileBuild) observation(ctx context.Context) (*stepsObserved, error) {
	if err := d.read(ctx, d.splitOff()); err != nil {
		return nil, err
	}
	if d.tree == nil || d.origin == "" {
		return nil, errors.Errorf("%s copies nothing from a build context that can be read: there is nothing to observe", path.Base(d.source.Filename))
	}
	if !d.mergeDiff() {
		return nil, errors.New("this BuildKit daemon cannot merge and diff: each step would see all files all the same")
	}
	if err := d.askStages(ctx); err != nil {
		return nil, err
	}
	_, def, err := d.compiler(0).compile(ctx)
	if err != nil {
		return nil, err
	}
	tool, program, err := d.program("name the frontend image in the first line (# syntax=), or use pgstrata observe on Linux: the steps are run by a program of it")
	if err != nil {
		return nil, err
	}
	from, err := tool.Marshal(ctx)
	if err != nil {
		return nil, err
	}
	seeing := d.seeing()
	seeing.Digests = d.digests(ctx)
	seeing.Name = path.Base(d.source.Filename) + narrow.Suffix
	o, err := narrow.Observe(def, seeing, narrow.Tracer{Program: from.ToPB(), Path: program})
	if err != nil {
		return nil, err
	}
	out := &stepsObserved{d, o, platforms.Format(d.targets()[0])}
	return out, out.learn(ctx)
}

// evaluated is a definition that has been built.
func (o *stepsObserved) evaluated(ctx context.Context, def *pb.Definition) (client.Reference, error) {
	res, err := o.gateway.Solve(ctx, client.SolveRequest{Definition: def, Evaluate: true, CacheImports: o.client.CacheImports})
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}

// learn takes the records of all steps over.
func (o *stepsObserved) learn(ctx context.Context) error {
	def, err := o.Traced()
	if err != nil || def == nil {
		return err
	}
	ref, err := o.evaluated(ctx, def)
	if err != nil {
		return err
	}
	files := newContextFS(ctx, ref)
	for _, name := range o.Names() {
		record, err := readRecord(files, name)
		if err != nil {
			return err
		}
		if err := o.Learn(name, o.platform, record); err != nil {
			return err
		}
	}
	return o.straight(ctx)
}

// straight withholds steps that run on copies which went through a link of the
// image: these files are not where the copy says.
func (o *stepsObserved) straight(ctx context.Context) error {
	for _, name := range o.Names() {
		step := o.Step(name)
		def, err := o.Before(step)
		if err != nil {
			return err
		}
		ref, err := o.evaluated(ctx, def)
		if err != nil {
			return err
		}
		if ref == nil {
			continue
		}
		files := newContextFS(ctx, ref)
		for _, target := range o.Targets(step) {
			for at := target[1:]; at != "" && at != "."; at = path.Dir(at) {
				info, err := files.Lstat(at)
				if err == nil && info.Mode()&fs.ModeSymlink != 0 {
					if err := o.Withhold(step, "a copy above it goes through the link /"+at); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// prove builds what the record comes to, and compares what each step leaves with
// what it leaves when it sees all. A step that leaves something else sees all.
func (o *stepsObserved) prove(ctx context.Context) error {
	for {
		back, err := o.disproved(ctx)
		if err != nil || len(back) == 0 {
			return err
		}
		for step, why := range back {
			if err := o.Withhold(step, why); err != nil {
				return err
			}
		}
	}
}

// disproved are steps that make something else of what they were observed to read
// than of all, or after which another step does, with the reasons.
func (o *stepsObserved) disproved(ctx context.Context) (map[int]string, error) {
	steps, err := o.Narrow()
	if err != nil || len(steps) == 0 {
		return nil, err
	}
	for _, i := range steps {
		def, err := o.ProposedRoot(i)
		if err != nil {
			return nil, err
		}
		if _, err := o.evaluated(ctx, def); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			return map[int]string{i: "with no more than what it was observed to read, it fails: " + brief(err)}, nil
		}
	}
	for _, last := range o.Last() {
		if found, err := o.differs(ctx, last); err != nil || found == nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		for _, i := range o.Until(last) {
			found, err := o.differs(ctx, i)
			if err != nil {
				return nil, err
			}
			if found == nil {
				continue
			}
			what := fmt.Sprintf("%s is another: %s, not %s", found.Where, shortened(found.Got), shortened(found.Want))
			if slices.Contains(steps, i) {
				return map[int]string{i: "with no more than what it was observed to read, " + what}, nil
			}
			back := map[int]string{}
			for _, before := range o.Until(i) {
				if slices.Contains(steps, before) {
					back[before] = "after it, " + o.Title(i) + " makes something else: " + what
				}
			}
			return back, nil
		}
	}
	return nil, nil
}

// differs is what a step leaves differently, nil for nothing.
func (o *stepsObserved) differs(ctx context.Context, step int) (*imagediff.Mismatch, error) {
	var states [3]llb.State
	for i, of := range []func(int) (*pb.Definition, error){o.TracedRoot, o.ProposedRoot, o.PlainRoot} {
		def, err := of(step)
		if err != nil {
			return nil, err
		}
		if states[i], err = stateOf(def); err != nil {
			return nil, err
		}
	}
	found, err := differences(states[0], states[1], func() (llb.State, error) { return states[2], nil }, func(want, got llb.State, what string) ([]imagediff.Mismatch, error) {
		return o.compared(ctx, want, got, "[observe] compare "+what+" after "+o.Title(step))
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// stateOf is a definition as a state.
func stateOf(def *pb.Definition) (llb.State, error) {
	op, err := llb.NewDefinitionOp(def)
	if err != nil {
		return llb.State{}, err
	}
	return llb.NewState(op), nil
}

// propose proves what was observed, and writes it down.
func (o *stepsObserved) propose(ctx context.Context, answer *ObserveAnswer, w *bytes.Buffer) error {
	if err := o.prove(ctx); err != nil {
		return err
	}
	res, err := o.Proposed()
	if err != nil {
		return err
	}
	narrowed := 0
	for _, dec := range res.Decisions {
		fmt.Fprintf(w, "%s:%d: %s: %s\n", path.Base(o.source.Filename), dec.Line, dec.Title, dec.Text)
		if dec.Narrow {
			narrowed++
		}
	}
	fmt.Fprintf(w, "\n%d of %d steps that see copied files need no more than what they read.", narrowed, len(res.Decisions))
	if narrowed > 0 {
		w.WriteString(" Built so, each leaves what it leaves with all files.")
	}
	w.WriteString("\n")
	record := &narrow.Record{}
	if o.observed != nil {
		record.Steps = slices.Clone(o.observed.Steps)
	}
	record.Replace(o.platform, o.Learnt())
	answer.Record = string(record.Format())
	return nil
}

// check tells what the record that is there says no longer.
func (o *stepsObserved) check(answer *ObserveAnswer, w *bytes.Buffer) {
	for _, f := range o.Differences(o.observed) {
		answer.Steps = append(answer.Steps, f)
		fmt.Fprintf(w, "%s:%d: %s: %s\n", path.Base(o.source.Filename), f.Line, f.Title, f.Text)
	}
}
