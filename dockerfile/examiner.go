package dockerfile

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// examiner fills facts.
type examiner struct {
	root  *rootfs
	facts *facts
	scope *scope
	// searches says that a script sets PATH.
	searches bool
}

// variable looks at a variable whose value may name files: whatever it names as
// a whole, and what it lists where programs look by themselves.
func (x *examiner) variable(name, value string) {
	if x.root.files[value] != nil {
		x.facts.reads[value] = true
	}
	if !programs.Searched(name) {
		return
	}
	for _, p := range strings.Split(value, ":") {
		switch p = path.Clean(p); {
		case !path.IsAbs(p):
		case x.root.files[p] != nil:
			x.facts.reads[p] = true
		case len(x.root.below(p)) > 0:
			x.facts.trees[p] = true
		}
	}
}

func (x *examiner) giveUp(why string) {
	if x.facts.opaque == "" {
		x.facts.opaque = why
	}
}

func (x *examiner) program(p *shell.Program) {
	if p.Incomplete {
		x.giveUp(base(p.Main.Path) + " is too large to follow")
	}
	for _, u := range p.Unresolved {
		if shell.Never(u.Guards) {
			continue
		}
		x.unknown(first(u.Absolute, u.Word.Text))
		if u.Optional {
			continue
		}
		if u.Absolute == "" || x.own(u.Absolute) {
			x.giveUp("it sources " + u.Word.Text + ", which is known only when it runs")
		}
	}
	for i := range p.Children {
		x.child(&p.Children[i])
	}
	for _, s := range p.Scripts() {
		x.script(s)
	}
}

// own reports whether a path lies in a directory that copies made.
func (x *examiner) own(name string) bool {
	for dir := name; dir != "/" && dir != "."; dir = path.Dir(dir) {
		if x.root.dirs[dir] != nil {
			return true
		}
	}
	return false
}

func (x *examiner) child(c *shell.Child) {
	switch {
	case shell.Never(c.Guards):
	case c.Absolute == "":
		x.giveUp("it runs " + c.Word.Text + ", whose name is known only when it runs")
	case c.Glob:
		x.unknown(c.Absolute)
		for _, name := range x.root.matching(c.Absolute) {
			x.facts.reads[name] = true
		}
	case x.root.files[c.Absolute] != nil:
		x.facts.reads[c.Absolute] = true
	case x.root.madeAt(c.Absolute):
		x.facts.wild = "it runs " + c.Absolute + ", which an earlier step made"
	case !x.own(c.Absolute):
		if strings.Contains(c.Word.Value, "/") || c.Interpreter != "" {
			x.unknown(c.Absolute)
		}
	case !c.Optional:
		x.giveUp("it runs " + c.Absolute + ", which is not among the copied files")
	}
}

func (x *examiner) script(s *shell.Script) {
	name := "/" + s.Path
	if x.root.files[name] != nil {
		x.facts.reads[name] = true
		if !s.Shell { // a program in another language
			x.unknown(name)
			x.nearby(path.Dir(name))
		}
	}
	for _, c := range s.Calls {
		if !c.Unreached && !shell.Never(c.Guards) {
			x.call(s, c)
		}
	}
	for i := range s.Paths {
		x.path(s, &s.Paths[i])
	}
	for i := range s.Sources {
		x.passed(s.Sources[i].Word.Value)
	}
	for i := range s.Children {
		x.passed(s.Children[i].Word.Value)
	}
}

func base(name string) string { return path.Base(name) }

// call looks at what a command does to its working directory and to whole
// trees.
func (x *examiner) call(s *shell.Script, c *shell.Call) {
	x.globs(c)
	if c.Kind == shell.CallDynamic {
		x.giveUp(base(s.Path) + " runs a command whose name is known only when it runs")
		return
	}
	if c.Kind != shell.CallProgram {
		return
	}
	if !strings.Contains(c.Command.Value, "/") && x.fromPath(c.Name) {
		x.giveUp("it calls " + c.Name + ", which was copied into the search path")
	}
	x.runs(c.Command.Value, c.Dir)
	kind := commandKind(c)
	if kind == worksInDir && (c.Dir == "" || x.own(c.Dir)) && !strings.Contains(c.Command.Value, "/") {
		if c.Dir == "" {
			x.touchAll()
		} else {
			x.facts.touched[c.Dir] = true
		}
	}
	if !x.closed(c) {
		x.unknown(c.Name)
		x.around(c)
	}
	x.arguments(c, kind)
	x.goesThrough(c, kind)
}

