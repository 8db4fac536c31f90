package migrate

import (
	"strings"

	"github.com/pgstrata/pgstrata/check"
)

// owners are those to whom files may belong: the users and groups that commands make.
type owners struct {
	*reader
	ops []*op
	// busybox says that programs are its.
	busybox bool
}

// declareAccounts makes accounts of the build file of those to which files belong;
// with keep, it only reads their numbers.
func declareAccounts(r *reader, ops []*op, keep bool) {
	m := &owners{r, ops, hasBusybox(r.ground)}
	m.learn()
	if !keep {
		m.account()
		m.adopt()
	}
}

// learn reads the ids out of all that is run.
func (m *owners) learn() {
	m.accounts.primary, m.accounts.args = map[string]int{"root": 0}, map[string][]string{}
	for name, gid := range m.accounts.gids {
		if _, ok := m.accounts.uids[name]; ok {
			m.accounts.primary[name] = gid
		}
	}
	for _, o := range m.ops {
		for _, c := range o.calls() {
			if a, ok := accountOf(c, m.busybox); ok {
				m.accounts.add(a)
				for _, w := range c.Args {
					m.accounts.args[a.name] = append(m.accounts.args[a.name], argsIn(o.step, w.Text)...)
				}
			}
			if id := map[check.Distribution]int{check.RedHat: 26, check.Alpine: 70}[installsServer(c)]; id > 0 { // as their packages have it
				m.accounts.uids["postgres"], m.accounts.gids["postgres"], m.accounts.primary["postgres"] = id, id, id
			}
		}
	}
	for _, o := range m.ops {
		for _, c := range o.calls() {
			if renumbers(c) {
				m.accounts.forget(c)
			}
		}
	}
}

// account makes the build file's user of the commands that make one: pgstrata
// then has it before anything else, with numbers that can own files.
func (m *owners) account() {
	if !m.setsUser() {
		return // the container's user is the base's, whoever that is
	}
	groups := map[string]*op{}
	for _, o := range m.ops {
		c := o.one()
		if !o.command() || c == nil {
			if o.command() || o.script() || len(o.place) > 0 { // what comes before a user may decide its numbers
				return
			}
			continue
		}
		a, ok := accountOf(c, m.busybox)
		switch {
		case !ok || !a.plain || len(c.Assigns) > 0 || len(c.Redirects) > 0:
			return
		case a.group:
			if a.gid < 1 {
				return
			}
			groups[a.name] = o
			continue
		}
		m.userOf(o, a, groups)
		return
	}
}

// userOf carries one useradd over, and the groupadd that it goes with.
func (m *owners) userOf(o *op, a account, groups map[string]*op) {
	group := groups[a.name]
	gid, hasGroup := m.accounts.primary[a.name]
	switch {
	case a.uid < 1 || a.uid > 65533 || !hasGroup || gid < 1 || gid > 65533:
		return
	case group == nil || m.accounts.gids[a.name] != gid: // pgstrata names a new group like the user
		return
	}
	u := m.newUser(a, o)
	u.uid, u.gid = a.uid, gid
	m.out.user = u
	for _, used := range []*op{group, o} {
		used.gone = true
		m.went(used, Carried, "user")
	}
	m.differAccounts(u.home)
}

// newUser is the build file's account of a command that makes one, but for its
// numbers.
func (m *owners) newUser(a account, by *op) *user {
	u := &user{name: a.name, home: a.home, groups: a.groups, notes: m.comments(by.step.Instruction)}
	for _, w := range by.one().Args {
		m.writtenOut(by.step, by.line(), argsIn(by.step, w.Text)...)
	}
	if strings.HasPrefix(a.shell, "/") && a.shell != "/bin/bash" {
		u.shell = a.shell
	}
	if u.home == "" {
		u.home = "/home/" + a.name
	}
	return u
}

// differAccounts tells of what is another way where pgstrata makes the user.
func (m *owners) differAccounts(home string) {
	m.report.differ("the user's entry in the account files, which has no comment, and bash as its shell where none is named; its home directory is always there",
		[]string{
			"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/subuid", "/etc/subgid",
			"/etc/subuid-", "/etc/subgid-", home, home + "/.bashrc", home + "/.profile", home + "/.bash_logout",
		}, nil)
}
