package observe

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/trace"
)

// effects is what a script left behind.
type effects struct {
	// made are paths that were not there before, changed those that were; with
	// what is there now.
	made, changed map[string]trace.Kind
	// deleted are paths that others had left.
	deleted map[string]bool
	// entries are the names of what was made or deleted, by directory.
	entries map[string][]string
}

// effectsOf reads a record, but for what lies in mounts.
func effectsOf(r *trace.Record, mounts []string) effects {
	e := effects{
		made: map[string]trace.Kind{}, changed: map[string]trace.Kind{}, deleted: map[string]bool{}, entries: map[string][]string{},
	}
	for _, p := range r.Paths {
		if p.Did&trace.Changes == 0 || within(p.Name, mounts) {
			continue
		}
		switch {
		case p.Was == trace.Nothing && p.Left == trace.Nothing:
			continue // scratch
		case p.Was == trace.Nothing:
			e.made[p.Name] = p.Left
		case p.Left == trace.Nothing:
			e.deleted[p.Name] = true
		default:
			e.changed[p.Name] = p.Left
			continue
		}
		dir := path.Dir(p.Name)
		e.entries[dir] = append(e.entries[dir], p.Name)
	}
	return e
}

// left tells whether the script made or changed a path.
func (e effects) left(name string) bool {
	_, made := e.made[name]
	_, changed := e.changed[name]
	return made || changed
}

// touched tells whether it made, changed or deleted a path.
func (e effects) touched(name string) bool {
	return e.left(name) || e.deleted[name]
}

// names are all paths that it made or changed, sorted.
func (e effects) names() []string {
	var out []string
	for name := range e.made {
		out = append(out, name)
	}
	for name := range e.changed {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// ignored is a kind of files that no script contributes to an image by its
// outputs, and that do not count where two images are compared.
type ignored struct {
	// What it is, and Why it does not count.
	What, Why string

	places []string
	parts  []string // names of directories, wherever they are
	// files tells that directories do count, inside that the places themselves do.
	files, inside bool
}

// ignoredKinds are all such kinds.
func ignoredKinds() []ignored {
	return []ignored{
		{
			What:   "scratch",
			Why:    "what a script leaves in /tmp and /var/tmp is meant for nobody, unless another script reads it",
			places: []string{"/tmp", "/var/tmp"},
			inside: true,
		},
		{
			What:   "logs",
			Why:    "they tell of a build, not of what came of it; directories for those of a container do count",
			places: []string{"/var/log"},
			files:  true,
		},
		{
			What: "caches",
			Why:  "programs fill them anew",
			places: []string{
				"/var/cache/apt", "/var/cache/debconf", "/var/cache/ldconfig", "/var/cache/man", "/var/cache/fontconfig", "/var/lib/apt/lists",
				"/root/.cache", "/root/.npm", "/root/.cargo/registry", "/root/.wget-hsts",
			},
		},
		{
			What:   "the linker's cache",
			Why:    "pgstrata renews it after the outputs have come together",
			places: []string{"/etc/ld.so.cache", "/etc/ld.so.cache~"},
		},
		{
			What:   "copies of the package database",
			Why:    "dpkg keeps what there was before its last change; no program reads them",
			places: []string{"/var/lib/dpkg/status-old", "/var/lib/dpkg/diversions-old", "/var/lib/dpkg/statoverride-old"},
		},
		{
			What:  "bytecode",
			Why:   "Python writes it beside the modules that it loads, with their times in it",
			parts: []string{"__pycache__"},
		},
	}
}

// apart returns the kind of files that a path is one of, or nil.
func apart(name string, kind trace.Kind) *ignored {
	for _, a := range ignoredKinds() {
		if a.files && kind == trace.Directory {
			continue
		}
		if slices.ContainsFunc(a.places, func(place string) bool { return paths.Below(name, place) || name == place && !a.inside }) {
			return &a
		}
		for part := range strings.SplitSeq(name, "/") {
			if slices.Contains(a.parts, part) {
				return &a
			}
		}
	}
	return nil
}

// Counts tells whether a path counts where two images are compared.
func Counts(name string, directory bool) bool {
	kind := trace.File
	if directory {
		kind = trace.Directory
	}
	return apart(name, kind) == nil
}

// Lists has the kinds of files that are nobody's outputs, and the state of the whole
// image, as words for the script that finds out what another one has left.
func Lists() []string {
	var out []string
	for _, a := range ignoredKinds() {
		how := "place:"
		switch {
		case a.files:
			how = "files:"
		case a.inside:
			how = "inside:"
		}
		for _, place := range a.places {
			out = append(out, how+place)
		}
		for _, part := range a.parts {
			out = append(out, "part:"+part)
		}
	}
	for _, s := range allShared() {
		for _, place := range s.places {
			out = append(out, "shared:"+place+":"+s.what+": "+s.out)
		}
	}
	return out
}

// shared is state of the whole image that has one writer after another: what
// two scripts write beside each other cannot be merged.
type shared struct {
	what string
	// out is what to do about it.
	out    string
	places []string
}

func allShared() []shared {
	return []shared{
		{
			what:   "the package database",
			out:    "name its packages under setup.dependencies.runtime, or under the packages of the scripts that need them",
			places: []string{"/var/lib/dpkg", "/var/lib/apt/extended_states", "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/lib/apk/db", "/usr/lib/apk/db", "/var/lib/pacman"},
		},
		{
			what: "the accounts",
			out:  "one account can be the build file's user",
			places: []string{
				"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid",
				"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
			},
		},
		{
			what:   "the alternatives",
			out:    "call the program by its own path",
			places: []string{"/etc/alternatives", "/var/lib/dpkg/alternatives"},
		},
	}
}

// sharedState returns the shared state that a path belongs to, or nil.
func sharedState(name string) *shared {
	all := allShared()
	for i := len(all) - 1; i >= 0; i-- { // the alternatives' place is in the database's
		if within(name, all[i].places) {
			return &all[i]
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
