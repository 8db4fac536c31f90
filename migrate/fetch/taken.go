package fetch

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Taken is what an instruction copies from another stage.
type Taken struct {
	Step    *dockerfile.Step
	Outputs []buildfile.Output
	// Moves are commands that bring the files to where they are wanted.
	Moves []string
}

// Take reads a COPY --from of a stage; nil when it cannot be carried over.
func (m *Fetcher) Take(step *dockerfile.Step) *Taken {
	c := step.Copy
	t := &Taken{Step: step}
	lost := func(why string) *Taken {
		m.Report.Record(step.Start, report.Lost, "%s", why)
		return nil
	}
	if cmd, ok := step.Command.(*instructions.CopyCommand); ok && (len(cmd.ExcludePatterns) > 0 || cmd.Parents) {
		return lost("its flags cannot be carried over")
	}
	dest := m.DestText(step)
	for n, source := range c.Sources {
		from, fromText := path.Clean("/"+source), "/"+m.SourceText(step, n)
		dir, known := m.takesFolder(c, source)
		switch {
		case strings.Contains(c.Dest+source, `\`):
			return lost("it is a path of Windows")
		case c.Dest == "" || from == "/" || c.Dest == "/" && dir:
			return lost("it copies everything; name the paths that the stage makes")
		case glob.Has(from):
			o := buildfile.Output{Path: notation.Escaped(from)}
			if path.Dir(from) != path.Clean(c.Dest) {
				if glob.Has(path.Dir(from)) {
					return lost("a pattern of folders whose files go elsewhere cannot be an output")
				}
				o = buildfile.Output{Path: path.Join(dest, path.Base(notation.Escaped(from))), From: notation.Escaped(from), Into: strings.TrimSuffix(dest, "/") + "/"}
			}
			t.Outputs = append(t.Outputs, o)
		case !known && !intoFolder(c): // one path either way
			t.Outputs = append(t.Outputs, buildfile.Output{Path: dest})
			if path.Clean(c.Dest) != from {
				t.Moves = append(t.Moves, copyLine("", notation.InShell(fromText), notation.InShell(dest), false))
			}
		case dir:
			to := path.Clean(c.Dest)
			t.Outputs = append(t.Outputs, buildfile.Output{Path: dest})
			if to != from {
				t.Moves = append(t.Moves, fmt.Sprintf("mkdir -p %s", notation.InShell(dest)), fmt.Sprintf("cp -a %s/. %s/", notation.InShell(fromText), notation.InShell(dest)))
			}
		default:
			to, toText := path.Clean(c.Dest), dest
			if intoFolder(c) {
				to, toText = path.Join(c.Dest, path.Base(from)), path.Join(dest, path.Base(fromText))
			}
			t.Outputs = append(t.Outputs, buildfile.Output{Path: toText})
			if to != from {
				t.Moves = append(t.Moves, fmt.Sprintf("mkdir -p %s", notation.InShell(path.Dir(toText))), fmt.Sprintf("cp -a %s %s", notation.InShell(fromText), notation.InShell(toText)))
			}
		}
	}
	for i := range t.Outputs {
		o := &t.Outputs[i]
		if c.Chown != "" {
			m.RootsFolders(o.Path, paths.Everywhere)
		}
		at := notation.InShell(o.Path)
		if pattern := cmp.Or(o.From, o.Path); glob.Has(pattern) { // the shell finds the files
			at = pattern
		}
		o.Owner = m.ownerOf(c.Chown) // where it is none, see owned
		if c.Chmod != "" {
			t.Moves = append(t.Moves, "chmod -R "+notation.Quoted(c.Chmod)+" "+at)
		}
	}
	return t
}

// ownerOf is the owner that a COPY gives, where a build file can name it: "" where
// only the image has the account.
func (m *Fetcher) ownerOf(chown string) string {
	uid, gid, ok := m.Accounts.Owner(chown, true)
	if !ok || uid < 0 || gid < 0 {
		return ""
	}
	return m.OwnerText(uid, gid)
}

// WithGroup is an owner as chown takes it: of a name alone, COPY means the group
// that the account has; of a number, the group of that number.
func WithGroup(chown string) string {
	switch {
	case strings.Contains(chown, ":"):
		return notation.Quoted(chown)
	case strings.Trim(chown, "0123456789") == "":
		return chown + ":" + chown
	}
	return notation.Quoted(chown + ":")
}

// GivesLater reports whether commands have to give what a COPY takes of a stage to
// its owner: those of the chain, since it is an account that the stage does not have.
func (m *Fetcher) GivesLater(c *dockerfile.Copy) bool {
	return c.Chown != "" && m.ownerOf(c.Chown) == ""
}

// Owned gives what a COPY takes of a stage to its owner, where its stage cannot.
func (m *Fetcher) Owned(step *dockerfile.Step) *commands.Op {
	c := step.Copy
	if c.Stage == nil || m.FromOutside(c) || !m.GivesLater(c) {
		return nil
	}
	t := m.Take(step)
	if t == nil {
		return nil
	}
	return &commands.Op{Step: step, Dir: "/", Fetched: t.Giving()}
}

// Giving are the commands that give what was taken to its owner.
func (t *Taken) Giving() []string {
	var out []string
	for _, o := range t.Outputs {
		at := notation.InShell(o.Path)
		if glob.Has(o.Path) { // the shell finds the files
			at = o.Path
		}
		out = append(out, fmt.Sprintf("chown -R %s %s", WithGroup(t.Step.Copy.Chown), at))
	}
	return out
}

// intoFolder reports whether a COPY puts files into a folder: where that is said,
// or where every image has one.
func intoFolder(c *dockerfile.Copy) bool {
	return strings.HasSuffix(c.Dest, "/") || len(c.Sources) > 1 || paths.Everywhere(path.Clean(c.Dest))
}

// takesFolder tells whether a path of a stage is a directory: by its slash, or by what
// the stage does with it. Else it is a guess, by where it goes and by its name.
func (m *Fetcher) takesFolder(c *dockerfile.Copy, source string) (dir, known bool) {
	s := c.Stage
	name := path.Clean("/" + source)
	if strings.HasSuffix(source, "/") || name == "/" {
		return true, true
	}
	for _, step := range s.All() {
		if step.Copy != nil {
			for _, f := range step.Copy.Files {
				if f.Target == name {
					return false, true
				}
				if paths.Within(f.Target, name) {
					return true, true
				}
			}
		}
		for _, p := range step.Programs() {
			for _, script := range p.Closure() {
				for _, r := range script.Paths {
					if r.Path != name && paths.Within(r.Path, name) {
						return true, true
					}
					if r.Path == name && (r.Access == shell.AccessWrite || r.Access == shell.AccessRead) {
						return false, true
					}
				}
				for _, c := range script.Calls {
					if c.Name == "mkdir" && c.HasArg(name) {
						return true, true
					}
				}
			}
		}
	}
	base := path.Base(name)
	if intoFolder(c) && path.Base(c.Dest) != base { // a file goes into a directory
		return false, false
	}
	return path.Ext(base) == "" && path.Base(path.Dir(name)) != "bin" && path.Base(path.Dir(name)) != "sbin", false
}

// Here are the commands that do in the script itself what its outputs would say.
func (t *Taken) Here() []string {
	out := slices.Clone(t.Moves)
	for _, o := range t.Outputs {
		if o.Into != "" {
			out = append(out, "mkdir -p "+notation.InShell(o.Into), fmt.Sprintf("cp -a %s %s", o.From, notation.InShell(o.Into)))
		}
		if o.Owner != "" {
			out = append(out, fmt.Sprintf("chown -R %s %s", o.Owner, o.Path))
		}
	}
	return out
}
