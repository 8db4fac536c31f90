package frontend

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// explain says what a step's own failure does not: which output a script has not
// made, and what in its place; which package no archive has; what a download is in the
// place of what its checksum says. Where there is nothing
// to say, or it cannot be found out, the failure is returned as it is.
func (r *request) explain(ctx context.Context, in input, t *target, failure error) error {
	if mistakes := r.otherDownloads(ctx, in, failure); len(mistakes) > 0 {
		return mistakes
	}
	var solve *errdefs.SolveError
	if !errors.As(failure, &solve) {
		return failure
	}
	v, ok := compile.Described(&pb.OpMetadata{Description: solve.Description})
	if !ok {
		return failure
	}
	var (
		mistakes spec.Errors
		err      error
	)
	if v.Kind == "packages" {
		mistakes, err = r.unknownPackages(ctx, in, t, solve.Op.GetExec().GetMeta().GetArgs())
	} else if script := outputsOf(in.graph, v.Node); script != nil {
		mistakes, err = r.missingOutputs(ctx, in.graph, script, t.states.Made[script.Name])
	}
	if err != nil || len(mistakes) == 0 {
		return failure
	}
	return mistakes
}

// otherDownloads are the sources whose checksums a failure is about. Where the server
// has no such file, the daemon compares the page that says so.
func (r *request) otherDownloads(ctx context.Context, in input, failure error) spec.Errors {
	var out spec.Errors
	if failure == nil || !strings.Contains(failure.Error(), "digest mismatch") {
		return nil
	}
	for _, s := range in.graph.Sources {
		if !declared(s) || !strings.Contains(failure.Error(), s.Pin) {
			continue
		}
		free := *s
		free.Pin = ""
		pin, err := r.pin(ctx, in, &free)
		msg := fmt.Sprintf("source %s: %s has another file today, %s, and not %s", s.Name, s.URL, pin.Pin, s.Pin)
		switch {
		case err != nil && strings.Contains(err.Error(), "invalid response status"): // which no type tells across the gateway
			msg = fmt.Sprintf("source %s: %s cannot be fetched: %v", s.Name, s.URL, err)
		case err != nil || pin.Pin == s.Pin:
			continue
		}
		out = append(out, &spec.Error{File: in.graph.File, At: s.At, Msg: msg})
	}
	return out
}

// outputsOf is the script whose outputs a vertex takes, nil for any other vertex.
func outputsOf(g *graph.Graph, node string) *graph.Script {
	for _, s := range g.Scripts {
		rest, ok := strings.CutPrefix(node, s.Node()+"/")
		if ok && s.Isolated() && (strings.HasPrefix(rest, "outputs") || rest == "placed") {
			return s
		}
	}
	return nil
}

