package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// separable tells whether scripts may run in steps of their own although they
// ran in one: what a step leaves in memory is gone when it ends.
func separable(scripts []*shell.Program) error {
	for i, sub := range scripts {
		starts, started, stops := "", "", false
		for _, s := range sub.Scripts() {
			for _, c := range s.Calls {
				if c.Unreached || shell.Never(c.Guards) {
					continue
				}
				where := place(s.Path, c.Pos)
				if what := leavesRunning(c); what != "" && starts == "" {
					starts, started = what, where
				}
				stops = stops || ends(c)
				if hardLinks(c) && i < len(scripts)-1 {
					return cannot(hardLinked, where)
				}
				if c.Name == "mount" && c.Kind == shell.CallProgram && len(c.Args) > 0 {
					return cannot(mounts, where)
				}
			}
			for _, ref := range s.Paths {
				if !keeps(ref) {
					return cannot(endsWithStep, place(s.Path, ref.Pos), ref.Path)
				}
			}
		}
		if starts != "" && !stops {
			return cannot(leavesProgram, started, starts)
		}
	}
	return nil
}

// hardLinks reports whether a call gives files second names.
func hardLinks(c *shell.Call) bool {
	switch c.Name {
	case "link":
		return c.Kind == shell.CallProgram
	case "ln":
		return !hasShort(c, 's') && !c.HasArg("--symbolic")
	case "cp":
		return hasShort(c, 'l') || c.HasArg("--link")
	}
	return false
}

// keeps reports whether what is written to a path is still there in the next
// step.
func keeps(ref shell.PathRef) bool {
	if paths.Within(ref.Path, "/dev/shm") {
		return false
	}
	if ref.Access != shell.AccessWrite {
		return true
	}
	return ref.Path != "/etc/hosts" && ref.Path != "/etc/resolv.conf" && ref.Path != "/etc/hostname"
}

// leavesRunning names the program that a call may leave running.
func leavesRunning(c *shell.Call) string {
	if c.Background {
		return first(c.Name, c.Command.Text)
	}
	starts := c.HasArg("start", "restart", "--start", "-S")
	if c.Kind == shell.CallDynamic && starts {
		return c.Command.Text
	}
	if c.Kind != shell.CallProgram {
		return ""
	}
	switch c.Name {
	case "pg_ctl", "pg_ctlcluster", "service", "invoke-rc.d", "systemctl", "start-stop-daemon", "rc-service", "pgbackrest":
		if starts {
			return c.Name
		}
	case "nohup", "setsid", "supervisord", "dbus-daemon", "sshd", "cron", "crond", "rsyslogd", "daemonize":
		return c.Name
	}
	if strings.HasPrefix(path.Clean(c.Command.Value), "/etc/init.d/") && starts {
		return c.Name
	}
	if c.HasArg("--daemonize", "--daemon", "-daemon") || c.Name == "pgbouncer" && hasShort(c, 'd') || c.Name == "ssh" && hasShort(c, 'f') {
		return c.Name
	}
	return ""
}

// ends reports whether a call stops what runs, or waits for it.
func ends(c *shell.Call) bool {
	switch c.Name {
	case "kill", "pkill", "killall", "wait":
		return true
	case "pg_ctl", "pg_ctlcluster", "service", "invoke-rc.d", "systemctl", "start-stop-daemon", "rc-service", "pgbackrest":
		return c.HasArg("stop", "--stop", "-K")
	}
	return (c.Kind == shell.CallDynamic || strings.HasPrefix(path.Clean(c.Command.Value), "/etc/init.d/")) && c.HasArg("stop")
}

// anyOrder reports whether names sort in the same way whatever the locale: by
// numbers in front, each another one.
func anyOrder(names []string) bool {
	seen := map[string]bool{}
	width := -1
	for _, name := range names {
		name = base(name)
		digits := strings.IndexFunc(name, func(r rune) bool { return r < '0' || r > '9' })
		if digits <= 0 || width >= 0 && digits != width || seen[name[:digits]] {
			return false
		}
		width, seen[name[:digits]] = digits, true
	}
	return true
}

// bytewise reports whether the shell sorts names by their bytes in a scope.
func (s *Scope) bytewise() bool {
	for _, name := range []string{"LC_ALL", "LC_COLLATE", "LANG"} {
		if v, ok := s.Get(name); ok && v != "" {
			return slices.Contains([]string{"C", "POSIX", "C.UTF-8", "C.utf8"}, v)
		}
	}
	return true
}

// removesDir names one of some directories that a step may take away, or one above
// it; "" for none. A step that starts there would find none, or make it anew.
func (f *Facts) removesDir(dirs []string) string {
	for _, dir := range dirs {
		if dir != "" && slices.ContainsFunc(f.Calls(), func(c *shell.Call) bool { return removes(c, dir) }) {
			return dir
		}
	}
	return ""
}

// removes reports whether a call may take a directory away, or one above it.
func removes(c *shell.Call, dir string) bool {
	return takesDirs(c) && slices.ContainsFunc(c.Args, func(w shell.Word) bool {
		if strings.HasPrefix(w.Value, "-") || c.Name == "mv" && isLast(c, w.Pos) {
			return false
		}
		names := w.Choices()
		if w.Glob {
			names = append(names, w.Value)
		}
		return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return meets(first(c.Dir, "/*"), name, dir) })
	})
}

// takesDirs reports whether a call takes directories away.
func takesDirs(c *shell.Call) bool {
	switch c.Name {
	case "rmdir", "mv":
		return true
	case "rm":
		return hasShort(c, 'r') || hasShort(c, 'R') || c.HasArg("--recursive")
	case "find":
		return c.HasArg("-delete", "rm", "rmdir")
	}
	return false
}

// meets reports whether a name or pattern, in a directory, may stand for another
// directory or one above it.
func meets(in, name, dir string) bool {
	if !path.IsAbs(name) {
		name = path.Join(in, name)
	}
	name = path.Clean(name)
	return name != "/" && glob.Covers(name, dir) // nothing takes the root itself away
}
