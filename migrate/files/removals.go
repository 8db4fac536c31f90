package files

import (
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// removals drops the commands that delete what the image does not have to begin
// with: setup scripts are mounted, not copied.
func (m *Classified) removals() {
	for _, o := range m.Ops {
		c := o.Single()
		if o.Gone || !o.Command() || c == nil || c.Name != "rm" && c.Name != "rmdir" || len(c.Redirects) > 0 || len(o.When) > 0 {
			continue
		}
		unwanted := func(w shell.Word) bool { return m.onlyMounted(o, w) }
		var operands []string
		for _, w := range c.Args {
			if !strings.HasPrefix(w.Value, "-") {
				operands = append(operands, w.Value)
			}
		}
		switch text := commands.Reduced(o.Text, c, unwanted); text {
		case o.Text:
		case "":
			m.Drop(o, "%s is not in the image to begin with: setup scripts and their files are mounted", strings.Join(operands, ", "))
		default:
			o.Text = text
			m.Record(o, report.Dropped, "setup scripts and their files are mounted, so the image does not have them to begin with")
		}
	}
}

// onlyMounted reports whether an operand stands for nothing but files that are
// not in the image.
func (m *Classified) onlyMounted(o *commands.Op, w shell.Word) bool {
	name := w.Value
	if !path.IsAbs(name) {
		name = path.Join(o.Dir, name)
	}
	name = path.Clean(name)
	found := false
	for _, f := range m.Copies {
		if !glob.Covers(name, f.Target) || !m.follows(o, f) {
			continue
		}
		if f.Class != commands.SetupOnly {
			return false
		}
		found = true
	}
	return found && (w.Glob || !paths.Shared(name)) && m.ownDir(name, o)
}
