package rules

import "github.com/pgstrata/pgstrata/check"

func volatileBeforeStable() check.Rule {
	return check.Rule{
		Name:        "VolatileBeforeStable",
		Severity:    check.Warning,
		Description: "In the chain of setup scripts, what changes often comes last.",
		History:     true,
		Check:       checkVolatileBeforeStable,
		Dockerfile:  checkVolatileBeforeStableInDockerfile,
	}
}

// often is how many changes make the order of two files worth a word: fewer
// are no evidence.
const often = 10

func checkVolatileBeforeStable(p *check.Pass) {
	var chain []*check.Unit
	for _, u := range p.Setup {
		if !u.Node.Isolated() {
			chain = append(chain, u)
		}
	}
	for i, u := range chain {
		changes := changesOf(p.Tree, u)
		if changes < often {
			continue
		}
		after := 0
		for _, later := range chain[i+1:] {
			if changesOf(p.Tree, later)*2 < changes {
				after++
			}
		}
		if after > 0 {
			p.MayFile(u.Node.At, "%s changed %d times and each time the %d steadier scripts after it ran again; it may come after them, or be given outputs, so that they do not depend on it", u.Node.Path, changes, after)
		}
	}
}

// changesOf is how often one of a script's inputs changed.
func changesOf(t *check.Tree, u *check.Unit) int {
	n := 0
	for _, in := range u.Node.Inputs {
		n = max(n, t.Input.Changes[in.Path])
	}
	return n
}

// checkVolatileBeforeStableInDockerfile finds copies of what changes often that
// stay in front of a step, wherever a build could move them.
func checkVolatileBeforeStableInDockerfile(p *check.Pass) {
	seen := map[int]bool{}
	for _, c := range p.Input.Dockerfile.Volatile {
		if line := c.At.Start.Line; !seen[line] {
			seen[line] = true
			p.File(c.At, "each edit of %s runs the step of line %d again, which has no use for it; put that line above the COPY", c.Value, c.Run)
		}
	}
}
