// Package accounts reads commands that make users and groups, and knows their
// numbers.
package accounts

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// IDs are the ids of users and groups, as far as the base image and the
// scripts tell them.
type IDs struct {
	Uids, Gids map[string]int
	// Primary are the groups of users, by the users' names.
	Primary map[string]int
	// Args are what tells the number of an account, or of a group, by its name.
	Args map[string][]string
}

// Account is one user or group that a command makes.
type Account struct {
	Group      bool
	Name       string
	UID, GID   int // -1 if unknown
	GroupName  string
	Home       string
	Shell      string
	Groups     []string // further ones
	Plain      bool     // nothing else is asked for that files would show
	Systemwide bool
	// program is what makes it.
	program string
}

// Of reads a call that makes a user or group; busybox says that the program is
// its.
func Of(c *shell.Call, busybox bool) (Account, bool) {
	a := Account{UID: -1, GID: -1, Plain: true, program: c.Name}
	switch c.Name {
	case "groupadd", "addgroup":
		a.Group = true
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
			if a.Name == "" {
				a.Name = arg
			} else { // adduser USER GROUP
				a.Plain = false
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
	if (c.Name == "adduser" || c.Name == "addgroup") && a.Systemwide && !busybox {
		a.Plain = false // packages decide which number Debian's takes next
	}
	return a, a.Name != ""
}

// takesValue reports whether a flag of the program that makes an account has a value.
func (a *Account) takesValue(flag string) bool {
	switch flag {
	case "-g", "--gid", "-K", "--key", "-p", "--password":
		return true
	case "-u", "--uid", "-d", "--home-dir", "--home", "-s", "--shell", "-c", "--comment", "--gecos", "-G", "--groups", "--ingroup", "-k", "--skel", "-e", "--expiredate", "-f", "--inactive", "-b", "--base-dir":
		return !a.Group
	case "-h":
		return a.program == "adduser"
	}
	return false
}

func (a *Account) flag(flag, v string) {
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
		a.UID = number()
	case "-g", "--gid", "--ingroup":
		if a.Group || number() >= 0 {
			a.GID = number()
		} else {
			a.GroupName = v
		}
	case "-d", "--home-dir", "--home":
		a.Home = v
	case "-s", "--shell":
		a.Shell = v
	case "-G", "--groups":
		a.Groups = strings.Split(v, ",")
	case "-r", "--system", "-S":
		a.Systemwide = true
	case "-M", "--no-create-home", "-m", "--create-home", "-f", "--force", "-l", "--no-log-init", "-c", "--comment", "--gecos",
		"-U", "--user-group", "--disabled-password", "--disabled-login", "--quiet", "-q":
	case "-N", "--no-user-group":
		a.Plain = a.Plain && (a.GroupName != "" || a.GID >= 0)
	default:
		a.Plain = false
	}
}

// Renumbers reports whether a name may stand for another number after a call.
func Renumbers(c *shell.Call) bool {
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

// Forget forgets the numbers that a call may change: which of two a name stands
// for depends on the place.
func (a *IDs) Forget(c *shell.Call) {
	name := ""
	if len(c.Args) > 0 {
		name, _ = c.Args[len(c.Args)-1].Literal()
	}
	concerned := func(n string) bool { return n != "root" && (name == "" || n == name) }
	for user, gid := range a.Primary {
		if group, ok := a.Gids[name]; concerned(user) || ok && gid == group {
			delete(a.Primary, user)
		}
	}
	maps.DeleteFunc(a.Uids, func(n string, _ int) bool { return concerned(n) })
	maps.DeleteFunc(a.Gids, func(n string, _ int) bool { return concerned(n) })
}

// Add takes over the numbers of an account that a command makes.
func (a *IDs) Add(n Account) {
	if n.Group {
		if n.GID >= 0 {
			a.Gids[n.Name] = n.GID
		}
		return
	}
	if n.UID >= 0 {
		a.Uids[n.Name] = n.UID
	}
	if n.GroupName != "" {
		gid, ok := a.Gids[n.GroupName]
		if !ok {
			return
		}
		n.GID = gid
	}
	if n.GID >= 0 {
		a.Primary[n.Name] = n.GID
		if _, ok := a.Gids[n.Name]; !ok && n.GroupName == "" {
			a.Gids[n.Name] = n.GID
		}
	}
}

// Owner turns `user:group` of chown or --chown into numbers. What is left out
// stays as it is, which -1 stands for; of --chown it is the user's own group.
func (a *IDs) Owner(text string, copyFlag bool) (uid, gid int, ok bool) {
	user, group, both := strings.Cut(text, ":")
	uid, gid = -1, -1
	if user != "" {
		if uid, ok = id(user, a.Uids); !ok {
			return 0, 0, false
		}
	}
	switch {
	case both && group != "":
		if gid, ok = id(group, a.Gids); !ok {
			return 0, 0, false
		}
	case both || copyFlag:
		if gid, ok = a.Primary[user]; ok {
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
