package migrate

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/spec"
)

// generate makes a script of ops; nil if there is nothing to do.
func (m *counted) generate(ops []*op) *entry {
	if !slices.ContainsFunc(ops, func(o *op) bool { return !o.state }) {
		return nil
	}
	g := &generator{m: m, ops: ops}
	text := g.script()
	f := &File{Data: []byte(text), Mode: 0o755}
	return &entry{script: script{when: ops[0].when}, ops: ops, generated: f, title: g.title()}
}

// generator writes one script.
type generator struct {
	m   *counted
	ops []*op
	b   strings.Builder
	// verbatim says that copied files are where the Dockerfile has them.
	verbatim bool
}

func (g *generator) line(format string, args ...any) { fmt.Fprintf(&g.b, format+"\n", args...) }

func (g *generator) script() string {
	first := g.ops[slices.IndexFunc(g.ops, func(o *op) bool { return !o.state })]
	if first.raw != "" {
		return first.raw
	}
	interpreter, options := shebang(first.step.Scope.Shell)
	g.line("#!%s", interpreter)
	for _, c := range g.comments() {
		g.line("# %s", oneLine(c))
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
	user := first.step.Scope.User
	root := first.step.Scope.Root() || first.made != "" || len(first.place) > 0 || len(first.fetched) > 0
	if !root && user == "" {
		g.m.report.went(first.line(), Lost, "the user that it runs as: USER's value cannot be read; the script runs as root")
		root = true
	}
	if root {
		g.body(how)
		return g.b.String()
	}
	head := g.b.String()
	g.b.Reset()
	g.body(how)
	if hasBusybox(g.m.ground) {
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
	if isDigit(name[0]) {
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
	if isDigit(name[0]) { // nobody may have that number
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
		if lines[o.line()] {
			continue
		}
		lines[o.line()] = true
		out = append(out, g.m.comments(o.step.Instruction)...)
	}
	var where []string
	for _, n := range sortedInts(lines) {
		where = append(where, fmt.Sprint(n))
	}
	from := g.m.file.Name + ":" + strings.Join(where, ", ")
	if o := g.ops[0]; o.driven() {
		from += " (" + path.Base(o.call.driver.Main.Path) + ")"
	}
	return append(out, "From "+from+".")
}

// ofBase are the variables that the commands read and that the base image sets,
// or may set: no arg stands for them.
func (g *generator) ofBase() []string {
	found, set := map[string]bool{}, map[string]bool{}
	for _, o := range g.ops {
		if o.facts == nil || o.facts.Program == nil {
			continue
		}
		main := o.facts.Program.Main
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
			_, arg := o.wants[r.Name]
			_, own := o.overrides[r.Name]
			_, predefined := g.m.opt.Predefined[r.Name]
			_, base := g.m.baseEnv[r.Name]
			if arg || own || predefined || g.m.arg(r.Name) != nil || !base && g.m.base != nil || r.Name != strings.ToUpper(r.Name) || !spec.IsIdentifier(r.Name) {
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
		for name, v := range o.overrides {
			all[name] = v
		}
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, name+"="+inShell(all[name]))
	}
	return out
}

// joining is how commands follow each other in a script.
type joining int

const (
	// byLine: they set errexit themselves, or there is one.
	byLine joining = iota
	// underErrexit: in lines of their own, under `set -e`.
	underErrexit
	// byAnd: with && in between.
	byAnd
)

// joined tells how the commands have to follow each other, so that the first
// that fails ends the script and errexit changes nothing else.
func (g *generator) joined(options []string) joining {
	if slices.Contains(options, "-e") {
		return byLine
	}
	pieces, plain := 0, true
	for _, o := range g.ops {
		if !o.driven() && slices.ContainsFunc(append(slices.Clone(o.prelude), o.text), setsErrexit) {
			return byLine
		}
		if o.text == "" || o.state {
			continue
		}
		pieces++
		plain = plain && simple(o.text)
	}
	switch {
	case plain:
		return underErrexit
	case pieces == 1:
		return byLine
	}
	return byAnd
}

// setsErrexit reports whether a command is `set -e`.
func setsErrexit(text string) bool {
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

// body writes what the ops do.
func (g *generator) body(how joining) {
	var commands []string
	shown := map[*dockerfile.Step]bool{}
	for _, o := range g.ops {
		switch {
		case o.made != "":
			commands = append(commands, making(o))
			continue
		case len(o.place) > 0:
			commands = append(commands, g.placing(o)...)
			continue
		case len(o.fetched) > 0:
			commands = append(commands, o.fetched...)
			continue
		}
		if !shown[o.step] {
			shown[o.step] = true
			commands = append(commands, g.start(o)...)
		}
		commands = append(commands, pretty(g.text(o, o.text)))
	}
	if how == byAnd {
		g.line("%s", strings.Join(commands, " &&\n"))
		return
	}
	g.line("%s", strings.Join(commands, "\n"))
}

// start is what has to hold before an op: the working directory, and the
// commands before it that are in another script.
func (g *generator) start(o *op) []string {
	var out []string
	driven := o.driven()
	dir := o.step.Scope.Dir
	if driven {
		dir = o.dir
	}
	if dir != "/" && dir != "" && (!driven || !o.script() || usesDir(o) || calledRelatively(o)) && g.usesDir(o.step) {
		to := quoted(dir)
		if moved, ok := inContext(dir, o.files); ok && !g.verbatim && !g.m.hasPlaced(dir, o) {
			to = quoted(moved)
		} else if !driven {
			to = inShell(g.m.dirText(o.step))
		}
		out = append(out, "cd "+to)
	}
	for _, p := range o.prelude {
		if driven && !strings.HasPrefix(p, "umask") && !strings.HasPrefix(p, "ulimit") {
			continue
		}
		out = append(out, pretty(g.text(o, p)))
	}
	return out
}

// text is a command of an op, with copied files where the script finds them.
func (g *generator) text(o *op, text string) string {
	if g.verbatim || speaksOnly(o) || setsModes(o) { // which it does in the image
		return text
	}
	return g.m.translated(text, o.files, func(target string) bool {
		return g.m.hasPlaced(target, o) || o.removes(target)
	})
}

// hasPlaced reports whether setup puts files to a path, or below it.
func (m *contents) hasPlaced(target string, o *op) bool {
	return slices.ContainsFunc(m.copies, func(f *copied) bool {
		return f.placed && paths.Within(f.Target, target) && o.files[f.Target] == f.CopiedFile
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
