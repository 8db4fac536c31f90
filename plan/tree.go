package plan

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
)

// fileTree is what file operations make of nothing and of the build context: files
// that an instruction brings along, or that pgstrata mounts. Whoever uses it does
// so by its content, so what counts is what comes out of the operations.
type fileTree struct {
	// entries are by their paths, without the slash in front.
	entries map[string]entry
	// edges are the nodes that files were taken from.
	edges []Edge
}

// comesAlong makes a tree of a vertex whose files were not added to any node's;
// ok is false of any other.
func (r *reader) comesAlong(d digest.Digest, op *pb.Op, o *pb.FileOp) (ok bool, err error) {
	if !internal(r.name(d)) || o.Actions[0].GetRm() != nil { // which leaves no file that could come along
		return false, nil
	}
	count := int64(len(op.Inputs))
	// What each action made, behind the vertex's inputs: so actions number them.
	states := make([]*fileTree, count, count+int64(len(o.Actions)))
	for i := range count {
		states[i] = r.trees[input(op, i)]
	}
	for _, action := range o.Actions {
		made := &fileTree{entries: map[string]entry{}}
		if i := action.Input; i >= 0 {
			if states[i] == nil { // it is added to a node's files
				return false, nil
			}
			made.entries, made.edges = maps.Clone(states[i].entries), slices.Clone(states[i].edges)
		}
		if err := r.act(made, states, op, action, r.name(d)); err != nil {
			return false, err
		}
		states = append(states, made)
		if action.Output == 0 {
			r.trees[d] = made
		}
	}
	return true, nil
}

// act does to a tree what one action does.
func (r *reader) act(t *fileTree, states []*fileTree, op *pb.Op, action *pb.FileAction, name string) error {
	switch a := action.Action.(type) {
	case *pb.FileAction_Mkdir:
		t.parents(a.Mkdir.Path+"/x", fs.FileMode(a.Mkdir.Mode), a.Mkdir.Owner)
	case *pb.FileAction_Mkfile:
		to := paths.Inside(a.Mkfile.Path)
		t.entries[to] = entry{
			kind: "document", name: strings.TrimPrefix(splitName(name).text, "preparing "), value: sum(string(a.Mkfile.Data)), mode: modes.Octal(fs.FileMode(a.Mkfile.Mode)) + ownedBy(a.Mkfile.Owner),
		}
	case *pb.FileAction_Copy:
		return r.copy(t, states, op, action.SecondaryInput, a.Copy)
	default: // not known: it counts as it is written
		text, err := json.Marshal(action.Action)
		t.entries["?"+sum(string(text))] = entry{kind: "document", name: splitName(name).text, value: string(text)}
		return err
	}
	return nil
}

// copy does to a tree what a copy does (fsutil/copy has the rules).
func (r *reader) copy(t *fileTree, states []*fileTree, op *pb.Op, from int64, c *pb.FileActionCopy) error {
	if from < 0 {
		return nil
	}
	s := copySelector(c)
	var found []entry
	switch {
	case states[from] != nil:
		found = states[from].find(s)
		t.edges = append(t.edges, states[from].edges...)
	case from < int64(len(op.Inputs)) && r.isContext(op, from):
		var err error
		if found, err = r.files.selected(s); err != nil {
			return err
		}
	default: // files of a node: what they are is its content's matter
		_, edges, err := r.content(op, from, []selector{s})
		if err != nil {
			return err
		}
		t.edges = append(t.edges, edges...)
		text, err := json.Marshal(c)
		t.entries["?"+sum(string(text))] = entry{kind: "copy", name: paths.Inside(c.Src), value: sum(string(text))}
		return err
	}
	mode := fs.FileMode(0o755) // of directories that the copy has to make
	if c.Mode >= 0 && c.ModeStr == "" {
		mode = fs.FileMode(c.Mode)
	}
	dest := paths.Inside(c.Dest)
	if strings.HasSuffix(c.Dest, "/") {
		t.parents(dest+"/x", mode, c.Owner)
	}
	for top := 0; top < len(found); { // one for each match, with what is below it
		end := top + 1
		for end < len(found) && found[end].as != "" {
			end++
		}
		t.lay(found[top:end], dest, mode, c)
		top = end
	}
	return nil
}

// lay lays one file, or a directory with all that is in it, on a tree.
func (t *fileTree) lay(found []entry, dest string, mode fs.FileMode, c *pb.FileActionCopy) {
	top := found[0]
	_, there := t.entries[dest]
	there = there || dest == ""
	directory := top.kind == "directory"
	switch {
	case directory && c.DirCopyContents:
		t.parents(path.Join(dest, "x"), mode, c.Owner)
		found = found[1:] // it has the mode of what is there, or was made
	case there && (directory || dest == "" || t.entries[dest].kind == "directory"):
		dest = path.Join(dest, path.Base(paths.Inside(top.name)))
	}
	t.parents(dest, mode, c.Owner)
	for _, e := range found {
		switch {
		case e.kind == "link":
		case c.ModeStr != "":
			e.mode = c.ModeStr + " of " + e.mode
		case c.Mode >= 0:
			e.mode = modes.Octal(fs.FileMode(c.Mode)) + bits(c.Mode)
		}
		e.mode += ownedBy(c.Owner)
		if c.AttemptUnpackDockerCompatibility {
			e.mode += " unpacked"
		}
		t.entries[path.Join(dest, e.as)] = e
	}
}

// parents adds the directories above a path that are not there.
func (t *fileTree) parents(name string, mode fs.FileMode, owner *pb.ChownOpt) {
	for dir := path.Dir(paths.Inside(name)); dir != "."; dir = path.Dir(dir) {
		if _, ok := t.entries[dir]; !ok {
			t.entries[dir] = entry{kind: "directory", name: dir, mode: modes.Octal(mode) + ownedBy(owner)}
		}
	}
}

// find lists what a selector names; everything, where it names more than a path
// of the tree.
func (t *fileTree) find(s selector) []entry {
	name := paths.Inside(s.path)
	if top, ok := t.entries[name]; s.plain() && ok && top.kind != "link" {
		return t.below(name)
	}
	return t.below("")
}

// below lists a path of the tree and what is below it.
func (t *fileTree) below(name string) []entry {
	var out []entry
	if name == "" {
		out = append(out, entry{kind: "directory", name: "/"})
	}
	for _, p := range slices.Sorted(maps.Keys(t.entries)) {
		rest, ok := strings.CutPrefix(p, name)
		if !ok || name != "" && rest != "" && rest[0] != '/' {
			continue
		}
		e := t.entries[p]
		e.as = strings.TrimPrefix(rest, "/")
		out = append(out, e)
	}
	return out
}

// selected are the parts of what selectors name.
func (t *fileTree) selected(list []selector) []Part {
	var out []Part
	for _, s := range list {
		out = append(out, partsOf(t.find(s), s.path)...)
	}
	return out
}

// bits are those of a mode besides the permissions.
func bits(mode int32) string {
	if mode&^0o777 == 0 {
		return ""
	}
	return fmt.Sprintf(" (%o)", mode)
}

// ownedBy is what an owner that is set adds to a mode.
func ownedBy(o *pb.ChownOpt) string {
	if o == nil || owned(o) == "0:0" { // as files of the context are
		return ""
	}
	return " " + owned(o)
}
