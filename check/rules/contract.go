package rules

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// searchPath is the PATH that entrypoint scripts start with.
func searchPath(t *check.Tree) string {
	if t.Input.Path != "" {
		return t.Input.Path
	}
	for _, v := range t.Input.Graph.Image.Env {
		if v.Name == "PATH" {
			list := strings.NewReplacer("${PATH}", check.DefaultPath, "$PATH", check.DefaultPath).Replace(v.Value)
			if !strings.Contains(list, "$") {
				return list
			}
		}
	}
	return check.DefaultPath
}

// hasCommand tells whether the image has a command: a path, or a name in PATH.
func hasCommand(t *check.Tree, name, list, dir string) bool {
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			if dir == "" {
				return true // nobody knows where it is looked for
			}
			name = path.Join(dir, name)
		}
		return isEntrypointFile(t, name) || t.Root().Executable(name)
	}
	for d := range strings.SplitSeq(list, ":") {
		if isEntrypointFile(t, path.Join(d, name)) {
			return true
		}
	}
	_, ok := t.Root().LookPath(name, list)
	return ok
}

// isEntrypointFile tells whether an entrypoint file becomes this path.
func isEntrypointFile(t *check.Tree, name string) bool {
	_, ok := t.Targets[path.Clean(name)]
	return ok
}

// known tells whether it can be said of a path whether it will be there: what
// is mounted, or made when a container starts, cannot.
func known(t *check.Tree, name string) bool { return !mounted(t, name) && !entrypointWrites(t, name) }

// mounted tells whether a path is where containers have something of their own.
func mounted(t *check.Tree, name string) bool {
	dirs := append([]string{"/proc", "/sys", "/dev", "/run", "/tmp", "/var/run", "/var/tmp", "/mnt", "/media"}, t.Input.Graph.Image.Volumes...)
	return slices.ContainsFunc(dirs, func(d string) bool { return paths.Within(name, d) })
}

// entrypointWrites tells whether an entrypoint script may make a file itself.
func entrypointWrites(t *check.Tree, name string) bool {
	for _, u := range t.Entrypoint {
		for _, s := range u.Scripts {
			for _, ref := range s.Paths {
				if ref.Access == shell.AccessWrite && !ref.Glob && paths.Within(name, ref.Path) {
					return true
				}
			}
			for _, c := range s.Calls {
				for _, r := range c.Redirects {
					if target, ok := r.Target.Literal(); ok && r.Writes() && path.Clean(target) == name {
						return true
					}
				}
			}
		}
	}
	return false
}

// pathOf is the PATH that a program's commands are looked up in, and whether
// it is known: a script may change it, and a mount bring what is in it.
func pathOf(t *check.Tree, u *check.Unit) (string, bool) {
	list := searchPath(t)
	sure := !slices.ContainsFunc(strings.Split(list, ":"), func(dir string) bool { return mounted(t, dir) })
	for _, a := range u.Assigns() {
		if a.Name != "PATH" || a.Naked {
			continue
		}
		for dir := range strings.SplitSeq(a.Value.Value, ":") {
			if strings.ContainsAny(dir, "*$") {
				sure = sure && dir == "*" // the old PATH
				continue
			}
			list += ":" + dir
		}
	}
	return list, sure
}

// describeMissing says, for messages, what to do about a program that the image does
// not have.
func describeMissing(name string) string {
	packages := map[string]string{
		"gosu": "gosu", "su-exec": "su-exec", "jq": "jq", "curl": "curl", "wget": "wget", "ps": "procps", "pgrep": "procps", "pkill": "procps",
		"envsubst": "gettext-base", "nc": "netcat-openbsd", "dig": "dnsutils", "ip": "iproute2", "ping": "iputils-ping", "sudo": "sudo",
		"python3": "python3", "patroni": "patroni", "patronictl": "patroni", "pgbackrest": "pgbackrest", "less": "less", "vim": "vim",
		"killall": "psmisc", "lsof": "lsof", "rsync": "rsync", "xz": "xz-utils", "zstd": "zstd", "tini": "tini", "dumb-init": "dumb-init",
	}
	if pkg, ok := packages[name]; ok {
		return "; Debian's package " + pkg + " has it: add it to setup.dependencies.runtime"
	}
	return "; install it in setup, or add its package to setup.dependencies.runtime"
}

// interpreters are the first lines, such as #!/bin/sh, of the entrypoint files that
// have one.
func interpreters(t *check.Tree) map[string]shell.Shebang {
	out := map[string]shell.Shebang{}
	for f := range t.Input.EntrypointFiles() {
		line, _, _ := strings.Cut(string(t.Text(f.Source)), "\n")
		words := strings.Fields(strings.TrimPrefix(line, "#!"))
		if !strings.HasPrefix(line, "#!") || len(words) == 0 || f.Mode&0o111 == 0 {
			continue
		}
		out[f.Source] = shell.Shebang{Line: line, Program: words[0], Args: words[1:], Pos: shell.Pos{Line: 1, Column: 1}}
	}
	return out
}

// healthcheck is the program of the health check, "" without one.
func healthcheck(g *graph.Graph) string {
	if h := g.Image.Healthcheck; h != nil && len(h.Command) > 0 {
		return h.Command[0]
	}
	return ""
}