// unknown notes a program of which is not known what it reads.
func (x *examiner) unknown(name string) {
	if x.facts.unknown == "" {
		x.facts.unknown = name
	}
}

// closed reports whether all that a call reads and writes is known.
func (x *examiner) closed(c *shell.Call) bool {
	if c.Through("chroot") {
		return false
	}
	switch c.Name {
	case "sh", "bash", "dash", "ash":
		// What they run is looked at by itself, unless it comes from standard input.
		return slices.ContainsFunc(c.Args, func(w shell.Word) bool { return !strings.HasPrefix(w.Value, "-") }) ||
			slices.ContainsFunc(c.Redirects, func(r shell.Redirect) bool { return strings.HasPrefix(r.Op, "<<") })
	}
	command := c.Command.Value
	if strings.Contains(command, "/") {
		if !path.IsAbs(command) {
			command = path.Join(c.Dir, command)
		}
		if x.root.files[command] != nil {
			return true // a child, which is looked at by itself
		}
	}
	var args []string
	for _, w := range c.Args {
		args = append(args, append(w.Choices(), w.Value)...)
	}
	return programs.Closed(command, args)
}

// around notes what a program of which nothing is known may read: the directory
// that it works in and those that it is given, with all that is in them, and
// what lies beside the files that it is given. In the root directory everything
// works that nobody has told where to, so that says nothing.
func (x *examiner) around(c *shell.Call) {
	x.nearby(first(c.Dir, "/."))
	for _, w := range c.Args {
		for _, v := range w.Choices() {
			for _, name := range pathsIn(v) {
				if !path.IsAbs(name) {
					name = path.Join(c.Dir, name)
				}
				x.nearby(path.Clean(name))
			}
		}
	}
	for name, v := range x.scope.vars() {
		if name == "PATH" || name == "PWD" {
			continue // see fromPath
		}
		for _, p := range pathsIn(v) {
			if path.IsAbs(p) {
				x.nearby(path.Clean(p))
			}
		}
	}
}

func (x *examiner) nearby(name string) {
	switch {
	case name == "/":
	case name == "/.": // a directory that is not known
		x.facts.near["/"] = true
	case x.root.files[name] != nil:
		x.facts.beside[path.Dir(name)] = true
	case len(x.root.below(name)) > 0:
		x.facts.near[name] = true
	case !strings.ContainsAny(name, " *"): // a file that does not come from the context, or none
		x.facts.beside[path.Dir(name)] = true
	}
}

// pathsIn are the parts of an argument or of a variable's value that may be
// paths.
func pathsIn(v string) []string {
	var out []string
	for _, p := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" \t\n:=,;'\"@", r) }) {
		if strings.HasPrefix(p, "-") {
			at := strings.IndexByte(p, '/')
			if at < 0 {
				continue
			}
			p = p[at:]
		}
		out = append(out, p)
	}
	return out
}

// goesThrough notes the directories that a call lists, or goes down.
func (x *examiner) goesThrough(c *shell.Call, kind kind) {
	readsOnly := kind == reads || c.Name == "find" && !findActs(c)
	found := func(dir string, last bool) {
		switch {
		case len(x.root.below(dir)) == 0:
		case (readsOnly || kind == copies && !last) && !x.feeds(c):
			x.facts.trees[dir] = true
		default:
			x.facts.touched[dir] = true
		}
	}
	down := lists(c) || recursive(c)
	operands := 0
	for _, w := range c.Args {
		if !strings.HasPrefix(w.Value, "-") {
			operands++
		}
		for _, v := range append(w.Choices(), globOf(w)...) {
			if strings.HasPrefix(v, "-") {
				continue
			}
			if !path.IsAbs(v) && c.Dir == "" {
				v = "/"
			} else if !path.IsAbs(v) {
				v = path.Join(c.Dir, v)
			}
			v = path.Clean(v)
			switch {
			case down:
				found(v, isLast(c, w.Pos))
			case x.root.dirs[v] != nil && (kind == changes || kind == copies && isLast(c, w.Pos)) && c.Name != "mkdir":
				x.facts.touched[v] = true
			}
		}
	}
	if lists(c) && operands == 0 || recursive(c) && strings.HasSuffix(c.Name, "grep") && operands < 2 {
		found(first(c.Dir, "/"), false)
	}
}

