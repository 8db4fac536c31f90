package scripts

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/files"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/spec"
)

// usesDir reports whether one of the step's ops depends on the working directory.
func (g *Generator) usesDir(step *dockerfile.Step) bool {
	return slices.ContainsFunc(g.Ops, func(o *commands.Op) bool {
		if o.Step != step || o.State && !strings.HasPrefix(o.Text, "cd ") || o.Directory != "" {
			return false
		}
		return o.Facts == nil || commands.OwnUsesDir(o) || commands.UsesDir(o)
	})
}

// generate makes a script of ops; nil if there is nothing to do.
func (m *Scripts) generate(ops []*commands.Op) *Entry {
	if !slices.ContainsFunc(ops, func(o *commands.Op) bool { return !o.State }) {
		return nil
	}
	g := &Generator{M: m, Ops: ops}
	text := g.script()
	f := &buildfile.File{Data: []byte(text), Mode: 0o755}
	return &Entry{Script: buildfile.Script{When: ops[0].When}, Ops: ops, Generated: f, Title: g.title()}
}

// Generator writes one script.
type Generator struct {
	M   *Scripts
	Ops []*commands.Op
	B   strings.Builder
	// Verbatim says that copied files are where the Dockerfile has them.
	Verbatim bool
}

// line writes a line.
func (g *Generator) line(format string, args ...any) { fmt.Fprintf(&g.B, format+"\n", args...) }

