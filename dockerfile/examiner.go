package dockerfile

import (
	"path"
	"slices"
	"strings"

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
	if !searches(name) {
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
		if u.Optional || shell.Never(u.Guards) {
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
		for _, name := range x.root.matching(c.Absolute) {
			x.facts.reads[name] = true
		}
	case x.root.files[c.Absolute] != nil:
		x.facts.reads[c.Absolute] = true
	case x.root.madeAt(c.Absolute):
		x.facts.wild = "it runs " + c.Absolute + ", which an earlier step made"
	case x.own(c.Absolute) && !c.Optional:
		x.giveUp("it runs " + c.Absolute + ", which is not among the copied files")
	}
}

func (x *examiner) script(s *shell.Script) {
	name := "/" + s.Path
	if x.root.files[name] != nil {
		x.facts.reads[name] = true
		if !s.Shell {
			x.giveUp(base(name) + " is not a shell script")
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
	if c.Kind == shell.CallDynamic {
		x.giveUp(base(s.Path) + " runs a command whose name is known only when it runs")
		return
	}
	if c.Kind != shell.CallProgram {
		return
	}
	if x.fromPath(c.Name) {
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
	x.arguments(c, kind)
	if !recursive(c) {
		return
	}
	for _, w := range c.Args {
		for _, v := range w.Choices() {
			if v = path.Clean(v); isSystemDir(v) && len(x.root.below(v)) > 0 {
				if kind == reads || c.Name == "find" && !findActs(c) {
					x.facts.trees[v] = true
				} else {
					x.facts.touched[v] = true
				}
			}
		}
	}
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
	case names(call):
	case call.Name == "mkdir":
		x.facts.dirs[name] = true
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
