package migrate

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// accountIDs are the ids of users and groups, as far as the base image and the
// scripts tell them.
type accountIDs struct {
	uids, gids map[string]int
	// primary are the groups of users, by the users' names.
	primary map[string]int
	// args are what tells the number of an account, or of a group, by its name.
	args map[string][]string
}

// account is one user or group that a command makes.
type account struct {
	group      bool
	name       string
	uid, gid   int // -1 if unknown
	groupName  string
	home       string
	shell      string
	groups     []string // further ones
	plain      bool     // nothing else is asked for that files would show
	systemwide bool
	// program is what makes it.
	program string
}

// accountOf reads a call that makes a user or group; busybox says that the program is
// its.
func accountOf(c *shell.Call, busybox bool) (account, bool) {
	a := account{uid: -1, gid: -1, plain: true, program: c.Name}
	switch c.Name {
	case "groupadd", "addgroup":
		a.group = true
	case "useradd", "adduser":
	default:
		return a, false
	}
	args, ok := c.Literals()
	if !ok {
		return a, false
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case !strings.HasPrefix(arg, "-"):
			if a.name == "" {
				a.name = arg
			} else { // adduser USER GROUP
				a.plain = false
			}
		case strings.HasPrefix(arg, "--"):
			flag, v, joined := strings.Cut(arg, "=")
			if a.takesValue(flag) && !joined {
				i++
				if i == len(args) {
					return a, false
				}
				v = args[i]
			}
			a.flag(flag, v)
		default: // letters
			for j := 1; j < len(arg); j++ {
				flag := "-" + arg[j:j+1]
				if !a.takesValue(flag) {
					a.flag(flag, "")
					continue
				}
				v := arg[j+1:]
				if v == "" {
					i++
					if i == len(args) {
						return a, false
					}
					v = args[i]
				}
				a.flag(flag, v)
				break
			}
		}
	}
	if (c.Name == "adduser" || c.Name == "addgroup") && a.systemwide && !busybox {
		a.plain = false // packages decide which number Debian's takes next
	}
	return a, a.name != ""
}

// takesValue reports whether a flag of the program that makes an account has a value.
func (a *account) takesValue(flag string) bool {
	switch flag {
	case "-g", "--gid", "-K", "--key", "-p", "--password":
		return true
	case "-u", "--uid", "-d", "--home-dir", "--home", "-s", "--shell", "-c", "--comment", "--gecos", "-G", "--groups", "--ingroup", "-k", "--skel", "-e", "--expiredate", "-f", "--inactive", "-b", "--base-dir":
		return !a.group
	case "-h":
		return a.program == "adduser"
	}
	return false
}

func (a *account) flag(flag, v string) {
	number := func() int {
		n, err := strconv.Atoi(v)
		if err != nil {
			return -1
		}
		return n
	}
	if a.program == "adduser" {
		switch flag { // busybox's letters
		case "-g":
			flag = "--gecos"
		case "-G":
			flag = "--ingroup"
		case "-h":
			flag = "--home"
		case "-D", "-H":
			return
		}
	}
	switch flag {
	case "-u", "--uid":
		a.uid = number()
	case "-g", "--gid", "--ingroup":
		if a.group || number() >= 0 {
			a.gid = number()
		} else {
			a.groupName = v
		}
	case "-d", "--home-dir", "--home":
		a.home = v
	case "-s", "--shell":
		a.shell = v
	case "-G", "--groups":
		a.groups = strings.Split(v, ",")
	case "-r", "--system", "-S":
		a.systemwide = true
	case "-M", "--no-create-home", "-m", "--create-home", "-f", "--force", "-l", "--no-log-init", "-c", "--comment", "--gecos",
		"-U", "--user-group", "--disabled-password", "--disabled-login", "--quiet", "-q":
	case "-N", "--no-user-group":
		a.plain = a.plain && (a.groupName != "" || a.gid >= 0)
	default:
		a.plain = false
	}
}

// renumbers reports whether a name may stand for another number after a call.
func renumbers(c *shell.Call) bool {
	switch c.Name {
	case "userdel", "groupdel", "deluser", "delgroup":
		return true
	case "usermod", "groupmod":
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool {
			v, known := w.Literal()
			return !known || slices.ContainsFunc([]string{"-u", "--uid", "-g", "--gid", "-l", "--login", "-n", "--new-name"}, func(flag string) bool {
				return strings.HasPrefix(v, flag)
			})
		})
	}
	return false
}

// forget forgets the numbers that a call may change: which of two a name stands
// for depends on the place.
func (a *accountIDs) forget(c *shell.Call) {
	name := ""
	if len(c.Args) > 0 {
		name, _ = c.Args[len(c.Args)-1].Literal()
	}
	concerned := func(n string) bool { return n != "root" && (name == "" || n == name) }
	for user, gid := range a.primary {
		if group, ok := a.gids[name]; concerned(user) || ok && gid == group {
			delete(a.primary, user)
		}
	}
	maps.DeleteFunc(a.uids, func(n string, _ int) bool { return concerned(n) })
	maps.DeleteFunc(a.gids, func(n string, _ int) bool { return concerned(n) })
}

func (a *accountIDs) add(n account) {
	if n.group {
		if n.gid >= 0 {
			a.gids[n.name] = n.gid
		}
		return
	}
	if n.uid >= 0 {
		a.uids[n.name] = n.uid
	}
	if n.groupName != "" {
		gid, ok := a.gids[n.groupName]
		if !ok {
			return
		}
		n.gid = gid
	}
	if n.gid >= 0 {
		a.primary[n.name] = n.gid
		if _, ok := a.gids[n.name]; !ok && n.groupName == "" {
			a.gids[n.name] = n.gid
		}
	}
}

// owner turns `user:group` of chown or --chown into numbers. What is left out
// stays as it is, which -1 stands for; of --chown it is the user's own group.
func (a *accountIDs) owner(text string, copyFlag bool) (uid, gid int, ok bool) {
	user, group, both := strings.Cut(text, ":")
	uid, gid = -1, -1
	if user != "" {
		if uid, ok = id(user, a.uids); !ok {
			return 0, 0, false
		}
	}
	switch {
	case both && group != "":
		if gid, ok = id(group, a.gids); !ok {
			return 0, 0, false
		}
	case both || copyFlag:
		if gid, ok = a.primary[user]; ok {
			break
		}
		if _, err := strconv.Atoi(user); err != nil || both {
			return 0, 0, false
		}
		gid = uid
	}
	return uid, gid, true
}

func id(name string, known map[string]int) (int, bool) {
	if n, err := strconv.Atoi(name); err == nil {
		return n, n >= 0
	}
	n, ok := known[name]
	return n, ok
}
