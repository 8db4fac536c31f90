package dockerfile

import (
	"fmt"
	"path"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// keepsState tells which mount of a RUN its steps would talk through, "" for
// none. A step of its own gets the mount as it is then: without what the step
// before it wrote, where that one is cached, or with what another build did. Only
// a cache of which each step can do without any part is no such mount.
func keepsState(it *Item) string {
	for _, m := range it.In.mounts(it.scope) {
		target := m.Target
		if !path.IsAbs(target) {
			target = path.Join(it.scope.Dir, target)
		}
		target = path.Clean(target)
		switch m.Type {
		case instructions.MountTypeSecret, instructions.MountTypeSSH:
		case instructions.MountTypeTmpfs:
			return fmt.Sprintf("its tmpfs at %s would be empty for each step", target)
		case instructions.MountTypeCache:
			if why := keepsCache(it, m, target); why != "" {
				return why
			}
		default:
			if !m.ReadOnly {
				return fmt.Sprintf("what a step writes to its mount of %s would be gone for the next", target)
			}
		}
	}
	return ""
}

func keepsCache(it *Item, m *instructions.Mount, target string) string {
	use := it.use()
	switch {
	case use == nil, m.From != "", m.ReadOnly:
	case !use.IsCache(target):
	case use.Unknown() != "":
		return fmt.Sprintf("%s may look into its mount of %s", use.Unknown(), target)
	case use.Needs(target):
		return fmt.Sprintf("it looks into its mount of %s", target)
	default:
		return ""
	}
	return fmt.Sprintf("its mount of %s holds what one step leaves for the next", target)
}
