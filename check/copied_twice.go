package check

import (
	"path"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

func copiedTwice() Rule {
	return Rule{
		Name:        "CopiedTwice",
		Severity:    Warning,
		Description: "A file is in one layer, with the mode and owner that it keeps.",
		check:       checkCopiedTwice,
	}
}

func checkCopiedTwice(p *pass) {
	sources := map[string]graph.File{}
	for f := range p.in.entrypointFiles() {
		first, ok := sources[f.Source]
		if !ok {
			sources[f.Source] = f
			continue
		}
		at := f.At
		if at == (spec.Range{}) {
			at = first.At
		}
		p.file(at, "%s becomes both %s and %s; keep one, or make the other a link", f.Source, first.Target, f.Target)
	}
	for s, c := range p.entrypointCalls() {
		for _, w := range changesOwner(c) {
			name, ok := w.Literal()
			if f, copied := p.targets[path.Clean(name)]; ok && copied {
				p.word(s, w, "%s is copied with mode %04o already; what is changed here is a second copy in every container; set mode and owner in the build file", name, f.Mode)
			}
		}
	}
	if !p.squashed() {
		p.changedLater()
	}
}

// squashed tells whether the chain becomes one layer, in which nothing is
// twice.
func (p *pass) squashed() bool {
	return len(p.in.Graph.BuildArtifacts) > 0 || len(p.in.Graph.Cleanup) > 0
}

// changedLater reports recursive changes of owner or mode of what an earlier
// script made: the layer repeats every file.
func (p *pass) changedLater() {
	made := map[string]string{}
	for _, u := range p.setup {
		if u.node.Isolated() {
			continue
		}
		for s, c := range u.calls() {
			if _, recursive := hasFlag(c, 'R', "", "--recursive"); !recursive {
				continue
			}
			for _, w := range changesOwner(c) {
				if by, ok := made[path.Clean(w.Value)]; ok && w.Known && by != u.node.Path {
					p.report(true, s.Path, span(c.Pos, c.End), "%s was made by %s, and may be in the image a second time with this: set owner and mode there, or add build_artifacts or final_cleanup, which make one layer of all scripts", w.Value, by)
				}
			}
		}
		for _, s := range u.scripts {
			for _, ref := range s.Paths {
				if !ref.Glob && ref.Access != shell.AccessTest {
					if _, ok := made[ref.Path]; !ok {
						made[ref.Path] = u.node.Path
					}
				}
			}
		}
	}
}

// changesOwner are the paths whose owner or mode a command changes.
func changesOwner(c *shell.Call) []shell.Word {
	switch c.Name {
	case "chown", "chgrp", "chmod":
		if w := operands(c); len(w) > 1 {
			return w[1:]
		}
	}
	return nil
}
