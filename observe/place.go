package observe

// closure are, by a script's name, all scripts that it needs. Scripts are added
// after those that they need.
type closure map[string]map[string]bool

// add takes in that a script needs another one, and what that needs.
func (c closure) add(name, on string) {
	if c[name] == nil {
		c[name] = map[string]bool{}
	}
	c[name][on] = true
	for other := range c[on] {
		c[name][other] = true
	}
}

func (c closure) has(name, on string) bool { return c[name][on] }

// proposal puts each script into its place, with the needs that have to be
// written: of the chain only the last script, and nothing that an isolated one
// which it needs brings along, or that the chain holds.
func (d *derivation) proposal() *Proposal {
	isolated := map[string]bool{}
	for i, s := range d.Scripts {
		isolated[s.Name] = len(d.outputs[i]) > 0
	}
	var (
		out   = &Proposal{}
		brung = closure{}                    // what isolated scripts bring along
		held  = map[string]bool{}            // what the chain holds
		after = map[string]map[string]bool{} // the same after each of its scripts
	)
	for i, s := range d.Scripts {
		p := Placed{Name: s.Name, Path: s.Path, Cleanup: s.Cleanup, Declared: s.Isolated(), Outputs: d.outputs[i]}
		p.Auto = !p.Declared && len(p.Outputs) > maxOutputs
		p.Stays, p.Out = d.stays[s.Name].reason, d.stays[s.Name].out
		var last *Need // of the chain
		for _, need := range d.needs[i] {
			if isolated[need.On] {
				brung.add(s.Name, need.On)
			} else {
				last = &need
			}
		}
		has := held
		if isolated[s.Name] {
			has = nil
			if last != nil {
				has = after[last.On]
				p.Why = append(p.Why, *last)
			}
		}
		for _, need := range d.needs[i] {
			if isolated[need.On] && !has[need.On] && !d.brought(brung, isolated, i, need.On) {
				p.Why = append(p.Why, need)
			}
		}
		if s.Cleanup {
			p.Why = nil // it sees the chain
		}
		for _, need := range p.Why {
			p.Needs = append(p.Needs, need.On)
		}
		if p.Declared {
			p.Needs = s.Needs
		}
		if !isolated[s.Name] {
			held = with(held, brung[s.Name])
			after[s.Name] = held
		}
		out.Scripts = append(out.Scripts, p)
	}
	return out
}

// brought tells whether another need of a script brings one along.
func (d *derivation) brought(brung closure, isolated map[string]bool, index int, name string) bool {
	for _, by := range d.needs[index] {
		if by.On != name && isolated[by.On] && brung.has(by.On, name) {
			return true
		}
	}
	return false
}

func with(a, b map[string]bool) map[string]bool {
	out := map[string]bool{}
	for name := range a {
		out[name] = true
	}
	for name := range b {
		out[name] = true
	}
	return out
}

// Depth is how many scripts at most run one after another.
func (p *Proposal) Depth() int {
	depth, deepest, chain := map[string]int{}, 0, ""
	for _, s := range p.Scripts {
		on := 0
		for _, name := range s.Needs {
			on = max(on, depth[name])
		}
		if !s.Isolated() {
			on = max(on, depth[chain])
			chain = s.Name
		}
		depth[s.Name] = on + 1
		deepest = max(deepest, on+1)
	}
	return deepest
}
