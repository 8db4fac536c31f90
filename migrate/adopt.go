package migrate

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// adopt makes the build file's user of an account to which copied files belong,
// and whose number only a build would know. With a number of its own, its files
// are files of the entrypoint: an edit of one runs no setup.
func (m *migration) adopt(ops []*op) {
	name := m.owner(ops)
	if m.opt.KeepAccounts || name == "" || m.out.user != nil {
		return
	}
	by, group, ok := m.maker(name, ops)
	if !ok {
		return
	}
	u := &user{name: name, uid: firstSystemID, gid: firstSystemID, home: "/home/" + name}
	switch {
	case by != nil:
		a, _ := accountOf(by.one())
		if a.home != "" {
			u.home = a.home
		}
		u.uid = m.nextID(a.systemwide, by, ops)
		u.gid = u.uid
		u.notes = m.comments(by.step.Instruction)
		for _, used := range []*op{group, by} {
			if used != nil {
				used.gone = true
				m.went(used, Carried, "user")
			}
		}
	case name == "postgres":
		u.home = "/var/lib/postgresql"
	}
	m.out.user = u
	m.accounts.uids[name], m.accounts.gids[name], m.accounts.primary[name] = u.uid, u.gid, u.gid
	m.report.note("", "%s is the build file's user, with the number %d: so its files are entrypoint files, and an edit of one runs no setup. --keep-accounts leaves accounts to the scripts", name, u.uid)
	m.differAccounts(u.home)
}

// firstSystemID is what useradd --system gives first.
const firstSystemID = 999

// owner is the account with a name of which the Dockerfile says that copied files
// belong to it, and whose number is not known.
func (m *migration) owner(ops []*op) string {
	var names []string
	add := func(owner string) {
		name, _, _ := strings.Cut(owner, ":")
		_, known := m.accounts.uids[name]
		if _, err := strconv.Atoi(name); err != nil && name != "" && !known {
			names = append(names, name)
		}
	}
	for _, step := range m.chain {
		if step.Copy != nil && step.Copy.From == "" {
			add(step.Copy.Chown)
		}
	}
	for _, o := range ops {
		c := o.one()
		if !o.command() || c == nil || c.Name != "chown" {
			continue
		}
		if spec, operands, _, ok := modeArguments(c); ok && slices.ContainsFunc(operands, func(w shell.Word) bool { return o.hasFile(w.Value) }) {
			add(spec)
		}
	}
	if len(names) == 0 {
		return ""
	}
	if last := m.lastStep(isUser); last != nil {
		if user, ok := last.Command.(*instructions.UserCommand); ok && slices.Contains(names, user.User) {
			return user.User
		}
	} else if m.base == nil || m.base.User != "" && m.base.User != "root" {
		return "" // the container's user is the base's, whoever that is
	}
	return names[0]
}

func isUser(cmd any) bool {
	_, ok := cmd.(*instructions.UserCommand)
	return ok
}

// hasFile reports whether a path is a copied file, or has some below it.
func (o *op) hasFile(name string) bool {
	if !path.IsAbs(name) {
		name = path.Join(o.dir, name)
	}
	name = path.Clean(name)
	for at := range o.files {
		if paths.Within(at, name) || glob.Path(name, at) {
			return true
		}
	}
	return false
}

// maker is the command that makes an account, with the one that makes its group;
// nil where a script does that asks first whether it is there. ok is false
// where the account cannot be made before.
func (m *migration) maker(name string, ops []*op) (by, group *op, ok bool) {
	guarded := false
	for _, o := range ops {
		for _, c := range o.calls() {
			if renumbers(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Value == name }) {
				return nil, nil, false
			}
			a, is := accountOf(c)
			if !is || a.name != name {
				continue
			}
			own := o.command() && o.one() == c && len(c.Assigns)+len(c.Redirects)+len(o.when) == 0
			switch {
			case asked(c):
				guarded = true
			case !own || by != nil:
				return nil, nil, false
			case a.group && a.gid < 0 && a.plain:
				group = o
			case !a.group && a.plain && a.uid < 0 && a.gid < 0 && (a.groupName == "" || a.groupName == name) && (a.shell == "" || a.shell == "/bin/bash"):
				by = o
			default:
				return nil, nil, false
			}
		}
	}
	if by != nil {
		return by, group, true
	}
	return nil, nil, group == nil && guarded
}

// asked reports whether a call is made only where something says so, such as that
// there is no account of the name.
func asked(c *shell.Call) bool {
	return slices.ContainsFunc(c.Guards, func(g shell.Guard) bool { return g.Kind != shell.GuardAnd })
}

// nextID is the number that useradd would give to an account on the base.
func (m *migration) nextID(system bool, by *op, ops []*op) int {
	before := 0
	for _, o := range ops {
		if o == by {
			break
		}
		for _, c := range o.calls() {
			if a, ok := accountOf(c); ok && !a.group && a.uid < 0 && a.systemwide == system && c.Name == "useradd" {
				before++
			}
		}
	}
	if system {
		return firstSystemID - before
	}
	first := 1000
	if base, tag := nameAndTag(m.ground.Image); base == "ubuntu" && (tag == "latest" || tag == "" || tag >= "23.04" || strings.HasPrefix(tag, "noble")) {
		first = 1001 // the image has a user of its own
	}
	return first + before
}
