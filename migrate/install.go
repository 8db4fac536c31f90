package migrate

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/graph"
)

// making makes the directory of a WORKDIR, for the user that holds there.
func making(o *op) string {
	if o.step.Scope.Root() || o.step.Scope.User == "" {
		return "mkdir -p " + quoted(o.made)
	}
	user, group, ok := strings.Cut(o.step.Scope.User, ":")
	if !ok {
		group = `"$(id -g ` + user + ` 2>/dev/null || echo 0)"`
	}
	return fmt.Sprintf("[ -d %s ] || install -d -o %s -g %s %[1]s", quoted(o.made), user, group)
}

// placing are the commands that put files in their places.
func (g *generator) placing(o *op) []string {
	var out []string
	if o.unpack {
		out = append(out, "mkdir -p "+quoted(o.dest))
		for _, f := range o.place {
			out = append(out, "tar -xf "+quoted(path.Join(graph.ContextMount, f.Source))+" -C "+quoted(o.dest))
		}
		return out
	}
	for _, f := range o.place {
		if f.Mode&fs.ModeSymlink != 0 {
			to, err := fs.ReadLink(g.m.opt.Dockerfile.Context, f.Source)
			if err == nil {
				out = append(out, "mkdir -p "+quoted(path.Dir(f.Target)), "ln -s "+quoted(to)+" "+quoted(f.Target))
			}
			continue
		}
		out = append(out, fmt.Sprintf("install -D -m %s%s %s %s", octal(f.mode), f.ownerFlags(), quoted(path.Join(graph.ContextMount, f.Source)), quoted(f.Target)))
	}
	return append(folders(o), out...)
}

// folders make the directories of what a COPY gives an owner: those that it
// copies are the owner's in any case, those above them if they are new.
func folders(o *op) []string {
	if o.step.Copy.Chown == "" {
		return nil
	}
	owners := map[string]string{}
	for _, f := range o.place {
		for dir := path.Dir(f.Target); !isSystem(dir); dir = path.Dir(dir) {
			owners[dir] = f.ownerFlags()
		}
	}
	var out []string
	dest := path.Clean(o.step.Copy.Dest)
	for _, dir := range keys(owners) {
		command := "install -d -m 0755" + owners[dir] + " " + quoted(dir)
		if dir == dest || !dockerfile.Within(dir, dest) {
			command = "[ -d " + quoted(dir) + " ] || " + command
		}
		out = append(out, command)
	}
	return out
}

// ownerFlags are what install is told of the owner. A name whose number only a
// build knows stays a name, which stands for what it does at that place.
func (f *copied) ownerFlags() string {
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
