package migrate

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// taken is what an instruction copies from another stage.
type taken struct {
	step    *dockerfile.Step
	outputs []output
	// moves are commands that bring the files to where they are wanted.
	moves []string
}

// take reads a COPY --from of a stage; nil when it cannot be carried over.
func (m *fetcher) take(step *dockerfile.Step) *taken {
	c := step.Copy
	t := &taken{step: step}
	lost := func(why string) *taken {
		m.report.went(step.Start, Lost, "%s", why)
		return nil
	}
	if cmd, ok := step.Command.(*instructions.CopyCommand); ok && (len(cmd.ExcludePatterns) > 0 || cmd.Parents) {
		return lost("its flags cannot be carried over")
	}
	dest := m.destText(step)
	for n, source := range c.Sources {
		from, fromText := path.Clean("/"+source), "/"+m.sourceText(step, n)
		dir, known := m.takesFolder(c, source)
		switch {
		case strings.Contains(c.Dest+source, `\`):
			return lost("it is a path of Windows")
		case c.Dest == "" || from == "/" || c.Dest == "/" && dir:
			return lost("it copies everything; name the paths that the stage makes")
		case glob.Has(from):
			o := output{path: escaped(from)}
			if path.Dir(from) != path.Clean(c.Dest) {
				if glob.Has(path.Dir(from)) {
					return lost("a pattern of folders whose files go elsewhere cannot be an output")
				}
				o = output{path: path.Join(dest, path.Base(escaped(from))), from: escaped(from), into: strings.TrimSuffix(dest, "/") + "/"}
			}
			t.outputs = append(t.outputs, o)
		case !known && !intoFolder(c): // one path either way
			t.outputs = append(t.outputs, output{path: dest})
			if path.Clean(c.Dest) != from {
				t.moves = append(t.moves, copyLine("", inShell(fromText), inShell(dest), false))
			}
		case dir:
			to := path.Clean(c.Dest)
			t.outputs = append(t.outputs, output{path: dest})
			if to != from {
				t.moves = append(t.moves, fmt.Sprintf("mkdir -p %s", inShell(dest)), fmt.Sprintf("cp -a %s/. %s/", inShell(fromText), inShell(dest)))
			}
		default:
			to, toText := path.Clean(c.Dest), dest
			if intoFolder(c) {
				to, toText = path.Join(c.Dest, path.Base(from)), path.Join(dest, path.Base(fromText))
			}
			t.outputs = append(t.outputs, output{path: toText})
			if to != from {
				t.moves = append(t.moves, fmt.Sprintf("mkdir -p %s", inShell(path.Dir(toText))), fmt.Sprintf("cp -a %s %s", inShell(fromText), inShell(toText)))
			}
		}
	}
	for i := range t.outputs {
		o := &t.outputs[i]
		if c.Chown != "" {
			m.rootsFolders(o.path, paths.Everywhere)
		}
		at := inShell(o.path)
		if pattern := cmp.Or(o.from, o.path); glob.Has(pattern) { // the shell finds the files
			at = pattern
		}
		o.owner = m.ownerOf(c.Chown) // where it is none, see owned
		if c.Chmod != "" {
			t.moves = append(t.moves, "chmod -R "+quoted(c.Chmod)+" "+at)
		}
	}
	return t
}

// ownerOf is the owner that a COPY gives, where a build file can name it: "" where
// only the image has the account.
func (m *fetcher) ownerOf(chown string) string {
	uid, gid, ok := m.accounts.owner(chown, true)
	if !ok || uid < 0 || gid < 0 {
		return ""
	}
	return m.ownerText(uid, gid)
}

// withGroup is an owner as chown takes it: of a name alone, COPY means the group
// that the account has; of a number, the group of that number.
func withGroup(chown string) string {
	switch {
	case strings.Contains(chown, ":"):
		return quoted(chown)
	case strings.Trim(chown, "0123456789") == "":
		return chown + ":" + chown
	}
	return quoted(chown + ":")
}

// givesLater reports whether commands have to give what a COPY takes of a stage to
// its owner: those of the chain, since it is an account that the stage does not have.
func (m *fetcher) givesLater(c *dockerfile.Copy) bool {
	return c.Chown != "" && m.ownerOf(c.Chown) == ""
}

// owned gives what a COPY takes of a stage to its owner, where its stage cannot.
func (m *fetcher) owned(step *dockerfile.Step) *op {
	c := step.Copy
	if c.Stage == nil || m.fromOutside(c) || !m.givesLater(c) {
		return nil
	}
	t := m.take(step)
	if t == nil {
		return nil
	}
	return &op{step: step, dir: "/", fetched: t.giving()}
}

// giving are the commands that give what was taken to its owner.
func (t *taken) giving() []string {
	var out []string
	for _, o := range t.outputs {
		at := inShell(o.path)
		if glob.Has(o.path) { // the shell finds the files
			at = o.path
		}
		out = append(out, fmt.Sprintf("chown -R %s %s", withGroup(t.step.Copy.Chown), at))
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
func (m *fetcher) takesFolder(c *dockerfile.Copy, source string) (dir, known bool) {
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
