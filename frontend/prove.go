package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gwpb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/imagediff"
	"github.com/pgstrata/pgstrata/observe"
)

// propose derives a graph, and builds it: scripts that make something else in it
// than in the chain go back there, until the two images are equal.
func (o *observedBuild) propose(ctx context.Context, answer *ObserveAnswer, w io.Writer) error {
	stay := map[string]string{}
	for {
		p := o.chain.Propose(stay)
		text, err := p.Edit(o.source.Filename, o.source.Data, o.in.file, o.chain)
		if err != nil {
			return err
		}
		if !bytes.Equal(text, o.source.Data) {
			back, err := o.prove(ctx, p, text)
			if err != nil {
				return err
			}
			if len(back) > 0 {
				maps.Copy(stay, back)
				continue
			}
			answer.File = string(text)
		}
		answer.Scripts = p.Scripts
		return p.Write(w, o.chain)
	}
}

// prove builds a proposed graph, and compares its root with the chain's. It
// returns the scripts that have to go back to the chain, with the reasons.
func (o *observedBuild) prove(ctx context.Context, p *observe.Proposal, text []byte) (map[string]string, error) {
	next, in, err := o.proposed(ctx, text)
	if err != nil {
		return nil, err
	}
	states, opt, err := next.states(ctx, in, nil)
	if err != nil {
		return nil, err
	}
	for _, s := range p.Scripts {
		if !s.Isolated() || s.Declared {
			continue
		}
		if _, err := o.built(ctx, opt, states.Outputs[s.Name].State); err != nil {
			return failed(ctx, err, map[string]string{s.Name: "alone, it fails: " + brief(err)})
		}
	}
	if _, err := o.built(ctx, opt, states.Setup.State); err != nil {
		return failed(ctx, err, all(p, "the image cannot be built with it beside others: "+brief(err)))
	}
	differ, err := o.differences(ctx, states.Setup.State)
	if err != nil {
		return nil, err
	}
	back := map[string]string{}
	for _, m := range differ {
		if o.chain.Withheld(m.Where) {
			continue
		}
		name := o.chain.Leaves(p, m.Where)
		if name == "" {
			what := fmt.Sprintf("%s is another: %s, not %s", m.Where, shortened(m.Got), shortened(m.Want))
			if back = all(p, "with it beside others, "+what); len(back) == 0 {
				return nil, errors.Errorf("as declared, the image is not that of the scripts one after another: %s; pgstrata observe --check compares what is declared with what happens", what)
			}
			return back, nil
		}
		if _, is := back[name]; !is {
			back[name] = fmt.Sprintf("alone, it makes another %s: %s, not %s", m.Where, shortened(m.Got), shortened(m.Want))
		}
	}
	return back, nil
}

// failed tells a script that failed from a build that was ended.
func failed(ctx context.Context, err error, back map[string]string) (map[string]string, error) {
	if ctx.Err() != nil || len(back) == 0 {
		return nil, err
	}
	return back, nil
}

// all sends all scripts back that were to be isolated.
func all(p *observe.Proposal, reason string) map[string]string {
	out := map[string]string{}
	for _, s := range p.Scripts {
		if s.Isolated() && !s.Declared {
			out[s.Name] = reason
		}
	}
	return out
}

// brief is an error in a few words.
func brief(err error) string {
	if exit := new(gwpb.ExitError); errors.As(err, &exit) {
		if exit.ExitCode == compile.MissingLibraryExit {
			return "a library of its is missing"
		}
		return fmt.Sprintf("exit code %d", exit.ExitCode)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// shortened is what a comparison says of a file, without all of its content.
func shortened(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// differences are those of a graph's root from the chain's that the graph has
// made.
func (o *observedBuild) differences(ctx context.Context, root llb.State) ([]imagediff.Mismatch, error) {
	plain := func() (llb.State, error) {
		if o.plain == nil {
			states, _, err := o.states(ctx, o.flat, nil)
			if err != nil {
				return llb.State{}, err
			}
			o.plain = &states.Setup.State
		}
		return *o.plain, nil
	}
	return differences(*o.traced, root, plain, func(want, got llb.State, what string) ([]imagediff.Mismatch, error) {
		found, err := o.compared(ctx, want, got, "[observe] compare "+what)
		return slices.DeleteFunc(found, func(m imagediff.Mismatch) bool { return !observe.Counts(m.Where, m.Folder()) }), err
	})
}

// differences are those of a root from one that was traced. What two builds of the
// latter, plain is the other, have differently by themselves (a date in a file) may
// be as in either, and where only the content of a file varies, it may be another
// one.
func differences(traced, root llb.State, plain func() (llb.State, error), compare func(want, got llb.State, what string) ([]imagediff.Mismatch, error)) ([]imagediff.Mismatch, error) {
	found, err := compare(traced, root, "the root with that of all steps traced")
	if err != nil || len(found) == 0 {
		return nil, err
	}
	second, err := plain()
	if err != nil {
		return nil, err
	}
	varies, err := compare(traced, second, "two builds")
	if err != nil {
		return nil, err
	}
	again, err := compare(second, root, "the root with that of a second build")
	if err != nil {
		return nil, err
	}
	has := func(list []imagediff.Mismatch, name string) bool {
		return slices.ContainsFunc(list, func(m imagediff.Mismatch) bool { return m.Where == name })
	}
	return slices.DeleteFunc(again, func(m imagediff.Mismatch) bool {
		return !has(found, m.Where) || m.Content() && has(varies, m.Where)
	}), nil
}

// compared is how two roots differ.
func (r *request) compared(ctx context.Context, want, got llb.State, name string) ([]imagediff.Mismatch, error) {
	const file = "differences"
	step, err := r.comparing(want, got, name, "the roots are compared by a program of the frontend image", "/result/"+file)
	if err != nil {
		return nil, err
	}
	def, err := step.AddMount("/result", llb.Scratch()).Marshal(ctx, llb.WithCaps(r.client.BuildOpts().LLBCaps))
	if err != nil {
		return nil, err
	}
	res, err := r.gateway.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true, CacheImports: r.client.CacheImports})
	if err != nil {
		return nil, err
	}
	ref, err := res.SingleRef()
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(newContextFS(ctx, ref), file)
	if err != nil {
		return nil, err
	}
	var found []imagediff.Mismatch
	return found, json.Unmarshal(data, &found)
}