// missingOutputs are the outputs of a script that it has not made.
func (r *request) missingOutputs(ctx context.Context, g *graph.Graph, script *graph.Script, made compile.Made) (spec.Errors, error) {
	root, err := r.evaluate(ctx, made.After)
	if err != nil {
		return nil, err
	}
	var missing []graph.Output
	for _, o := range script.Outputs {
		there, err := matches(ctx, root, cmp.Or(o.From, o.Path))
		if err != nil {
			return nil, err
		}
		if !there {
			missing = append(missing, o)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	title := llb.WithCustomName("[internal] what " + path.Base(script.Path) + " made")
	difference, err := r.evaluate(ctx, llb.Diff(made.Before, made.After, title))
	if err != nil {
		return nil, err
	}
	files, err := filesOf(ctx, difference)
	if err != nil {
		return nil, err
	}
	var out spec.Errors
	for _, o := range missing {
		name := cmp.Or(o.From, o.Path)
		msg := path.Base(script.Path) + " made no " + name + "; it made " + instead(name, files)
		out = append(out, &spec.Error{File: g.File, At: o.At, Msg: msg})
	}
	return out, nil
}

func has(list spec.Errors, at spec.Range) bool {
	return slices.ContainsFunc(list, func(e *spec.Error) bool { return e.At == at })
}

// matches tells whether a root has a path, or something that a glob is for; where
// that is not a matter of one directory it is taken to.
func matches(ctx context.Context, root client.Reference, name string) (bool, error) {
	dir, last := path.Split(name)
	if strings.ContainsAny(dir, `*?[\`) || strings.Contains(last, "**") {
		return true, nil
	}
	list, err := root.ReadDir(ctx, client.ReadDirRequest{Path: dir})
	if err != nil {
		if strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "not a directory") { // which no type tells across the gateway
			return false, nil
		}
		return false, err
	}
	for _, entry := range list {
		if ok, err := path.Match(last, entry.Path); ok || err != nil {
			return true, nil //nolint:nilerr // a glob that only the copy understands
		}
	}
	return false, nil
}

// maxFiles is how many files of what a script made are looked at.
const maxFiles = 10_000

// filesOf lists the files of a tree, but for those that packages and caches leave.
func filesOf(ctx context.Context, tree client.Reference) ([]string, error) {
	var files []string
	if tree == nil {
		return nil, nil
	}
	for dirs := []string{"/"}; len(dirs) > 0 && len(files) < maxFiles; dirs = dirs[1:] {
		list, err := tree.ReadDir(ctx, client.ReadDirRequest{Path: dirs[0]})
		if err != nil {
			return nil, err
		}
		for _, entry := range list {
			name := path.Join(dirs[0], entry.Path)
			switch {
			case slices.Contains([]string{"/tmp", "/run", "/var/cache", "/var/log", "/var/lib/dpkg", "/var/lib/apt"}, name):
			case fs.FileMode(entry.Mode).IsDir():
				dirs = append(dirs, name)
			default:
				files = append(files, name)
			}
		}
	}
	return files, nil
}

// instead says what a script made in place of an output: what has its name, or else
// all of it.
func instead(output string, files []string) string {
	const most = 4
	var same []string
	for _, name := range files {
		if ok, err := path.Match(path.Base(output), path.Base(name)); ok && err == nil {
			same = append(same, name)
		}
	}
	if len(same) > 0 {
		files = same
	}
	if len(files) == 0 {
		return "no file at all"
	}
	text := strings.Join(files[:min(most, len(files))], ", ")
	if more := len(files) - most; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// unknownPackages are the packages of a failed step that no archive has.
func (r *request) unknownPackages(ctx context.Context, in input, t *target, arguments []string) (spec.Errors, error) {
	if len(arguments) < 2 {
		return nil, nil
	}
	ref, err := r.evaluate(ctx, compile.Unknown(in.graph, t.options, arguments[1:]))
	if err != nil {
		return nil, err
	}
	read := func(name string) ([]string, error) {
		data, err := ref.ReadFile(ctx, client.ReadRequest{Filename: name})
		return strings.Fields(string(data)), err
	}
	unknown, err := read(compile.UnknownFile)
	if err != nil {
		return nil, err
	}
	known, err := read(compile.KnownFile)
	if err != nil {
		return nil, err
	}
	archives := in.graph.Base.Name
	for _, repository := range in.graph.Toolchain.Repositories {
		archives += ", nor of the repository " + repository.Name
	}
	var out spec.Errors
	for _, p := range slices.Concat(in.graph.RuntimePackages(), in.graph.BuildPackages()) {
		name, _, _ := strings.Cut(p.Spec, "=")
		if !slices.Contains(unknown, name) || has(out, p.At) {
			continue
		}
		msg := "there is no package " + name + " in the archives of " + archives
		if near := nearNames(name, known); len(near) > 0 {
			msg += "; near names: " + strings.Join(near, ", ")
		}
		out = append(out, &spec.Error{File: in.graph.File, At: p.At, Msg: msg})
	}
	return out, nil
}

// nearNames are the names that are most like one: with a letter or two that differ,
// or with another version in them.
func nearNames(name string, known []string) []string {
	const most, farthest = 3, 2
	plain := withoutDigits(name)
	distance := func(other string) int {
		d := levenshtein.Distance(name, other, nil)
		if plain != name && withoutDigits(other) != other {
			d = min(d, 1+levenshtein.Distance(plain, withoutDigits(other), nil))
		}
		return d
	}
	type near struct {
		name string
		far  int
	}
	var list []near
	for _, other := range known {
		if d := distance(other); d <= farthest {
			list = append(list, near{other, d})
		}
	}
	slices.SortFunc(list, func(a, b near) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, n := range list[:min(most, len(list))] {
		out = append(out, n.name)
	}
	return out
}

func withoutDigits(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '.' {
			return -1
		}
		return r
	}, name)
}
