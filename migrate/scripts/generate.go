package scripts

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/spec"
)

// generate makes a script of ops; nil if there is nothing to do.
func (m *Scripts) generate(ops []*commands.Op) *Entry {
	if !slices.ContainsFunc(ops, func(o *commands.Op) bool { return !o.State }) {
		return nil
	}
	g := &generator{m: m, ops: ops}
	text := g.script()
	f := &buildfile.File{Data: []byte(text), Mode: 0o755}
	return &Entry{Script: buildfile.Script{When: ops[0].When}, Ops: ops, Generated: f, Title: g.title()}
}

// generator writes one script.
type generator struct {
	m   *Scripts
	ops []*commands.Op
	b   strings.Builder
	// verbatim says that copied files are where the Dockerfile has them.
	verbatim bool
}

// line writes a line.
func (g *generator) line(format string, args ...any) { fmt.Fprintf(&g.b, format+"\n", args...) }

func (g *generator) script() string {
	first := g.ops[slices.IndexFunc(g.ops, func(o *commands.Op) bool { return !o.State })]
	if first.Raw != "" {
		return first.Raw
	}
	interpreter, options := shebang(first.Step.Scope.Shell)
	g.line("#!%s", interpreter)
	for _, c := range g.comments() {
		g.line("# %s", notation.OneLine(c))
	}
	how := g.joined(options)
	if how == underErrexit {
		options = append([]string{"-e"}, options...)
	}
	if len(options) > 0 {
		g.line("set %s", strings.Join(options, " "))
	}
	for _, name := range g.ofBase() {
		g.line("%s=${%[1]s-} # the base image's", name)
	}
	for _, name := range g.overrides() {
		g.line("export %s", name)
	}
	user := first.Step.Scope.User
	root := first.Step.Scope.Root() || first.Directory != "" || len(first.Place) > 0 || len(first.Fetched) > 0
	if !root && user == "" {
		g.m.Report.Record(first.Line(), report.Lost, "the user that it runs as: USER's value cannot be read; the script runs as root")
		root = true
	}
	if root {
		g.body(how)
		return g.b.String()
	}
	head := g.b.String()
	g.b.Reset()
	g.body(how)
	if bases.Busybox(g.m.Ground) {
		return head + asUserOfBusybox(user, interpreter, options, strings.TrimSuffix(g.b.String(), "\n"))
	}
	body := inQuotes(strings.TrimSuffix(g.b.String(), "\n"))
	name, _, _ := strings.Cut(user, ":")
	return head + fmt.Sprintf("HOME=$(getent passwd %s | cut -d: -f6)\nexport HOME=\"${HOME:-/}\"\nexec setpriv --reuid=%s %s %s -c %s\n", name, name, groupFlags(user), interpreter+optionText(options), body)
}

func inQuotes(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// asUserOfBusybox runs commands as a user where setpriv cannot: by su, which wants
// a name, and takes the groups that the account has.
func asUserOfBusybox(user, interpreter string, options []string, body string) string {
	if len(options) > 0 {
		body = "set " + strings.Join(options, " ") + "\n" + body
	}
	name, _, _ := strings.Cut(user, ":")
	find := `^` + name + `:`
	if notation.IsDigit(name[0]) {
		find = `^[^:]*:[^:]*:` + name + `:`
	}
	return fmt.Sprintf("account=$(grep %s /etc/passwd)\nHOME=$(echo \"$account\" | cut -d: -f6)\nexport HOME\nexec su -p -s %s -c %s \"${account%%%%:*}\"\n", inQuotes(find), interpreter, inQuotes(body))
}

func optionText(options []string) string {
	if len(options) == 0 {
		return ""
	}
	return " " + strings.Join(options, " ")
}

// groupFlags give a process the groups of USER's value.
func groupFlags(user string) string {
	name, group, ok := strings.Cut(user, ":")
	if ok {
		return "--regid=" + group + " --clear-groups"
	}
	if notation.IsDigit(name[0]) { // nobody may have that number
		return fmt.Sprintf("--regid=\"$(id -g %s 2>/dev/null || echo 0)\" --clear-groups", name)
	}
	return fmt.Sprintf("--regid=\"$(id -g %s)\" --init-groups", name)
}

// shebang is the interpreter of a SHELL, and its options.
func shebang(words []string) (interpreter string, options []string) {
	if len(words) == 0 {
		return "/bin/sh", nil
	}
	interpreter = words[0]
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "-o" && i+1 < len(words):
			i++
			options = append(options, "-o", strings.TrimSuffix(words[i], " "))
		case strings.HasPrefix(w, "-"):
			if w = strings.ReplaceAll(w, "c", ""); strings.HasSuffix(w, "o") && i+1 < len(words) {
				i++
				options = append(options, w, words[i])
			} else if w != "-" && w != "-l" {
				options = append(options, w)
			}
		}
	}
	return interpreter, options
}

// comments are what stands above the RUN in the Dockerfile, and where it was.
func (g *generator) comments() []string {
	var out []string
	lines := map[int]bool{}
	for _, o := range g.ops {
		if lines[o.Line()] {
			continue
		}
		lines[o.Line()] = true
		out = append(out, g.m.Comments(o.Step.Instruction)...)
	}
	var where []string
	for _, n := range sortedInts(lines) {
		where = append(where, fmt.Sprint(n))
	}
	from := g.m.File.Name + ":" + strings.Join(where, ", ")
	if o := g.ops[0]; o.Driven() {
		from += " (" + path.Base(o.Call.Driver.Main.Path) + ")"
	}
	return append(out, "From "+from+".")
}

// ofBase are the variables that the commands read and that the base image sets,
// or may set: no arg stands for them.
func (g *generator) ofBase() []string {
	found, set := map[string]bool{}, map[string]bool{}
	for _, o := range g.ops {
		if o.Facts == nil || o.Facts.Program == nil {
			continue
		}
		main := o.Facts.Program.Main
		for _, a := range main.Assigns {
			set[a.Name] = true
		}
		for _, c := range main.Calls {
			for _, guard := range c.Guards {
				set[guard.Var] = true
			}
			if c.Name == "read" || c.Name == "getopts" || c.Name == "mapfile" || c.Name == "readarray" {
				for _, w := range c.Args {
					set[w.Value] = true
				}
			}
		}
		for _, r := range main.Reads {
			_, arg := o.Wants[r.Name]
			_, own := o.Overrides[r.Name]
			_, predefined := g.m.Opt.Predefined[r.Name]
			_, base := g.m.BaseEnv[r.Name]
			if arg || own || predefined || g.m.Arg(r.Name) != nil || !base && g.m.Base != nil || r.Name != strings.ToUpper(r.Name) || !spec.IsIdentifier(r.Name) {
				continue
			}
			found[r.Name] = true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(found)), func(name string) bool {
		return set[name] || slices.Contains([]string{"HOME", "PATH", "PWD", "OLDPWD", "USER", "LANG", "TMPDIR", "TZ", "IFS", "UID", "RANDOM", "SHELL", "HOSTNAME"}, name)
	})
}

// overrides are the assignments of variables that args do not give.
func (g *generator) overrides() []string {
	all := map[string]string{}
	for _, o := range g.ops {
		for name, v := range o.Overrides {
			all[name] = v
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, name+"="+notation.InShell(all[name]))
	}
	return out
}

func sortedInts(m map[int]bool) []int {
	var out []int
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
