package scripts

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
)

// making makes the directory of a WORKDIR, for the user that holds there.
func making(o *commands.Op) string {
	if o.Step.Copy != nil || o.Step.Scope.Root() || o.Step.Scope.User == "" {
		return "mkdir -p " + notation.InShell(o.DirectoryText)
	}
	user, group, ok := strings.Cut(o.Step.Scope.User, ":")
	if !ok {
		group = `"$(id -g ` + user + ` 2>/dev/null || echo 0)"`
	}
	return fmt.Sprintf("[ -d %s ] || install -d -o %s -g %s %[1]s", notation.InShell(o.DirectoryText), user, group)
}

// placing are the commands that put files in their places.
func (g *generator) placing(o *commands.Op) []string {
	var out []string
	if o.Unpack {
		dest := notation.InShell(g.m.DestText(o.Step))
		out = append(out, "mkdir -p "+dest)
		for _, f := range o.Place {
			out = append(out, "tar -xf "+g.m.ContextFile(f)+" -C "+dest)
		}
		return out
	}
	for _, dir := range o.Wholes {
		source := notation.InShell(graph.ContextMount + "/" + g.m.ContextPath(o.Step, dir.Source, notation.Escaped))
		target := notation.InShell(g.m.TargetText(o.Step, dir.Target))
		out = append(out, "mkdir -p "+target, WholeLine(g.m.Ground, source, target))
	}
	for _, f := range o.Place {
		if o.IsWhole(f) {
			continue
		}
		if f.Mode&fs.ModeSymlink != 0 {
			to, err := fs.ReadLink(g.m.Bare, f.Source)
			if err == nil {
				target := g.m.TargetText(f.By, f.Target)
				out = append(out, "mkdir -p "+notation.InShell(path.Dir(target)), "ln -s "+notation.Quoted(to)+" "+notation.InShell(target))
			}
			continue
		}
		source, target := g.m.ContextFile(f), notation.InShell(g.m.TargetText(f.By, f.Target))
		install := fmt.Sprintf("install -D -m %s%s %s", modes.Octal(f.ImageMode), f.OwnerFlags(), source)
		if files.Ambiguous(f) {
			out = append(out, fmt.Sprintf("if [ -d %s ]; then %s -t %[1]s; else %[2]s %[1]s; fi", target, install))
			continue
		}
		out = append(out, install+" "+target)
	}
	return append(folders(o), out...)
}

// WholeLine copies what is in one directory into another, on the base of a stage.
// Busybox's cp keeps owners, which are those of a context that is an archive.
func WholeLine(s *dockerfile.StageReading, source, target string) string {
	if bases.Busybox(s) {
		return fmt.Sprintf("find %s -mindepth 1 -maxdepth 1 -exec cp -a {} %s/ \\;", source, strings.TrimSuffix(target, "/"))
	}
	return fmt.Sprintf("find %s -mindepth 1 -maxdepth 1 -exec cp -a --no-preserve=ownership -t %s {} +", source, target)
}

// folders make the directories of what a COPY gives an owner: those that it
// copies are the owner's in any case, those above them if they are new.
func folders(o *commands.Op) []string {
	if o.Step.Copy.Chown == "" {
		return nil
	}
	owners := map[string]string{}
	for _, f := range o.Place {
		for dir := path.Dir(f.Target); !paths.Everywhere(dir); dir = path.Dir(dir) {
			owners[dir] = f.OwnerFlags()
		}
	}
	var out []string
	dest := path.Clean(o.Step.Copy.Dest)
	for _, dir := range slices.Sorted(maps.Keys(owners)) {
		command := "install -d -m 0755" + owners[dir] + " " + notation.Quoted(dir)
		if dir == dest || !paths.Within(dir, dest) {
			command = "[ -d " + notation.Quoted(dir) + " ] || " + command
		}
		out = append(out, command)
	}
	return out
}
