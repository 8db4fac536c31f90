package check

func volatileBeforeStable() Rule {
	return Rule{
		Name:        "VolatileBeforeStable",
		Severity:    Warning,
		Description: "In the chain of setup scripts, what changes often comes last.",
		history:     true,
		check:       checkVolatileBeforeStable,
		dockerfile:  checkVolatileBeforeStableInDockerfile,
	}
}

// often is how many changes make the order of two files worth a word: fewer
// are no evidence.
const often = 10

func checkVolatileBeforeStable(p *pass) {
	var chain []*unit
	for _, u := range p.setup {
		if !u.node.Isolated() {
			chain = append(chain, u)
		}
	}
	for i, u := range chain {
		changes := p.changesOf(u)
		if changes < often {
			continue
		}
		after := 0
		for _, later := range chain[i+1:] {
			if p.changesOf(later)*2 < changes {
				after++
			}
		}
		if after > 0 {
			p.mayFile(u.node.At, "%s changed %d times and each time the %d steadier scripts after it ran again; it may come after them, or be given outputs, so that they do not depend on it", u.node.Path, changes, after)
		}
	}
}

// changesOf is how often one of a script's inputs changed.
func (t *tree) changesOf(u *unit) int {
	n := 0
	for _, in := range u.node.Inputs {
		n = max(n, t.in.Changes[in.Path])
	}
	return n
}

// checkVolatileBeforeStableInDockerfile finds copies of what changes often that
// stay in front of a step, wherever a build could move them.
func checkVolatileBeforeStableInDockerfile(p *pass) {
	seen := map[int]bool{}
	for _, c := range p.in.dockerfile.volatile {
		if line := c.At.Start.Line; !seen[line] {
			seen[line] = true
			p.file(c.At, "each edit of %s runs the step of line %d again, which has no use for it; put that line above the COPY", c.Value, c.run)
		}
	}
}
