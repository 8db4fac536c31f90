package corpus

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/worktree"
)

// TestNeverWorse edits specimens and random Dockerfiles at random, and compares what
// a build runs after each edit with what BuildKit's frontend runs. No daemon is asked:
// package plan reads what would run in both definitions, as BuildKit's cache does. An
// instruction of which anything runs is one that BuildKit's frontend runs, too.
func TestNeverWorse(t *testing.T) {
	usual := usualNeverWorse()
	seed, count := setting(t, "PGSTRATA_CORPUS_SEED", usual.seed), setting(t, "PGSTRATA_CORPUS_COUNT", usual.count)
	all := append(specimens(t, "testdata"), specimens(t, "testdata/others")...)
	for i := range count {
		all = append(all, draw(rand.New(rand.NewPCG(seed+i, 1))).specimen())
		all[len(all)-1].name = fmt.Sprintf("random-%d", seed+i)
	}
	var edits, fewer int
	for i, s := range all {
		h := &pastOf{specimen: s, dir: t.TempDir(), artist: &artist{Rand: rand.New(rand.NewPCG(seed+uint64(i), 2))}} //nolint:gosec // both are small
		require.NoError(t, s.write(h.dir))
		if h.build() != nil {
			continue // it is a broken one, or needs a daemon to be read
		}
		for _, edit := range s.edits {
			h.edit(t, edit)
		}
		for range editsOfPast {
			h.edit(t, h.draw(t))
		}
		edits, fewer = edits+len(h.done), fewer+h.fewer
	}
	t.Logf("PGSTRATA_CORPUS_SEED=%d: %d edits of %d trees, %d of them run less", seed, edits, len(all), fewer)
	assert.Greater(t, edits, len(all), "most can be built")
	assert.Greater(t, fewer, edits/50, "there is something to be worse at")
}

// pastOf is a specimen that is edited, with what a daemon would have built of it.
type pastOf struct {
	*specimen
	*artist
	dir string
	// own and buildkit are the records of the last build.
	own, buildkit *plan.Record
	done          []string
	fewer         int
}

// build makes the records of the tree as it is.
func (h *pastOf) build() error {
	own, err := h.record(false)
	if err != nil {
		return err
	}
	buildkit, err := h.record(true)
	if err != nil {
		return err
	}
	own.Carry(h.own)
	buildkit.Carry(h.buildkit)
	h.own, h.buildkit = own, buildkit
	return nil
}

// record is what a build depends on.
func (h *pastOf) record(whole bool) (*plan.Record, error) {
	source, err := worktree.Dir(h.dir)
	if err != nil {
		return nil, err
	}
	text, err := worktree.Read(source, "Dockerfile")
	if err != nil {
		return nil, err
	}
	exclude, err := worktree.Ignored(source, source, "Dockerfile")
	if err != nil {
		return nil, err
	}
	builds, err := frontend.Offline{
		Name: "Dockerfile", Data: text, Options: h.options, Now: time.Unix(0, 0), Exclude: exclude, Whole: whole,
		Context: func(globs, paths []string) (fs.FS, error) {
			return worktree.New(source, worktree.Filter{Exclude: exclude, Globs: globs, Paths: paths})
		},
	}.Resolve()
	if err != nil {
		return nil, err
	}
	return builds[0].Record()
}

// edit edits the tree, and compares. What cannot be built then is taken back.
func (h *pastOf) edit(t *testing.T, what string) {
	t.Helper()
	file := filepath.Join(h.dir, "Dockerfile")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	own, buildkit, before := h.own, h.buildkit, h.specimen
	h.specimen, err = before.apply(h.dir, what)
	require.NoError(t, err, "%s: %q", h.name, what)
	if h.build() != nil {
		h.specimen = before
		require.NoError(t, os.WriteFile(file, text, 0o600))
		return
	}
	h.done = append(h.done, what)
	ran, would := runs(own, h.own), runs(buildkit, h.buildkit)
	text, err = os.ReadFile(file)
	require.NoError(t, err)
	for line, part := range would {
		if ran[line] < part {
			h.fewer++
			break
		}
	}
	for line := range ran {
		if declaredAnew(own, h.own, line) {
			continue
		}
		assert.Contains(t, would, line, "%s: line %d runs, and BuildKit's frontend does not run it. The edits:\nedit: %s\n%s", h.name, line, strings.Join(h.done, "\nedit: "), text)
	}
}