func (g *Generator) script() string {
	first := g.Ops[slices.IndexFunc(g.Ops, func(o *commands.Op) bool { return !o.State })]
	if first.Raw != "" {
		return first.Raw
	}
	interpreter, options := Shebang(first.Step.Scope.Shell)
	g.line("#!%s", interpreter)
	for _, c := range g.comments() {
		g.line("# %s", notation.OneLine(c))
	}
	how := g.Joined(options)
	if how == underErrexit {
		options = append([]string{"-e"}, options...)
	}
	if len(options) > 0 {
		g.line("set %s", strings.Join(options, " "))
	}
	for _, name := range g.ofBase() {
		g.line("%s=${%[1]s-} # the base image's", name)
	}
	for _, name := range g.Overrides() {
		g.line("export %s", name)
	}
	user := first.Step.Scope.User
	root := first.Step.Scope.Root() || first.Directory != "" || len(first.Place) > 0 || len(first.Fetched) > 0
	if !root && user == "" {
		g.M.Report.Record(first.Line(), report.Lost, "the user that it runs as: USER's value cannot be read; the script runs as root")
		root = true
	}
	if root {
		g.Body(how)
		return g.B.String()
	}
	head := g.B.String()
	g.B.Reset()
	g.Body(how)
	if bases.Busybox(g.M.Ground) {
		return head + asUserOfBusybox(user, interpreter, options, strings.TrimSuffix(g.B.String(), "\n"))
	}
	body := inQuotes(strings.TrimSuffix(g.B.String(), "\n"))
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

// Shebang is the interpreter of a SHELL, and its options.
func Shebang(words []string) (interpreter string, options []string) {
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
func (g *Generator) comments() []string {
	var out []string
	lines := map[int]bool{}
	for _, o := range g.Ops {
		if lines[o.Line()] {
			continue
		}
		lines[o.Line()] = true
		out = append(out, g.M.Comments(o.Step.Instruction)...)
	}
	var where []string
	for _, n := range sortedInts(lines) {
		where = append(where, fmt.Sprint(n))
	}
	from := g.M.File.Name + ":" + strings.Join(where, ", ")
	if o := g.Ops[0]; o.Driven() {
		from += " (" + path.Base(o.Call.Driver.Main.Path) + ")"
	}
	return append(out, "From "+from+".")
}

// ofBase are the variables that the commands read and that the base image sets,
// or may set: no arg stands for them.
func (g *Generator) ofBase() []string {
	found, set := map[string]bool{}, map[string]bool{}
	for _, o := range g.Ops {
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
			_, predefined := g.M.Opt.Predefined[r.Name]
			_, base := g.M.BaseEnv[r.Name]
			if arg || own || predefined || g.M.Arg(r.Name) != nil || !base && g.M.Base != nil || r.Name != strings.ToUpper(r.Name) || !spec.IsIdentifier(r.Name) {
				continue
			}
			found[r.Name] = true
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(found)), func(name string) bool {
		return set[name] || slices.Contains([]string{"HOME", "PATH", "PWD", "OLDPWD", "USER", "LANG", "TMPDIR", "TZ", "IFS", "UID", "RANDOM", "SHELL", "HOSTNAME"}, name)
	})
}

// Overrides are the assignments of variables that args do not give.
func (g *Generator) Overrides() []string {
	all := map[string]string{}
	for _, o := range g.Ops {
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

// Joining is how commands follow each other in a script.
type Joining int

const (
	// byLine: they set errexit themselves, or there is one.
	ByLine Joining = iota
	// underErrexit: in lines of their own, under `set -e`.
	underErrexit
	// byAnd: with && in between.
	ByAnd
)

// Joined tells how the commands have to follow each other, so that the first
// that fails ends the script and errexit changes nothing else.
func (g *Generator) Joined(options []string) Joining {
	if slices.Contains(options, "-e") {
		return ByLine
	}
	pieces, plain := 0, true
	for _, o := range g.Ops {
		if !o.Driven() && slices.ContainsFunc(append(slices.Clone(o.Prelude), o.Text), SetsErrexit) {
			return ByLine
		}
		if o.Text == "" || o.State {
			continue
		}
		pieces++
		plain = plain && simple(o.Text)
	}
	switch {
	case plain:
		return underErrexit
	case pieces == 1:
		return ByLine
	}
	return ByAnd
}

// SetsErrexit reports whether a command is `set -e`.
func SetsErrexit(text string) bool {
	words := strings.Fields(text)
	return len(words) > 1 && words[0] == "set" && slices.ContainsFunc(words[1:], func(w string) bool {
		return strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--") && strings.Contains(w, "e") || w == "errexit"
	})
}

// simple reports whether errexit changes nothing of how a command runs.
func simple(text string) bool {
	file, err := syntax.NewParser().Parse(strings.NewReader(text), "")
	if err != nil || len(file.Stmts) != 1 {
		return false
	}
	var plain func(s *syntax.Stmt) bool
	plain = func(s *syntax.Stmt) bool {
		switch cmd := s.Cmd.(type) {
		case *syntax.CallExpr, *syntax.DeclClause, *syntax.TestClause:
			return !s.Negated
		case *syntax.BinaryCmd:
			return (cmd.Op == syntax.Pipe || cmd.Op == syntax.PipeAll) && plain(cmd.X) && plain(cmd.Y) && !s.Negated
		}
		return false
	}
	return plain(file.Stmts[0])
}

// Body writes what the ops do.
func (g *Generator) Body(how Joining) {
	var commands []string
	shown := map[*dockerfile.Step]bool{}
	for _, o := range g.Ops {
		switch {
		case o.Directory != "":
			commands = append(commands, making(o))
			continue
		case len(o.Place) > 0:
			commands = append(commands, g.placing(o)...)
			continue
		case len(o.Fetched) > 0:
			commands = append(commands, o.Fetched...)
			continue
		}
		if !shown[o.Step] {
			shown[o.Step] = true
			commands = append(commands, g.start(o)...)
		}
		commands = append(commands, pretty(g.text(o, o.Text)))
	}
	if how == ByAnd {
		g.line("%s", strings.Join(commands, " &&\n"))
		return
	}
	g.line("%s", strings.Join(commands, "\n"))
}

// start is what has to hold before an op: the working directory, and the
// commands before it that are in another script.
func (g *Generator) start(o *commands.Op) []string {
	var out []string
	driven := o.Driven()
	dir := o.Step.Scope.Dir
	if driven {
		dir = o.Dir
	}
	if dir != "/" && dir != "" && (!driven || !o.Script() || commands.UsesDir(o) || commands.CalledRelatively(o)) && g.usesDir(o.Step) {
		to := notation.Quoted(dir)
		if moved, ok := commands.InContext(dir, o.Files); ok && !g.Verbatim && !g.M.HasPlaced(dir, o) {
			to = notation.Quoted(moved)
		} else if !driven {
			to = notation.InShell(g.M.DirText(o.Step))
		}
		out = append(out, "cd "+to)
	}
	for _, p := range o.Prelude {
		if driven && !strings.HasPrefix(p, "umask") && !strings.HasPrefix(p, "ulimit") {
			continue
		}
		out = append(out, pretty(g.text(o, p)))
	}
	return out
}

// text is a command of an op, with copied files where the script finds them.
func (g *Generator) text(o *commands.Op, text string) string {
	if g.Verbatim || files.SpeaksOnly(o) || files.SetsModes(o) { // which it does in the image
		return text
	}
	return g.M.Translated(text, o.Files, func(target string) bool {
		return g.M.HasPlaced(target, o) || o.Removes(target)
	})
}

// pretty is a command as shfmt would write it; one that cannot be parsed stays
// as it is.
func pretty(text string) string {
	file, err := syntax.NewParser(syntax.KeepComments(true)).Parse(strings.NewReader(text), "")
	if err != nil {
		return text
	}
	var b strings.Builder
	if err := syntax.NewPrinter(syntax.Indent(4), syntax.BinaryNextLine(false)).Print(&b, file); err != nil {
		return text
	}
	return strings.TrimRight(b.String(), "\n")
}

func sortedInts(m map[int]bool) []int {
	var out []int
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
