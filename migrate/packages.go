package migrate

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// aptKeeps is why nothing is done for what deletes apt's caches.
const aptKeeps = "apt's lists and archives lie in cache mounts, and in no layer"

// packaging makes dependencies of packages that are installed.
type packaging struct {
	*reader
	// key is the key that they go to, list what goes there.
	key  string
	list []string
	// purged are those that are gone in the end.
	purged []string
}

// declarePackages makes dependencies of the packages that are installed before any
// script runs, which go to a key of the build file. Later ones may need what a script
// has set up, such as an archive of their own, so they stay where they are. build are
// those that are purged in the end.
func declarePackages(r *reader, ops []*op, key string) (runtime, build []string) {
	m := &packaging{reader: r, key: key}
	first := true
	var updates []*op
	for _, o := range ops {
		if o.gone || o.state || o.made != "" {
			continue
		}
		verb, c := aptVerb(o)
		switch {
		case verb == "clean" || verb == "lists":
			m.drop(o, "%s", aptKeeps)
		case verb == "some":
			o.text = reduced(o.text, c, func(w shell.Word) bool { return keptByApt(w.Value) })
			m.went(o, Dropped, "%s", aptKeeps)
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
			m.drop(o, "pgstrata updates the lists where it installs")
		}
	}
	return m.list, m.purged
}

// installsLater reports whether a command of the same RUN still installs.
func installsLater(ops []*op, update *op) bool {
	return slices.ContainsFunc(ops, func(o *op) bool {
		if o.gone || o.step != update.step || o == update {
			return false
		}
		return slices.ContainsFunc(o.calls(), func(c *shell.Call) bool { return c.Is(programs.Apt) && c.Verb() == "install" })
	})
}

// aptVerb says what a command does with apt, when it does no more: update,
// install, purge, clean, or lists for deleting what apt keeps, some for deleting
// that and other things.
func aptVerb(o *op) (string, *shell.Call) {
	c := o.one()
	if !o.command() || c == nil || len(c.Redirects) > 0 || !o.step.Scope.Root() || len(o.when) > 0 {
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
func (m *packaging) install(o *op, c *shell.Call) bool {
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
		m.report.note(m.where(o.line()), "installs recommended packages, so it stays a script: with --no-install-recommends its packages would be setup.dependencies")
		return false
	}
	for _, name := range list {
		if !slices.Contains(m.list, name) {
			m.list = append(m.list, name)
		}
	}
	o.gone = true
	m.went(o, Carried, "%s", m.key)
	return true
}

// packageText writes a package's name and version for the build file. A version
// may end in a star, which is a pattern to the shell, and no file's name.
func (m *packaging) packageText(o *op, w shell.Word) (string, bool) {
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
	text := m.shellText(o, w.Text, value)
	return text, text != escaped(value) || len(argsIn(o.step, w.Text)) == 0
}

// shellText writes a word of a command: with references to args where it has
// them, else as its value.
func (m *reader) shellText(o *op, text, want string) string {
	known := m.namesAt(o.step)
	if word := shellWord(text); word != nil && strings.Contains(text, "$") {
		if t, ok := fromShell(word, known); ok {
			if got, fine := value(t, m.environment(o.step.Scope)); fine && got == want {
				return t
			}
		}
	}
	return escaped(want)
}

// purge carries over the purge of packages that were installed for the build
// alone.
func (m *packaging) purge(o *op, c *shell.Call) bool {
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
	o.gone = true
	m.went(o, Carried, "setup.dependencies.build")
	return true
}

// reduced is a command without the arguments that are not wanted, "" when none
// that is no option is left.
func reduced(text string, c *shell.Call, unwanted func(w shell.Word) bool) string {
	word := func(w shell.Word) bool { return !strings.HasPrefix(w.Value, "-") }
	left := 0
	drop := map[int]bool{}
	for i, w := range c.Args {
		if word(w) && unwanted(w) {
			drop[i] = true
		} else if word(w) {
			left++
		}
	}
	if len(drop) == 0 {
		return text
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil || len(file.Stmts) != 1 {
		return text
	}
	call, ok := file.Stmts[0].Cmd.(*syntax.CallExpr)
	if !ok || len(call.Args) != len(c.Args)+1 {
		return text
	}
	if left == 0 {
		return ""
	}
	args := call.Args[:1:1]
	for i, a := range call.Args[1:] {
		if !drop[i] {
			args = append(args, a)
		}
	}
	call.Args = args
	var b strings.Builder
	if err := syntax.NewPrinter().Print(&b, file); err != nil {
		return text
	}
	return strings.TrimSpace(b.String())
}
