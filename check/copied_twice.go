package check

import (
	"path"
	"strings"

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
		dockerfile:  checkCopiedTwiceInDockerfile,
	}
}

func checkCopiedTwice(p *pass) {
	p.twoTargets()
	p.changedAtStart()
	if !p.squashed() {
		p.changedLater()
	}
}

// checkCopiedTwiceInDockerfile knows that what one RUN does is one layer.
func checkCopiedTwiceInDockerfile(p *pass) {
	p.twoTargets()
	p.changedAtStart()
	for _, u := range p.setup {
		for s, c := range u.calls() {
			for _, w := range changesOwner(c) {
				name, ok := w.Literal()
				if f := p.in.dockerfile.copied[path.Clean(name)]; ok && f != nil {
					p.word(s, w, "%s is in the layer of its COPY already, and is in this one a second time; say --chown and --chmod there", name)
				} else if dir := path.Clean(name) + "/"; ok && p.hasCopied(dir) {
					p.word(s, w, "what is copied to %s is in the layer of its COPY already, and is in this one a second time; say --chown and --chmod there", name)
				}
			}
		}
	}
	p.changedLater()
}

// hasCopied tells whether copied files are below a directory.
func (p *pass) hasCopied(dir string) bool {
	for name := range p.in.dockerfile.copied {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// twoTargets reports files that are in the image by two names.
func (p *pass) twoTargets() {
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
}

// changedAtStart reports copied files whose owner or mode a container changes.
func (p *pass) changedAtStart() {
	for s, c := range p.entrypointCalls() {
		for _, w := range changesOwner(c) {
			name, ok := w.Literal()
			if f, copied := p.targets[path.Clean(name)]; ok && copied {
				p.word(s, w, "%s is copied with mode %04o already; what is changed here is a second copy in every container; set mode and owner %s", name, f.Mode, p.how("in the build file", "at its COPY"))
			}
		}
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
	made := map[string]*graph.Script{}
	for _, u := range p.setup {
		if u.node.Isolated() {
			continue
		}
		for s, c := range u.calls() {
			if _, recursive := hasFlag(c, 'R', "", "--recursive"); !recursive {
				continue
			}
			for _, w := range changesOwner(c) {
				if by := made[path.Clean(w.Value)]; by != nil && w.Known && !p.oneLayer(by, u.node) {
					p.report(true, s.Path, span(c.Pos, c.End), "%s was made by %s, and may be in the image a second time with this: set owner and mode there%s", w.Value, by.Path,
						p.how(", or add build_artifacts or final_cleanup, which make one layer of all scripts", ""))
				}
			}
		}
		for _, s := range u.scripts {
			for _, ref := range s.Paths {
				if !ref.Glob && ref.Access != shell.AccessTest {
					if made[ref.Path] == nil {
						made[ref.Path] = u.node
					}
				}
			}
		}
	}
}

// oneLayer tells whether what two scripts do is in one layer.
func (p *pass) oneLayer(a, b *graph.Script) bool {
	return a == b || p.in.dockerfile != nil && a.At == b.At
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
