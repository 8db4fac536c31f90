package scripts

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/paths"
)

// mounts carries over the flags of a RUN.
func (m *Scripts) mounts(e *Entry, o *commands.Op) {
	cmd, ok := o.Step.Command.(*instructions.RunCommand)
	if !ok {
		return
	}
	lost := func(format string, args ...any) { m.Report.Record(o.Line(), report.Lost, format, args...) }
	for _, mount := range instructions.GetMounts(cmd) {
		target, known := o.Step.Scope.Expand(mount.Target)
		if !known {
			lost("a mount whose target is known only in a build")
			continue
		}
		switch mount.Type {
		case instructions.MountTypeSecret:
			m.secret(e, o, mount, target)
		case instructions.MountTypeSSH:
			e.SSH = true
		case instructions.MountTypeCache:
			m.cache(e, target)
		case instructions.MountTypeTmpfs:
			m.tmpfs(o, target)
		case instructions.MountTypeBind:
			if mount.From != "" {
				lost("it mounts files of %s; a setup script sees the context and what scripts before it have made", mount.From)
			}
		}
	}
	switch instructions.GetNetwork(cmd) {
	case instructions.NetworkNone:
		e.Network = "none"
	case instructions.NetworkHost:
		e.Network = "host"
	}
	if instructions.GetSecurity(cmd) == instructions.SecurityInsecure {
		lost("--security=insecure: a setup script has no more rights than a container")
	}
}

// secret carries over a mount of a secret: a file, a variable, or both.
func (m *Scripts) secret(e *Entry, o *commands.Op, mount *instructions.Mount, target string) {
	id := cmp.Or(mount.Source, mount.CacheID, path.Base(target))
	one := buildfile.Secret{ID: id, Required: mount.Required}
	if mount.Env != nil {
		one.Env = *mount.Env
	}
	if target == "" && one.Env == "" {
		target = "/run/secrets/" + path.Base(id)
	}
	if target != "/run/secrets/"+id || one.Env != "" {
		one.Target = target
	}
	if mount.Mode != nil && target != "" {
		one.Mode = fmt.Sprintf("%04o", *mount.Mode)
	}
	if target != "" && !path.IsAbs(target) || nonzero(mount.UID) || nonzero(mount.GID) {
		m.Report.Record(o.Line(), report.Lost, "the secret %s is root's, at an absolute path", id)
		return
	}
	if !slices.Contains(e.Secrets, one) {
		e.Secrets = append(e.Secrets, one)
	}
}

func nonzero(id *uint64) bool { return id != nil && *id != 0 }

// cache carries over a cache mount that pgstrata does not add by itself.
func (m *Scripts) cache(e *Entry, target string) {
	switch strings.TrimSuffix(target, "/") {
	case "/var/cache/apt", "/var/lib/apt", "/var/lib/apt/lists", "/var/cache/apt/archives", "/root/.cache/pip", "/root/.npm", "/root/.cache/ccache", "/go/pkg/mod", "/root/.cache/go-build":
		return
	}
	if !slices.Contains(e.Caches, target) {
		e.Caches = append(e.Caches, target)
	}
}

func (m *Scripts) tmpfs(o *commands.Op, target string) {
	if slices.Contains(m.Out.Artifacts, target) {
		return
	}
	for _, other := range m.Ops {
		if slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool { return paths.Within(f.Target, target) }) || other.Step != o.Step && !other.Gone && other.Facts != nil && other.Facts.Program != nil && commands.NamesPath(other.Facts.Program, target, true) {
			m.Report.Record(o.Line(), report.Lost, "a tmpfs at %s for this RUN alone: build_artifacts are for all scripts", target)
			return
		}
	}
	m.Out.Artifacts = append(m.Out.Artifacts, target)
	m.Report.Record(o.Line(), report.Carried, "setup.build_artifacts")
}
