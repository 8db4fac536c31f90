package dockerfile

import (
	"path"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// keepsState tells which mount of a RUN its steps would talk through, nil for
// none. A step of its own gets the mount as it is then: without what the step
// before it wrote, where that one is cached, or with what another build did. Only
// a cache of which each step can do without any part is no such mount.
func keepsState(it *Item) error {
	for _, m := range it.In.mounts(it.scope) {
		target := m.Target
		if !path.IsAbs(target) {
			target = path.Join(it.scope.Dir, target)
		}
		target = path.Clean(target)
		switch m.Type {
		case instructions.MountTypeSecret, instructions.MountTypeSSH:
		case instructions.MountTypeTmpfs:
			return cannot(emptyTmpfs, target)
		case instructions.MountTypeCache:
			if err := keepsCache(it, m, target); err != nil {
				return err
			}
		default:
			if !m.ReadOnly {
				return cannot(writableMount, target)
			}
		}
	}
	return nil
}

func keepsCache(it *Item, m *instructions.Mount, target string) error {
	use := it.use()
	switch {
	case use == nil, m.From != "", m.ReadOnly:
	case !use.IsCache(target):
	case use.Unknown() != "":
		return cannot(mountLookedInto, use.Unknown(), target)
	case use.Needs(target):
		return cannot(mountNeeded, target)
	default:
		return nil
	}
	return cannot(mountHolds, target)
}
