package rules

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func copiedTwice() check.Rule {
	return check.Rule{
		Name:        "CopiedTwice",
		Severity:    check.Warning,
		Description: "A file is in one layer, with the mode and owner that it keeps.",
		Check:       checkCopiedTwice,
		Dockerfile:  checkCopiedTwiceInDockerfile,
	}
}

func checkCopiedTwice(p *check.Pass) {
	twoTargets(p)
	changedAtStart(p)
	if !squashed(p) {
		changedLater(p)
	}
}

// checkCopiedTwiceInDockerfile knows that what one RUN does is one layer.
func checkCopiedTwiceInDockerfile(p *check.Pass) {
	twoTargets(p)
	changedAtStart(p)
	for _, u := range p.Setup {
		if !p.Input.Dockerfile.Target[u.Node.Path] {
			continue
		}
		removed := removedBy(u)
		for s, c := range u.Calls() {
			for _, w := range changesOwner(c) {
				name, ok := w.Literal()
				if slices.ContainsFunc(removed, func(gone string) bool { return paths.Within(path.Clean(name), gone) }) {
					continue // it is in no layer of this step
				}
				if f := p.Input.Dockerfile.Copied[path.Clean(name)]; ok && f != nil && f.By != nil && f.By.Start < u.Node.At.Start.Line {
					p.Word(s, w, "%s is in the layer of its COPY already, and is in this one a second time; say --chown and --chmod there", name)
				} else if dir := path.Clean(name) + "/"; ok && hasCopied(p, dir, u.Node.At.Start.Line) && isRecursive(c) {
					p.Word(s, w, "what is copied to %s is in the layer of its COPY already, and is in this one a second time; say --chown and --chmod there", name)
				}
			}
		}
	}
	changedLater(p)
}

// removedBy are the paths that a program removes.
func removedBy(u *check.Unit) []string {
	var out []string
	for _, c := range u.Calls() {
		if c.Name == "rm" && !slices.ContainsFunc(c.Guards, func(g shell.Guard) bool { return g.Kind != shell.GuardAnd }) {
			for _, w := range check.Operands(c) {
				if name, ok := w.Literal(); ok && path.IsAbs(name) {
					out = append(out, path.Clean(name))
				}
			}
		}
	}
	return out
}

// hasCopied tells whether, above a line, files have been copied below a
// directory.
func hasCopied(p *check.Pass, dir string, line int) bool {
	for name, f := range p.Input.Dockerfile.Copied {
		if strings.HasPrefix(name, dir) && f.By != nil && f.By.Start < line {
			return true
		}
	}
	return false
}

// twoTargets reports files that are in the image by two names.
func twoTargets(p *check.Pass) {
	sources := map[string]graph.File{}
	type twice struct {
		at            spec.Range
		first, second graph.File
		more          int
	}
	var list []*twice // one of each COPY
	for f := range p.Input.EntrypointFiles() {
		first, ok := sources[f.Source]
		switch {
		case !ok:
			sources[f.Source] = f
			continue
		case first.Target == f.Target: // the later COPY takes the place of the first
			continue
		}
		at := f.At
		if at == (spec.Range{}) {
			at = first.At
		}
		if i := slices.IndexFunc(list, func(t *twice) bool { return t.at == at }); i >= 0 && p.Input.Dockerfile != nil {
			list[i].more++
			continue
		}
		list = append(list, &twice{at: at, first: first, second: f})
	}
	for _, t := range list {
		more := ""
		if t.more > 0 {
			more = fmt.Sprintf(", and %d more files are here twice", t.more)
		}
		p.File(t.at, "%s becomes both %s and %s%s; keep one, or make the other a link", t.first.Source, t.first.Target, t.second.Target, more)
	}
}

// changedAtStart reports copied files whose owner or mode a container changes.
func changedAtStart(p *check.Pass) {
	for s, c := range p.EntrypointCalls() {
		for _, w := range changesOwner(c) {
			name, ok := w.Literal()
			if f, copied := p.Targets[path.Clean(name)]; ok && copied && !entrypointWrites(p.Tree, path.Clean(name)) {
				p.Word(s, w, "%s is copied with mode %04o already; what is changed here is a second copy in every container; set mode and owner %s", name, f.Mode, p.Advice("in the build file", "at its COPY"))
			}
		}
	}
}

// squashed tells whether the chain becomes one layer, in which nothing is
// twice.
func squashed(p *check.Pass) bool {
	return len(p.Input.Graph.BuildArtifacts) > 0 || len(p.Input.Graph.Cleanup) > 0
}

// changedLater reports recursive changes of owner or mode of what an earlier
// script made: the layer repeats every file.
func changedLater(p *check.Pass) {
	chains := map[*dockerfile.StageReading]makers{}
	for _, u := range p.Setup {
		if u.Node.Isolated() {
			continue
		}
		stage := stageOf(p.Tree, u)
		made := chains[stage]
		if made == nil {
			made = makers{}
			if stage != nil {
				maps.Copy(made, chains[stage.On])
			}
			chains[stage] = made
		}
		for s, c := range u.Calls() {
			if !isRecursive(c) {
				continue
			}
			for _, w := range changesOwner(c) {
				if by := made.below(path.Clean(w.Value)); by != nil && w.Known && !oneLayer(p, by, u.Node) {
					p.Report(true, s.Path, check.Span(c.Pos, c.End), "%s was made by %s, and may be in the image a second time with this: set owner and mode there%s", w.Value, by.Path,
						p.Advice(", or add build_artifacts or final_cleanup, which make one layer of all scripts", ""))
				}
			}
		}
		for _, s := range u.Scripts {
			owned := map[shell.Pos]bool{} // a folder without files costs nothing
			for _, c := range s.Calls {
				if check.MakesNoFiles(c) || c.Name == "ln" || c.Name == "install" && makesDirectories(c) {
					for _, w := range c.Args {
						owned[w.Pos] = true
					}
				}
			}
			for _, ref := range s.Paths {
				if !ref.Glob && ref.Access != shell.AccessTest && ref.Access != shell.AccessDir && !owned[ref.Pos] && made[ref.Path] == nil {
					made[ref.Path] = u.Node
				}
			}
		}
	}
}

// oneLayer tells whether what two scripts do is in one layer.
func oneLayer(p *check.Pass, a, b *graph.Script) bool {
	return a == b || p.Input.Dockerfile != nil && a.At == b.At
}

// changesOwner are the paths whose owner or mode a command changes.
func changesOwner(c *shell.Call) []shell.Word {
	switch c.Name {
	case "chown", "chgrp", "chmod":
		if w := check.Operands(c); len(w) > 1 {
			return w[1:]
		}
	}
	return nil
}

// makesDirectories tells whether install makes directories rather than files.
func makesDirectories(c *shell.Call) bool {
	_, ok := check.HasFlag(c, 'd', "gmotS", "--directory")
	return ok
}

// isRecursive tells whether a change of owner or mode goes down a directory.
func isRecursive(c *shell.Call) bool {
	_, recursive := check.HasFlag(c, 'R', "", "--recursive")
	return recursive
}

// makers are the scripts that first speak of a path.
type makers map[string]*graph.Script

// below is the script that makes a path, or something below it; the first by the
// name of what it makes.
func (m makers) below(dir string) *graph.Script {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if paths.Within(name, dir) && dir != "/" {
			return m[name]
		}
	}
	return nil
}
