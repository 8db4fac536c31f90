package migrate

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// adopt makes accounts of the build file of those to which copied files belong, and
// whose numbers only a build would know. With numbers of their own, their files are
// files of the entrypoint: an edit of one runs no setup.
func (m *owners) adopt() {
	for _, name := range m.owners() {
		key, what := "accounts", "one of the build file's accounts"
		if m.out.user == nil && m.setsUser() {
			key, what = "user", "the build file's user"
		}
		u := m.adopted(name, key)
		switch {
		case u == nil:
			continue
		case key == "user":
			m.out.user = u
		default:
			m.out.accounts = append(m.out.accounts, u)
		}
		m.accounts.uids[name], m.accounts.primary[name] = u.uid, u.gid
		if u.gid != nogroupOfBusybox {
			m.accounts.gids[name] = u.gid
		}
		m.report.note("", "%s is %s, with the number %d: so its files are entrypoint files, and an edit of one runs no setup. --keep-accounts leaves accounts to the scripts", name, what, u.uid)
		m.differAccounts(u.home)
	}
}

// adopted is the build file's account of a name, for a key of it; nil where it cannot
// be made before all else.
func (m *owners) adopted(name, key string) *user {
	by, group, ok := m.maker(name)
	switch {
	case !ok || !spec.IsUserName(name):
		return nil
	case by != nil:
		a, _ := accountOf(by.one(), m.busybox)
		u := m.newUser(a, by)
		u.uid, u.gid = m.nextID(a, by)
		for _, used := range []*op{group, by} {
			if used != nil {
				used.gone = true
				m.went(used, Carried, "%s", key)
			}
		}
		return u
	}
	u := &user{name: name, uid: m.firstSystemID(), home: "/home/" + name}
	for m.takenID(u.uid) {
		u.uid--
	}
	u.gid = u.uid
	if name == "postgres" {
		u.home = "/var/lib/postgresql"
	}
	return u
}

// installsServer is the distribution whose package of PostgreSQL's server a command
// installs, "" for none.
func installsServer(c *shell.Call) check.Distribution {
	if check.InstallsPackages(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return check.IsServerPackage(w.Value) }) {
		return check.Packager(c)
	}
	return ""
}

// firstSystemID is what useradd --system gives first. Images of Red Hat's have some
// accounts of that kind, so it is one that none of them has.
func (m *owners) firstSystemID() int {
	if check.NamedDistribution(m.ground.Image) == check.RedHat {
		return 900
	}
	return 999
}

func (m *owners) takenID(id int) bool {
	return slices.ContainsFunc(m.out.users(), func(u *user) bool { return u.uid == id })
}

// owners are the accounts of which the Dockerfile says by name that copied files
// belong to them, and whose numbers are not known; the container's user is first.
func (m *owners) owners() []string {
	var names []string
	add := func(owner string) {
		name, _, _ := strings.Cut(owner, ":")
		_, known := m.accounts.uids[name]
		if _, err := strconv.Atoi(name); err != nil && name != "" && !known && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, step := range m.chain {
		if step.Copy != nil && step.Copy.From == "" {
			add(step.Copy.Chown)
		}
	}
	for _, o := range m.ops {
		c := o.one()
		if !o.command() || c == nil || c.Name != "chown" {
			continue
		}
		if spec, operands, _, ok := modeArguments(c); ok && slices.ContainsFunc(operands, func(w shell.Word) bool { return o.hasFile(w.Value) }) {
			add(spec.Value)
		}
	}
	if _, cmd := lastOf[*instructions.UserCommand](m.draft); cmd != nil {
		user, _, _ := strings.Cut(cmd.User, ":")
		if i := slices.Index(names, user); i > 0 {
			names = slices.Insert(slices.Delete(names, i, i+1), 0, user)
		}
	}
	return names
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
func (m *owners) maker(name string) (by, group *op, ok bool) {
	guarded := false
	for _, o := range m.ops {
		for _, c := range o.calls() {
			if renumbers(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Value == name }) {
				return nil, nil, false
			}
			a, is := accountOf(c, m.busybox)
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
			case !a.group && a.plain && a.uid < 0 && a.gid < 0 && (a.groupName == "" || a.groupName == name):
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

// nogroupOfBusybox is the group that its adduser -S gives an account without one.
const nogroupOfBusybox = 65533

// nextID are the numbers that an account would get on the base.
func (m *owners) nextID(a account, by *op) (uid, gid int) {
	busybox := a.systemwide && m.busybox
	users, groups := 0, 0
	for _, o := range m.ops {
		if o == by {
			break
		}
		for _, c := range o.calls() {
			switch other, ok := accountOf(c, m.busybox); {
			case !ok || other.systemwide != a.systemwide || other.name == a.name:
			case other.group && other.gid < 0:
				groups++
			case !other.group && other.uid < 0:
				users++
			}
		}
	}
	switch {
	case busybox && a.groupName == "":
		return 100 + users, nogroupOfBusybox
	case busybox:
		return 100 + users, 101 + groups // 100 are the users
	case a.systemwide:
		return m.firstSystemID() - users, m.firstSystemID() - users
	}
	uid = 1000 + users
	if base, tag := nameAndTag(m.ground.Image); base == "ubuntu" && (tag == "latest" || tag == "" || tag >= "23.04" || strings.HasPrefix(tag, "noble")) {
		uid++ // the image has a user of its own
	}
	return uid, uid
}
