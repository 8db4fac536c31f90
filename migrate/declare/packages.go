package declare

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// aptKeeps is why nothing is done for what deletes apt's caches.
const aptKeeps = "apt's lists and archives lie in cache mounts, and in no layer"

// packager makes dependencies of packages that are installed.
type packager struct {
	*commands.Reader
	// key is the key that they go to, list what goes there.
	key  string
	list []string
	// purged are those that are gone in the end.
	purged []string
}

// Packages makes dependencies of the packages that are installed before any
// script runs, which go to a key of the build file. Later ones may need what a script
// has set up, such as an archive of their own, so they stay where they are. build are
// those that are purged in the end.
func Packages(r *commands.Reader, ops []*commands.Op, key string) (runtime, build []string) {
	m := &packager{Reader: r, key: key}
	first := true
	var updates []*commands.Op
	for _, o := range ops {
		if o.Gone || o.State || o.Directory != "" {
			continue
		}
		verb, c := aptVerb(o)
		switch {
		case verb == "clean" || verb == "lists":
			m.Drop(o, "%s", aptKeeps)
		case verb == "some":
			o.Text = commands.Reduced(o.Text, c, func(w shell.Word) bool { return keptByApt(w.Value) })
			m.Record(o, report.Dropped, "%s", aptKeeps)
			first = false
		case !first:
		case verb == "update":
			updates = append(updates, o)
		case verb == "install" && m.install(o, c):
		case verb == "purge" && m.purge(o, c):
		default:
			first = false
		}
	}
	for _, o := range updates {
		if len(m.list)+len(m.purged) > 0 && !installsLater(ops, o) {
			m.Drop(o, "pgstrata updates the lists where it installs")
		}
	}
	return m.list, m.purged
}

// installsLater reports whether a command of the same RUN still installs.
func installsLater(ops []*commands.Op, update *commands.Op) bool {
	return slices.ContainsFunc(ops, func(o *commands.Op) bool {
		if o.Gone || o.Step != update.Step || o == update {
			return false
		}
		return slices.ContainsFunc(o.Calls(), func(c *shell.Call) bool { return c.Is(programs.Apt) && c.Verb() == "install" })
	})
}

// aptVerb says what a command does with apt, when it does no more: update,
// install, purge, clean, or lists for deleting what apt keeps, some for deleting
// that and other things.
func aptVerb(o *commands.Op) (string, *shell.Call) {
	c := o.Single()
	if !o.Command() || c == nil || len(c.Redirects) > 0 || !o.Step.Scope.Root() || len(o.When) > 0 {
		return "", nil
	}
	if c.Name == "rm" && len(c.Args) > 1 {
		kept, others := 0, 0
		for _, w := range c.Args {
			switch {
			case keptByApt(w.Value):
				kept++
			case !strings.HasPrefix(w.Value, "-"):
				others++
			}
		}
		switch {
		case kept == 0:
			return "", nil
		case others > 0:
			return "some", c
		}
		return "lists", c
	}
	if !c.Is(programs.Apt) || slices.ContainsFunc(c.Assigns, func(a shell.Assign) bool { return a.Name != "DEBIAN_FRONTEND" }) {
		return "", nil
	}
	switch verb := c.Verb(); {
	case verb == "update" || verb == "install" || verb == "purge":
		return verb, c
	case verb == "remove":
		return "purge", c
	case programs.AptCleans(verb):
		return "clean", c
	}
	return "", nil
}

// keptByApt reports whether a pattern is of what lies in apt's cache mounts.
func keptByApt(pattern string) bool {
	switch strings.TrimSuffix(pattern, "/") {
	case "/var/lib/apt/lists", "/var/lib/apt/lists/*", "/var/cache/apt", "/var/cache/apt/*", "/var/cache/apt/archives", "/var/cache/apt/archives/*", "/var/cache/apt/archives/*.deb":
		return true
	}
	return false
}

// install carries `apt-get install` over.
func (m *packager) install(o *commands.Op, c *shell.Call) bool {
	var list []string
	recommends, verb := true, false
	for i, w := range c.Args {
		option := i > 0 && c.Args[i-1].Value == "-o"
		switch {
		case w.Value == "--no-install-recommends" || w.Value == "-o=APT::Install-Recommends=false" || option && w.Value == "APT::Install-Recommends=false":
			recommends = false
		case option:
			return false
		case !verb && w.Value == "install":
			verb = true
		case strings.Trim(w.Value, "-yq") == "" && strings.HasPrefix(w.Value, "-"), w.Value == "--yes", w.Value == "--assume-yes", w.Value == "--quiet", w.Value == "-o", w.Value == "--no-install-suggests":
		case strings.HasPrefix(w.Value, "-"):
			return false
		default:
			text, ok := m.packageText(o, w)
			if !ok {
				return false
			}
			list = append(list, text)
		}
	}
	if recommends {
		m.Report.Note(m.Where(o.Line()), "installs recommended packages, so it stays a script: with --no-install-recommends its packages would be setup.dependencies")
		return false
	}
	for _, name := range list {
		if !slices.Contains(m.list, name) {
			m.list = append(m.list, name)
		}
	}
	o.Gone = true
	m.Record(o, report.Carried, "%s", m.key)
	return true
}

// packageText writes a package's name and version for the build file. A version
// may end in a star, which is a pattern to the shell, and no file's name.
func (m *packager) packageText(o *commands.Op, w shell.Word) (string, bool) {
	value, ok := w.Literal()
	if w.Known && w.Glob && strings.Contains(w.Value, "=") {
		value, ok = w.Value, !strings.ContainsAny(w.Value, `?[\`)
	}
	name, version, pinned := strings.Cut(value, "=")
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._:"
	if !ok || name == "" || strings.Trim(name, plain) != "" || strings.HasSuffix(name, "-") || strings.HasSuffix(name, "+") || name[0] == '.' ||
		pinned && (version == "" || strings.Trim(version, plain+"~*") != "") {
		return "", false // removed, an archive of its own, or a release
	}
	text := m.ShellText(o, w.Text, value)
	return text, text != notation.Escaped(value) || len(draft.ArgsIn(o.Step, w.Text)) == 0
}

// purge carries over the purge of packages that were installed for the build
// alone.
func (m *packager) purge(o *commands.Op, c *shell.Call) bool {
	var list []string
	verb := c.Verb()
	for _, w := range c.Args {
		switch {
		case w.Value == "-o":
			return false
		case strings.HasPrefix(w.Value, "-"):
		case w.Value == verb:
			verb = ""
		default:
			text, ok := m.packageText(o, w)
			if !ok || !slices.Contains(m.list, text) {
				return false
			}
			list = append(list, text)
		}
	}
	if len(list) == 0 {
		return false
	}
	m.list = slices.DeleteFunc(m.list, func(name string) bool { return slices.Contains(list, name) })
	m.purged = append(m.purged, list...)
	o.Gone = true
	m.Record(o, report.Carried, "setup.dependencies.build")
	return true
}