// globs notes what a pattern without a directory stands for: the names of what
// is in the working directory.
func (x *examiner) globs(c *shell.Call) {
	for _, w := range c.Args {
		if globOf(w) == nil {
			continue
		}
		for _, name := range x.root.matching(path.Join(first(c.Dir, "/*"), w.Value)) {
			x.facts.reads[name] = true
		}
		if dir := first(c.Dir, "/"); len(x.root.below(dir)) > 0 {
			x.facts.trees[dir] = true
		}
	}
}

// globOf is a pattern that stands for what is in the working directory.
func globOf(w shell.Word) []string {
	if w.Glob && len(w.Choices()) == 0 && !strings.Contains(w.Value, "/") {
		return []string{"."}
	}
	return nil
}

// feeds reports whether what a call prints may name files that another command
// changes.
func (x *examiner) feeds(c *shell.Call) bool {
	for _, other := range x.facts.calls() {
		if other == c || other.Kind != shell.CallProgram {
			continue
		}
		if kind := commandKind(other); kind != changes && kind != worksInDir {
			continue
		}
		if other.Through("xargs") || slices.ContainsFunc(other.Args, func(w shell.Word) bool { return len(w.Choices()) == 0 && !w.Glob }) {
			return true
		}
	}
	return false
}

// runs looks at a program: one that an earlier step of the Dockerfile made may do
// anything.
func (x *examiner) runs(command, dir string) {
	if strings.Contains(command, "/") {
		if !path.IsAbs(command) {
			command = path.Join(dir, command)
		}
		if x.root.files[command] == nil && x.root.madeAt(path.Clean(command)) {
			x.facts.wild = "it runs " + command + ", which an earlier step made"
		}
		return
	}
	for m := range x.root.made {
		if path.Base(m) == command && command != "" {
			x.facts.wild = "it runs " + m + ", which an earlier step made"
		}
	}
}

// makes notes a path that a step puts something at.
func (x *examiner) makes(ref *shell.PathRef, call *shell.Call) {
	if strings.HasPrefix(ref.Path, "/dev/") {
		return
	}
	switch {
	case call == nil && ref.Access == shell.AccessWrite:
	case call == nil:
		return
	case call.Name == "mv" && isLast(call, ref.Pos), call.Name == "tee":
	case commandKind(call) == copies && isLast(call, ref.Pos):
	case ref.Access == shell.AccessWrite && commandKind(call) != changes:
	default:
		return
	}
	x.facts.made[ref.Path] = true
}

// touchAll notes that everything may change.
func (x *examiner) touchAll() { x.facts.touched["/"] = true }

// fromPath reports whether a bare command name may be a copied file.
func (x *examiner) fromPath(name string) bool {
	dirs, known := x.scope.env["PATH"]
	for file := range x.root.files {
		if path.Base(file) != name {
			continue
		}
		dir := path.Dir(file)
		if x.searches || !known && path.Base(dir) == "bin" || slices.Contains(strings.Split(dirs, ":"), dir) {
			return true
		}
	}
	return false
}

// path looks at one file name that a script mentions.
func (x *examiner) path(s *shell.Script, ref *shell.PathRef) {
	call := callAt(s, ref.Pos)
	if call != nil && (call.Unreached || shell.Never(call.Guards)) {
		return
	}
	x.makes(ref, call)
	if !ref.Glob {
		x.facts.named[ref.Path] = true
	}
	if ref.Glob {
		for _, name := range x.root.matching(ref.Path) {
			x.file(name, ref, call)
		}
		return
	}
	switch {
	case x.root.files[ref.Path] != nil:
		x.file(ref.Path, ref, call)
	case x.root.dirs[ref.Path] != nil:
		x.dir(ref.Path, ref, call)
	case x.own(ref.Path):
		x.missing(ref, call)
	case shows(ref, call) && len(x.root.below(ref.Path)) > 0:
		x.facts.trees[ref.Path] = true
	}
}

