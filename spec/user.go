package spec

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// User is an account of the image.
type User struct {
	// Login name, and the group's where the group is new.
	Name Text `yaml:"name,literal" is:"user name,required"`
	// Numeric user id.
	UID int `yaml:"uid" is:"1 to 65533,required"`
	// Numeric group id. Default: the uid.
	GID int `yaml:"gid" is:"1 to 65533"`
	// Home directory. Made if it is not there, and owned by the user. Default:
	// `/home/NAME`.
	Home Text `yaml:"home" is:"image path"`
	// Login shell. Default: `/bin/bash` where the base has it, else `/bin/sh`.
	Shell Text `yaml:"shell" is:"image path"`
	// Further groups: `name` or `name:gid`. One that is not there is made.
	Groups []Text `yaml:"groups" is:"group"`
	// At is the place of the whole mapping.
	At Range `yaml:"-"`
}

// noGID is the group of a user before the text gives one: 0 would be root's.
const noGID = math.MinInt

func (u *User) setRange(r Range) { u.At, u.GID = r, noGID }

func (u *User) setDefaults() {
	if u.GID == noGID {
		u.GID = u.UID
	}
	if u.Home.Value == "" {
		u.Home.Value = "/home/" + u.Name.Value
	}
}

// users are all accounts of the file, the container's first.
func (f *File) users() []*User {
	var out []*User
	if f.User != nil {
		out = append(out, f.User)
	}
	for i := range f.Accounts {
		out = append(out, &f.Accounts[i])
	}
	return out
}

func (f *File) validateUsers(p *Problems) {
	names, ids := map[string]bool{}, map[int]bool{}
	for _, u := range f.users() {
		u.validate(p)
		if names[u.Name.Value] || ids[u.UID] {
			p.Addf(u.At, "two accounts are called %s, or have the uid %d", u.Name, u.UID)
		}
		names[u.Name.Value], ids[u.UID] = true, true
	}
}

func (u *User) validate(p *Problems) {
	if !IsUserName(u.Name.Value) {
		p.Addf(u.At, "user needs a name of lower-case letters, digits, _ and -, not %q", u.Name.Value)
	}
	if u.UID < 1 || u.UID > 65533 || u.GID < 1 || u.GID > 65533 {
		p.Addf(u.At, "user needs a uid (and gid) from 1 to 65533; leave user out for an image that runs as root")
	}
	absolute(p, &u.Home, "a home directory")
	if u.Shell.Value != "" {
		absolute(p, &u.Shell, "a login shell")
	}
	for _, t := range u.Groups {
		name, id, numbered := strings.Cut(t.Value, ":")
		gid, err := strconv.Atoi(id)
		if !IsUserName(name) || numbered && (err != nil || gid < 1 || gid > 65533) {
			p.Addf(t.At, "a group is `name` or `name:gid`, not %q", t)
		}
	}
}

// ParseOwner reads `user[:group]` into numeric ids. Names other than root and the
// build file's users cannot be known before the image is built.
func (f *File) ParseOwner(s string) (uid, gid int, err error) {
	user, group, ok := strings.Cut(s, ":")
	if !ok {
		group = user
	}
	users := f.users()
	id := func(name string, own func(*User) int) (int, error) {
		n, err := strconv.Atoi(name)
		i := slices.IndexFunc(users, func(u *User) bool { return u.Name.Value == name })
		switch {
		case err == nil && n >= 0:
			return n, nil
		case name == "root":
			return 0, nil
		case i >= 0:
			return own(users[i]), nil
		}
		return 0, &ownerError{name, accounts(users)}
	}
	if uid, err = id(user, func(u *User) int { return u.UID }); err != nil {
		return 0, 0, err
	}
	gid, err = id(group, func(u *User) int { return u.GID })
	return uid, gid, err
}

type ownerError struct {
	name  string
	known []string
}

func (e *ownerError) Error() string {
	return "owner " + strconv.Quote(e.name) + " is neither a number, nor root, nor a user of this build file" + Meant(e.name, e.known)
}

func accounts(users []*User) []string {
	var out []string
	for _, u := range users {
		out = append(out, u.Name.Value)
	}
	return out
}
