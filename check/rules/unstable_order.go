package rules

import (
	"strings"

	"github.com/pgstrata/pgstrata/check"
)

func unstableOrder() check.Rule {
	return check.Rule{
		Name:        "UnstableOrder",
		Severity:    check.Warning,
		Description: "Entrypoint files are in the class that fits how often they change.",
		History:     true,
		Check:       checkUnstableOrder,
	}
}

func checkUnstableOrder(p *check.Pass) {
	classes := p.Input.Graph.Entrypoint
	for i, c := range classes {
		for _, f := range c.Files {
			changes := p.Input.Changes[f.Source]
			if changes < often || c.Name == "configuration" { // those have no other class to go to
				continue
			}
			steadier := ""
			for _, later := range classes[i+1:] {
				if later.Name == "entrypoint" {
					continue
				}
				most := 0
				for _, g := range later.Files {
					most = max(most, p.Input.Changes[g.Source])
				}
				if most*2 < changes {
					steadier = later.Name
				}
			}
			if steadier != "" {
				p.MayFile(f.At, "%s changed %d times, more than all of the %s scripts, and pushes the other %s along each time; it may belong among %s_scripts", f.Source, changes, steadier, c.Name, strings.TrimSuffix(steadier, "s"))
			}
		}
	}
}
