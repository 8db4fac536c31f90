// Package declare takes those commands out of setup that a build file says in keys
// of its own: accounts, packages, build artifacts.
package declare

import (
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/migrate/accounts"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/report"
)

// owners are those to whom files may belong: the users and groups that commands make.
type owners struct {
	*commands.Reader
	ops []*commands.Op
	// busybox says that programs are its.
	busybox bool
}

// Accounts makes accounts of the build file of those to which files belong;
// with keep, it only reads their numbers.
func Accounts(r *commands.Reader, ops []*commands.Op, keep bool) {
	m := &owners{r, ops, bases.Busybox(r.Ground)}
	m.learn()
	if !keep {
		m.account()
		m.adopt()
	}
}

// learn reads the ids out of all that is run.
func (m *owners) learn() {
	m.Accounts.Primary, m.Accounts.Args = map[string]int{"root": 0}, map[string][]string{}
	for name, gid := range m.Accounts.Gids {
		if _, ok := m.Accounts.Uids[name]; ok {
			m.Accounts.Primary[name] = gid
		}
	}
	for _, o := range m.ops {
		for _, c := range o.Calls() {
			if a, ok := accounts.Of(c, m.busybox); ok {
				m.Accounts.Add(a)
				for _, w := range c.Args {
					m.Accounts.Args[a.Name] = append(m.Accounts.Args[a.Name], draft.ArgsIn(o.Step, w.Text)...)
				}
			}
			if id := map[check.Distribution]int{check.RedHat: 26, check.Alpine: 70}[installsServer(c)]; id > 0 { // as their packages have it
				m.Accounts.Uids["postgres"], m.Accounts.Gids["postgres"], m.Accounts.Primary["postgres"] = id, id, id
			}
		}
	}
	for _, o := range m.ops {
		for _, c := range o.Calls() {
			if accounts.Renumbers(c) {
				m.Accounts.Forget(c)
			}
		}
	}
}

// account makes the build file's user of the commands that make one: pgstrata
// then has it before anything else, with numbers that can own files.
func (m *owners) account() {
	if !m.SetsUser() {
		return // the container's user is the base's, whoever that is
	}
	groups := map[string]*commands.Op{}
	for _, o := range m.ops {
		c := o.Single()
		if !o.Command() || c == nil {
			if o.Command() || o.Script() || len(o.Place) > 0 { // what comes before a user may decide its numbers
				return
			}
			continue
		}
		a, ok := accounts.Of(c, m.busybox)
		switch {
		case !ok || !a.Plain || len(c.Assigns) > 0 || len(c.Redirects) > 0:
			return
		case a.Group:
			if a.GID < 1 {
				return
			}
			groups[a.Name] = o
			continue
		}
		m.userOf(o, a, groups)
		return
	}
}

// userOf carries one useradd over, and the groupadd that it goes with.
func (m *owners) userOf(o *commands.Op, a accounts.Account, groups map[string]*commands.Op) {
	group := groups[a.Name]
	gid, hasGroup := m.Accounts.Primary[a.Name]
	switch {
	case a.UID < 1 || a.UID > 65533 || !hasGroup || gid < 1 || gid > 65533:
		return
	case group == nil || m.Accounts.Gids[a.Name] != gid: // pgstrata names a new group like the user
		return
	}
	u := m.newUser(a, o)
	u.UID, u.GID = a.UID, gid
	m.Out.User = u
	for _, used := range []*commands.Op{group, o} {
		used.Gone = true
		m.Record(used, report.Carried, "user")
	}
	m.differAccounts(u.Home)
}

// newUser is the build file's account of a command that makes one, but for its
// numbers.
func (m *owners) newUser(a accounts.Account, by *commands.Op) *buildfile.User {
	u := &buildfile.User{Name: a.Name, Home: a.Home, Groups: a.Groups, Notes: m.Comments(by.Step.Instruction)}
	for _, w := range by.Single().Args {
		m.WrittenOut(by.Step, by.Line(), draft.ArgsIn(by.Step, w.Text)...)
	}
	if strings.HasPrefix(a.Shell, "/") && a.Shell != "/bin/bash" {
		u.Shell = a.Shell
	}
	if u.Home == "" {
		u.Home = "/home/" + a.Name
	}
	return u
}

// differAccounts tells of what is another way where pgstrata makes the user.
func (m *owners) differAccounts(home string) {
	m.Report.Differ("the user's entry in the account files, which has no comment, and bash as its shell where none is named; its home directory is always there",
		[]string{
			"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/passwd-", "/etc/shadow-", "/etc/group-", "/etc/gshadow-", "/etc/subuid", "/etc/subgid",
			"/etc/subuid-", "/etc/subgid-", home, home + "/.bashrc", home + "/.profile", home + "/.bash_logout",
		}, nil)
}
