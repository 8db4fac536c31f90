package migrate

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
)

// making makes the directory of a WORKDIR, for the user that holds there.
func making(o *op) string {
	if o.step.Copy != nil || o.step.Scope.Root() || o.step.Scope.User == "" {
		return "mkdir -p " + inShell(o.madeText)
	}
	user, group, ok := strings.Cut(o.step.Scope.User, ":")
	if !ok {
		group = `"$(id -g ` + user + ` 2>/dev/null || echo 0)"`
	}
	return fmt.Sprintf("[ -d %s ] || install -d -o %s -g %s %[1]s", inShell(o.madeText), user, group)
}

// placing are the commands that put files in their places.
func (g *generator) placing(o *op) []string {
	var out []string
	if o.unpack {
		dest := inShell(g.m.destText(o.step))
		out = append(out, "mkdir -p "+dest)
		for _, f := range o.place {
			out = append(out, "tar -xf "+g.m.contextFile(f)+" -C "+dest)
		}
		return out
	}
	for _, dir := range o.wholes {
		source := inShell(graph.ContextMount + "/" + g.m.contextPath(o.step, dir.source, escaped))
		target := inShell(g.m.targetText(o.step, dir.target))
		out = append(out, "mkdir -p "+target, wholeLine(g.m.ground, source, target))
	}
	for _, f := range o.place {
		if o.isWhole(f) {
			continue
		}
		if f.Mode&fs.ModeSymlink != 0 {
			to, err := fs.ReadLink(g.m.context, f.Source)
			if err == nil {
				target := g.m.targetText(f.By, f.Target)
				out = append(out, "mkdir -p "+inShell(path.Dir(target)), "ln -s "+quoted(to)+" "+inShell(target))
			}
			continue
		}
		source, target := g.m.contextFile(f), inShell(g.m.targetText(f.By, f.Target))
		install := fmt.Sprintf("install -D -m %s%s %s", modes.Octal(f.mode), f.ownerFlags(), source)
		if ambiguous(f) {
			out = append(out, fmt.Sprintf("if [ -d %s ]; then %s -t %[1]s; else %[2]s %[1]s; fi", target, install))
			continue
		}
		out = append(out, install+" "+target)
	}
	return append(folders(o), out...)
}

// wholeLine copies what is in one directory into another, on the base of a stage.
// Busybox's cp keeps owners, which are those of a context that is an archive.
func wholeLine(s *dockerfile.StageReading, source, target string) string {
	if hasBusybox(s) {
		return fmt.Sprintf("find %s -mindepth 1 -maxdepth 1 -exec cp -a {} %s/ \\;", source, strings.TrimSuffix(target, "/"))
	}
	return fmt.Sprintf("find %s -mindepth 1 -maxdepth 1 -exec cp -a --no-preserve=ownership -t %s {} +", source, target)
}

// whole is a directory of the context all of whose files go to another one.
type whole struct{ source, target string }

// isWhole reports whether a file goes along with its directory.
func (o *op) isWhole(f *copied) bool {
	return slices.ContainsFunc(o.wholes, func(dir whole) bool { return paths.Below(f.Source, dir.source) })
}

// wholesOf are the directories of which an op puts all files into the image as they are: what
// is added to them later goes along, as it did. None gets generated scripts.
func (m *contents) wholesOf(o *op) []whole {
	bySource := map[string][]*copied{}
	for _, f := range o.place {
		bySource[f.Source] = append(bySource[f.Source], f)
	}
	asItIs := func(f *copied) bool {
		return !ambiguous(f) && f.ownerFlags() == "" && (f.mode == f.Mode || f.Mode&fs.ModeSymlink != 0)
	}
	generated := m.scriptsDir()
	var out []whole
	for _, f := range o.place {
		var found *whole
		for dir, target := path.Dir(f.Source), path.Dir(f.Target); dir != "." && !paths.Within(generated, dir) && len(m.tree(f, dir, target, bySource, asItIs)) > 0; dir, target = path.Dir(dir), path.Dir(target) {
			found = &whole{dir, target}
			if path.Base(dir) != path.Base(target) {
				break
			}
		}
		if found != nil && !slices.Contains(out, *found) {
			out = append(out, *found)
		}
	}
	return out
}

// oneByOne notes that a script copies files of a directory, or of a pattern, each by
// its name.
func (m *contents) oneByOne(o *op) {
	left := slices.ContainsFunc(o.place, func(f *copied) bool { return !o.isWhole(f) })
	if left && slices.ContainsFunc(o.step.Copy.Sources, func(source string) bool {
		return glob.Has(source) || m.isDir(paths.Inside(source))
	}) {
		m.report.note(m.where(o.line()), "a generated script copies its files one by one: one that is added later has to be added there")
	}
}

// contextFile is a copied file where a setup script finds it.
func (m *counted) contextFile(f *copied) string {
	return inShell(graph.ContextMount + "/" + m.contextPath(f.By, f.Source, escaped))
}

// refersTo are the args that the paths of an op are made of.
func (m *counted) refersTo(o *op) []string {
	texts := []string{o.madeText}
	for _, f := range o.place {
		texts = append(texts, m.contextText(f.By, f.Source), m.targetText(f.By, f.Target), f.owner)
	}
	if o.text != "" {
		texts = append(texts, m.dirText(o.step))
	}
	texts = append(texts, o.fetched...)
	var out []string
	for _, text := range texts {
		out = append(out, referred(text)...)
	}
	return out
}

// folders make the directories of what a COPY gives an owner: those that it
// copies are the owner's in any case, those above them if they are new.
func folders(o *op) []string {
	if o.step.Copy.Chown == "" {
		return nil
	}
	owners := map[string]string{}
	for _, f := range o.place {
		for dir := path.Dir(f.Target); !paths.Everywhere(dir); dir = path.Dir(dir) {
			owners[dir] = f.ownerFlags()
		}
	}
	var out []string
	dest := path.Clean(o.step.Copy.Dest)
	for _, dir := range slices.Sorted(maps.Keys(owners)) {
		command := "install -d -m 0755" + owners[dir] + " " + quoted(dir)
		if dir == dest || !paths.Within(dir, dest) {
			command = "[ -d " + quoted(dir) + " ] || " + command
		}
		out = append(out, command)
	}
	return out
}

// ownerFlags are what install is told of the owner. A name whose number only a
// build knows stays a name, which stands for what it does at that place.
func (f *copied) ownerFlags() string {
	if user, group, ok := strings.Cut(f.owner, ":"); ok {
		return " -o " + inShell(user) + " -g " + inShell(group)
	}
	switch user, group, _ := strings.Cut(f.unowned, ":"); {
	case f.unowned == "" && f.uid == 0 && f.gid == 0:
		return ""
	case f.unowned == "":
		return fmt.Sprintf(" -o %d -g %d", f.uid, f.gid)
	case user == "":
		return " -g " + quoted(group)
	case group == "":
		return fmt.Sprintf(` -o %s -g "$(id -g %[1]s)"`, quoted(user))
	default:
		return " -o " + quoted(user) + " -g " + quoted(group)
	}
}
