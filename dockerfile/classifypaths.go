package dockerfile

import (
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// makes notes a path that a step puts something at.
func (x *classifier) makes(ref *shell.PathRef, call *shell.Call) {
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
	x.facts.Made[ref.Path] = true
}

// path looks at one file name that a script mentions.
func (x *classifier) path(s *shell.Script, ref *shell.PathRef) {
	call := s.CallAt(ref.Pos)
	if call != nil && (call.Unreached || shell.Never(call.Guards) || isMode(call, ref.Pos)) {
		return
	}
	x.makes(ref, call)
	if !ref.Glob {
		x.facts.Named[ref.Path] = true
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
		x.facts.Trees[ref.Path] = true
	}
}

// isMode reports whether a word is the mode that chmod sets, or an owner, and so
// no path.
func isMode(c *shell.Call, pos shell.Pos) bool {
	switch c.Name {
	case "chmod", "chown", "chgrp":
		for _, w := range c.Args {
			if !strings.HasPrefix(w.Value, "--reference") && strings.HasPrefix(w.Value, "-") {
				continue
			}
			return w.Pos == pos && !strings.HasPrefix(w.Value, "-")
		}
	}
	return false
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
func (x *classifier) file(name string, ref *shell.PathRef, call *shell.Call) {
	if ref.Access == shell.AccessWrite || asksWritable(ref, call) {
		x.facts.Touched[name] = true
		return
	}
	if ref.Access != shell.AccessMention || call == nil || call.Kind != shell.CallProgram {
		x.facts.Reads[name] = true
		return
	}
	if onlyReads(call, ref.Pos) {
		x.facts.Reads[name] = true
		return
	}
	x.facts.Touched[name] = true
}

// asksWritable reports whether a test asks what a read-only mount denies.
func asksWritable(ref *shell.PathRef, call *shell.Call) bool {
	return ref.Access == shell.AccessTest && call != nil && call.HasArg("-w")
}

// dir is a directory of copied files that is mentioned.
func (x *classifier) dir(name string, ref *shell.PathRef, call *shell.Call) {
	if asksWritable(ref, call) {
		x.facts.Touched[name] = true
		return
	}
	switch ref.Access {
	case shell.AccessWrite:
		x.facts.Touched[name] = true
		return
	case shell.AccessDir, shell.AccessTest:
		x.facts.Dirs[name] = true
		return
	case shell.AccessRead:
		x.facts.Trees[name] = true
		return
	}
	switch {
	case call == nil || call.Kind != shell.CallProgram: // a variable's value, or a function's argument
		if call == nil || call.Kind == shell.CallBuiltin || call.Kind == shell.CallFunction {
			return
		}
	case call.Name == "mkdir", call.Name == "stat":
		x.facts.Dirs[name] = true
	case names(call):
	case onlyReads(call, ref.Pos):
		x.facts.Trees[name] = true
	default:
		x.facts.Touched[name] = true
	}
}

// missing is a path below a copied directory that is not there.
func (x *classifier) missing(ref *shell.PathRef, call *shell.Call) {
	if call == nil { // a redirection, or a variable's value
		if ref.Access == shell.AccessWrite {
			x.facts.Touched[ref.Path] = true
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
	x.facts.Touched[ref.Path] = true
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