// declaredAnew tells that a step of a line gets an arg that it did not have, or the other
// way round, or comes after one that does: the first instruction that speaks of an arg
// takes it away from the steps that do without it, and runs them once more.
func declaredAnew(before, after *plan.Record, line int) bool {
	anew, found := map[string]bool{}, false
	for _, s := range plan.Compare(before, after).Steps {
		anew[s.Node] = slices.ContainsFunc(s.Causes, func(c plan.Cause) bool {
			return c.Kind == "arg" && (c.Before == "" || c.After == "") || anew[c.Node]
		})
		found = found || s.Line == line && anew[s.Node]
	}
	return found
}

// runs are the lines of the programs that run, or may run, with the part of them
// that does.
func runs(before, after *plan.Record) map[int]float64 {
	out, steps := map[int]float64{}, map[int]float64{}
	for _, s := range plan.Compare(before, after).Steps {
		if s.Kind != plan.KindScript || s.Vertex == "" {
			continue
		}
		steps[s.Line]++
		if s.Cache != plan.Hit {
			out[s.Line]++
		}
	}
	for line := range out {
		out[line] /= steps[line]
	}
	return out
}

// draw draws an edit: of a file, a build arg or an instruction.
func (h *pastOf) draw(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.dir, "Dockerfile"))
	require.NoError(t, err)
	f, err := dockerfile.Parse("Dockerfile", text)
	require.NoError(t, err)
	var names []string
	require.NoError(t, filepath.WalkDir(h.dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && entry.Name() != "Dockerfile" && entry.Name() != ".dockerignore" {
			name, err = filepath.Rel(h.dir, name)
			names = append(names, name)
		}
		return err
	}))
	n := fmt.Sprint(len(h.done))
	name := h.one(append(names, "new")...)
	stage := f.Stages[h.IntN(len(f.Stages))]
	at, last := stage.From, stage.From
	if count := len(stage.Instructions); count > 0 {
		at, last = stage.Instructions[h.IntN(count)], stage.Instructions[count-1]
	}
	variable := h.one(append(declared(f), "NEW")...)
	line := strings.NewReplacer("N", n, "FILE", name, "VAR", variable).Replace(h.one(
		"RUN echo N >/n", "RUN make -C /opt N", "RUN cat /opt/FILE /setup/*", "RUN ls /setup /opt && echo $VAR", "RUN apt-get update && apt-get install -y xzN", "RUN find / -name N",
		"ENV VAR=N", "ENV VAR=$VAR", "ENV WN=$VAR", "ARG VAR=N", "ARG VAR", "LABEL n=$VAR", "COPY FILE /opt/place/", "COPY . /opt/all", "WORKDIR /opt", "USER root", "USER 33", `CMD ["N"]`, "EXPOSE N1",
		"ONBUILD RUN true", `SHELL ["/bin/bash", "-c"]`, "VOLUME /opt/volume", "ENTRYPOINT /setup/x", "STOPSIGNAL SIGINT", "RUN rm -rf /setup", "RUN chmod -R go-w /setup /opt", "RUN echo $VAR >/etc/apt/apt.conf.d/own",
		"FROM debian:bookworm-slim\nCOPY --from=0 /opt /opt", "FROM debian:bookworm-slim\nCOPY --from=0 /var /var\nRUN echo N", "FROM 0\nRUN echo $VAR"))
	switch h.IntN(10) {
	case 0, 1:
		return "append " + name + " # edited " + n
	case 2:
		return "write " + filepath.Join(filepath.Dir(name), "new"+n+filepath.Ext(name)) + " echo new " + n
	case 3:
		if name != "new" && h.chance(50) {
			return "remove " + name
		}
		return "mode " + h.one("0755", "0600", "0644") + " " + name
	case 4, 5:
		return "arg " + variable + "=" + n
	case 6:
		if at != stage.From {
			return fmt.Sprintf("lines Dockerfile %d %d", at.Start, at.End)
		}
	case 7:
		if _, ok := at.Command.(*instructions.RunCommand); ok && at.Start == at.End && !strings.HasSuffix(at.Text, "]") {
			return fmt.Sprintf("lines Dockerfile %d %d %s && echo %s >>/edited", at.Start, at.End, at.Text, n)
		}
	case 8:
		return fmt.Sprintf("lines Dockerfile %d %d %s", at.End+1, at.End, line)
	}
	return fmt.Sprintf("lines Dockerfile %d %d %s", last.End+1, last.End, line)
}

// declared are the args of a Dockerfile.
func declared(f *dockerfile.File) []string {
	names := map[string]bool{}
	for _, s := range f.Stages {
		for _, in := range s.Instructions {
			if arg, ok := in.Command.(*instructions.ArgCommand); ok {
				for _, a := range arg.Args {
					names[a.Key] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