// shows reports whether a directory that is not a copy's own is read, so that
// what copies put there shows.
func shows(ref *shell.PathRef, call *shell.Call) bool {
	switch ref.Access {
	case shell.AccessRead:
		return true
	case shell.AccessMention:
		return call != nil && call.Kind == shell.CallProgram && !names(call) &&
			onlyReads(call, ref.Pos)
	}
	return false
}

// file is a copied file that is mentioned.
func (x *examiner) file(name string, ref *shell.PathRef, call *shell.Call) {
	if ref.Access == shell.AccessWrite || asksWritable(ref, call) {
		x.facts.touched[name] = true
		return
	}
	if ref.Access != shell.AccessMention || call == nil || call.Kind != shell.CallProgram {
		x.facts.reads[name] = true
		return
	}
	if onlyReads(call, ref.Pos) {
		x.facts.reads[name] = true
		return
	}
	x.facts.touched[name] = true
}

// asksWritable reports whether a test asks what a read-only mount denies.
func asksWritable(ref *shell.PathRef, call *shell.Call) bool {
	return ref.Access == shell.AccessTest && call != nil && call.HasArg("-w")
}

// dir is a directory of copied files that is mentioned.
func (x *examiner) dir(name string, ref *shell.PathRef, call *shell.Call) {
	if asksWritable(ref, call) {
		x.facts.touched[name] = true
		return
	}
	switch ref.Access {
	case shell.AccessWrite:
		x.facts.touched[name] = true
		return
	case shell.AccessDir, shell.AccessTest:
		x.facts.dirs[name] = true
		return
	case shell.AccessRead:
		x.facts.trees[name] = true
		return
	}
	switch {
	case call == nil || call.Kind != shell.CallProgram: // a variable's value, or a function's argument
		if call == nil || call.Kind == shell.CallBuiltin || call.Kind == shell.CallFunction {
			return
		}
	case call.Name == "mkdir", call.Name == "stat":
		x.facts.dirs[name] = true
	case names(call):
	case onlyReads(call, ref.Pos):
		x.facts.trees[name] = true
	default:
		x.facts.touched[name] = true
	}
}

// missing is a path below a copied directory that is not there.
func (x *examiner) missing(ref *shell.PathRef, call *shell.Call) {
	if call == nil { // a redirection, or a variable's value
		if ref.Access == shell.AccessWrite {
			x.facts.touched[ref.Path] = true
		}
		return
	}
	if ref.Access == shell.AccessTest || ref.Access == shell.AccessRead {
		return
	}
	if ref.Access == shell.AccessMention && call.Kind != shell.CallProgram {
		return
	}
	if kind := commandKind(call); ref.Bare && kind != changes && (kind != copies || !isLast(call, ref.Pos)) {
		return
	}
	if ref.Access == shell.AccessMention && (commandKind(call) == reads || names(call)) {
		return
	}
	x.facts.touched[ref.Path] = true
}

// callAt returns the innermost call that a position belongs to.
func callAt(s *shell.Script, pos shell.Pos) *shell.Call {
	var found *shell.Call
	for _, c := range s.Calls {
		if !pos.Before(c.Pos) && pos.Before(c.End) && (found == nil || found.Pos.Before(c.Pos)) {
			found = c
		}
	}
	return found
}

// onlyReads reports whether a program does no more than read the argument at a
// position.
func onlyReads(c *shell.Call, pos shell.Pos) bool {
	kind := commandKind(c)
	return kind == reads || kind == copies && !isLast(c, pos)
}

// isLast reports whether a position is that of a call's last argument.
func isLast(c *shell.Call, pos shell.Pos) bool {
	return len(c.Args) > 0 && c.Args[len(c.Args)-1].Pos == pos
}
