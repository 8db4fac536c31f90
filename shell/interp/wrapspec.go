package interp

// wrapSpec is how a wrapper's own words are told from the command's.
type wrapSpec struct {
	// short are the one-letter options that take a value, long those with two
	// dashes.
	short string
	long  []string
	// operands is how many operands come before the command.
	operands int
	// assigns says that NAME=value words may precede the command.
	assigns bool
	// userOpts are the options that name a user; userOperand says that the
	// first operand does.
	userOpts    []string
	userOperand bool
	// builtin says that the shell itself runs it, so that builtins and, for
	// command and builtin, functions stay in reach.
	builtin bool
	// queries are the options with which it runs nothing.
	queries []string
}

// wrapperOf returns how a wrapper is read. The list holds what set-up and
// entrypoint scripts use.
func wrapperOf(name string) (wrapSpec, bool) {
	switch name {
	case "sudo", "doas":
		return wrapSpec{
			short: "ugpCcDRrTth", long: []string{"user", "group", "prompt", "chdir", "chroot", "role", "type", "host", "close-from", "preserve-env"},
			assigns: true, userOpts: []string{"-u", "--user"}, queries: []string{"-l", "-v", "-k", "-K", "-V", "--list", "--validate"},
		}, true
	case "env":
		return wrapSpec{short: "uCS", long: []string{"unset", "chdir"}, assigns: true}, true
	case "exec":
		return wrapSpec{short: "a", builtin: true}, true
	case "command":
		return wrapSpec{builtin: true, queries: []string{"-v", "-V"}}, true
	case "builtin":
		return wrapSpec{builtin: true}, true
	case "nice":
		return wrapSpec{short: "n", long: []string{"adjustment"}}, true
	case "ionice":
		return wrapSpec{short: "cnpPu", long: []string{"class", "classdata", "pid"}, queries: []string{"-p", "--pid"}}, true
	case "time":
		return wrapSpec{short: "fo", long: []string{"format", "output"}}, true
	case "timeout":
		return wrapSpec{short: "ks", long: []string{"kill-after", "signal"}, operands: 1}, true
	case "nohup", "setsid", "fakeroot", "eatmydata", "tini", "dumb-init", "catatonit", "ccache", "sccache", "unbuffer", "chronic":
		return wrapSpec{short: "rl", long: []string{"rewrite"}}, true
	case "stdbuf":
		return wrapSpec{short: "ioe", long: []string{"input", "output", "error"}}, true
	case "xargs":
		return wrapSpec{
			short: "adEILnPs", long: []string{"arg-file", "delimiter", "eof", "replace", "max-lines", "max-args", "max-procs", "max-chars", "process-slot-var"},
		}, true
	case "gosu", "su-exec":
		return wrapSpec{operands: 1, userOperand: true}, true
	case "chpst":
		return wrapSpec{short: "uUbemdofcprtn012/", userOpts: []string{"-u"}}, true
	case "setpriv":
		return wrapSpec{
			long:     []string{"reuid", "regid", "groups", "inh-caps", "bounding-set", "securebits", "ambient-caps", "pdeathsig", "selinux-label", "apparmor-profile"},
			userOpts: []string{"--reuid"},
		}, true
	case "chroot":
		return wrapSpec{long: []string{"groups", "userspec"}, operands: 1, userOpts: []string{"--userspec"}}, true
	case "flock":
		return wrapSpec{short: "wEc", long: []string{"timeout", "wait", "conflict-exit-code"}, operands: 1}, true
	case "taskset":
		return wrapSpec{operands: 1}, true
	case "chrt":
		return wrapSpec{short: "TPD", operands: 1}, true
	case "unshare":
		return wrapSpec{short: "RwSG", long: []string{"root", "wd", "setuid", "setgid"}}, true
	case "strace", "ltrace":
		return wrapSpec{short: "oepsuEaPXbI"}, true
	case "busybox":
		return wrapSpec{queries: []string{"--list", "--list-full", "--install"}}, true
	}
	return wrapSpec{}, false
}
