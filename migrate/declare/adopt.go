package declare

import (
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/migrate/accounts"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// adopt makes accounts of the build file of those to which copied files belong, and
// whose numbers only a build would know. With numbers of their own, their files are
// files of the entrypoint: an edit of one runs no setup.
func (m *owners) adopt() {
	for _, name := range m.owners() {
		key, what := "accounts", "one of the build file's accounts"
		if m.Out.User == nil && m.SetsUser() {
			key, what = "user", "the build file's user"
		}
		u := m.adopted(name, key)
		switch {
		case u == nil:
			continue
		case key == "user":
			m.Out.User = u
		default:
			m.Out.Accounts = append(m.Out.Accounts, u)
		}
		m.Accounts.Uids[name], m.Accounts.Primary[name] = u.UID, u.GID
		if u.GID != nogroupOfBusybox {
			m.Accounts.Gids[name] = u.GID
		}
		m.Report.Note("", "%s is %s, with the number %d: so its files are entrypoint files, and an edit of one runs no setup. --keep-accounts leaves accounts to the scripts", name, what, u.UID)
		m.differAccounts(u.Home)
	}
}

// adopted is the build file's account of a name, for a key of it; nil where it cannot
// be made before all else.
func (m *owners) adopted(name, key string) *buildfile.User {
	by, group, ok := m.maker(name)
	switch {
	case !ok || !spec.IsUserName(name):
		return nil
	case by != nil:
		a, _ := accounts.Of(by.Single(), m.busybox)
		u := m.newUser(a, by)
		u.UID, u.GID = m.nextID(a, by)
		for _, used := range []*commands.Op{group, by} {
			if used != nil {
				used.Gone = true
				m.Record(used, report.Carried, "%s", key)
			}
		}
		return u
	}
	u := &buildfile.User{Name: name, UID: m.firstSystemID(), Home: "/home/" + name}
	for m.takenID(u.UID) {
		u.UID--
	}
	u.GID = u.UID
	if name == "postgres" {
		u.Home = "/var/lib/postgresql"
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
	if check.NamedDistribution(m.Ground.Image) == check.RedHat {
		return 900
	}
	return 999
}

func (m *owners) takenID(id int) bool {
	return slices.ContainsFunc(m.Out.Users(), func(u *buildfile.User) bool { return u.UID == id })
}

// owners are the accounts of which the Dockerfile says by name that copied files
// belong to them, and whose numbers are not known; the container's user is first.
func (m *owners) owners() []string {
	var names []string
	add := func(owner string) {
		name, _, _ := strings.Cut(owner, ":")
		_, known := m.Accounts.Uids[name]
		if _, err := strconv.Atoi(name); err != nil && name != "" && !known && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, step := range m.Chain {
		if step.Copy != nil && step.Copy.From == "" {
			add(step.Copy.Chown)
		}
	}
	for _, o := range m.ops {
		c := o.Single()
		if !o.Command() || c == nil || c.Name != "chown" {
			continue
		}
		if spec, operands, _, ok := commands.ModeArguments(c); ok && slices.ContainsFunc(operands, func(w shell.Word) bool { return o.HasFile(w.Value) }) {
			add(spec.Value)
		}
	}
	if _, cmd := draft.LastOf[*instructions.UserCommand](m.Draft); cmd != nil {
		user, _, _ := strings.Cut(cmd.User, ":")
		if i := slices.Index(names, user); i > 0 {
			names = slices.Insert(slices.Delete(names, i, i+1), 0, user)
		}
	}
	return names
}

// maker is the command that makes an account, with the one that makes its group;
// nil where a script does that asks first whether it is there. ok is false
// where the account cannot be made before.
func (m *owners) maker(name string) (by, group *commands.Op, ok bool) {
	guarded := false
	for _, o := range m.ops {
		for _, c := range o.Calls() {
			if accounts.Renumbers(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool { return w.Value == name }) {
				return nil, nil, false
			}
			a, is := accounts.Of(c, m.busybox)
			if !is || a.Name != name {
				continue
			}
			own := o.Command() && o.Single() == c && len(c.Assigns)+len(c.Redirects)+len(o.When) == 0
			switch {
			case asked(c):
				guarded = true
			case !own || by != nil:
				return nil, nil, false
			case a.Group && a.GID < 0 && a.Plain:
				group = o
			case !a.Group && a.Plain && a.UID < 0 && a.GID < 0 && (a.GroupName == "" || a.GroupName == name):
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
func (m *owners) nextID(a accounts.Account, by *commands.Op) (uid, gid int) {
	busybox := a.Systemwide && m.busybox
	users, groups := 0, 0
	for _, o := range m.ops {
		if o == by {
			break
		}
		for _, c := range o.Calls() {
			switch other, ok := accounts.Of(c, m.busybox); {
			case !ok || other.Systemwide != a.Systemwide || other.Name == a.Name:
			case other.Group && other.GID < 0:
				groups++
			case !other.Group && other.UID < 0:
				users++
			}
		}
	}
	switch {
	case busybox && a.GroupName == "":
		return 100 + users, nogroupOfBusybox
	case busybox:
		return 100 + users, 101 + groups // 100 are the users
	case a.Systemwide:
		return m.firstSystemID() - users, m.firstSystemID() - users
	}
	uid = 1000 + users
	if base, tag := bases.NameAndTag(m.Ground.Image); base == "ubuntu" && (tag == "latest" || tag == "" || tag >= "23.04" || strings.HasPrefix(tag, "noble")) {
		uid++ // the image has a user of its own
	}
	return uid, uid
}
