package migrate

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/paths"
)

// mounts carries over the flags of a RUN.
func (m *counted) mounts(e *entry, o *op) {
	cmd, ok := o.step.Command.(*instructions.RunCommand)
	if !ok {
		return
	}
	lost := func(format string, args ...any) { m.report.went(o.line(), Lost, format, args...) }
	for _, mount := range instructions.GetMounts(cmd) {
		target, known := o.step.Scope.Expand(mount.Target)
		if !known {
			lost("a mount whose target is known only in a build")
			continue
		}
		switch mount.Type {
		case instructions.MountTypeSecret:
			m.secret(e, o, mount, target)
		case instructions.MountTypeSSH:
			e.ssh = true
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
		e.network = "none"
	case instructions.NetworkHost:
		e.network = "host"
	}
	if instructions.GetSecurity(cmd) == instructions.SecurityInsecure {
		lost("--security=insecure: a setup script has no more rights than a container")
	}
}

// secret carries over a mount of a secret: a file, a variable, or both.
func (m *counted) secret(e *entry, o *op, mount *instructions.Mount, target string) {
	id := cmp.Or(mount.Source, mount.CacheID, path.Base(target))
	one := secret{id: id, required: mount.Required}
	if mount.Env != nil {
		one.env = *mount.Env
	}
	if target == "" && one.env == "" {
		target = "/run/secrets/" + path.Base(id)
	}
	if target != "/run/secrets/"+id || one.env != "" {
		one.target = target
	}
	if mount.Mode != nil && target != "" {
		one.mode = fmt.Sprintf("%04o", *mount.Mode)
	}
	if target != "" && !path.IsAbs(target) || nonzero(mount.UID) || nonzero(mount.GID) {
		m.report.went(o.line(), Lost, "the secret %s is root's, at an absolute path", id)
		return
	}
	if !slices.Contains(e.secrets, one) {
		e.secrets = append(e.secrets, one)
	}
}

func nonzero(id *uint64) bool { return id != nil && *id != 0 }

// cache carries over a cache mount that pgstrata does not add by itself.
func (m *counted) cache(e *entry, target string) {
	switch strings.TrimSuffix(target, "/") {
	case "/var/cache/apt", "/var/lib/apt", "/var/lib/apt/lists", "/var/cache/apt/archives", "/root/.cache/pip", "/root/.npm", "/root/.cache/ccache", "/go/pkg/mod", "/root/.cache/go-build":
		return
	}
	if !slices.Contains(e.caches, target) {
		e.caches = append(e.caches, target)
	}
}

func (m *counted) tmpfs(o *op, target string) {
	if slices.Contains(m.out.artifacts, target) {
		return
	}
	for _, other := range m.ops {
		if slices.ContainsFunc(m.copies, func(f *copied) bool { return paths.Within(f.Target, target) }) || other.step != o.step && !other.gone && other.facts != nil && other.facts.Program != nil && namesPath(other.facts.Program, target, true) {
			m.report.went(o.line(), Lost, "a tmpfs at %s for this RUN alone: build_artifacts are for all scripts", target)
			return
		}
	}
	m.out.artifacts = append(m.out.artifacts, target)
	m.report.went(o.line(), Carried, "setup.build_artifacts")
}
