package narrow

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/paths"
)

// files is a file operation as a step sees it: of the context it copies no more
// than that.
func (a *applier) files(r ref, op *pb.Op, o *pb.FileOp, by digest.Digest, name string) ref {
	out := &pb.Op{Constraints: op.Constraints, Platform: op.Platform}
	base := a.seen(input(op, o.Actions[0].Input), by)
	on := add(out, base)
	c, err := a.chain(r)
	a.fail(err)
	var actions []*pb.FileAction
	for i, action := range o.Actions {
		if action.GetCopy() == nil || !a.isContext(input(op, action.SecondaryInput).vertex) {
			action = action.CloneVT()
			action.SecondaryInput = add(out, a.wide(input(op, action.SecondaryInput)))
			actions = append(actions, action)
			continue
		}
		var list []*copied
		for _, one := range c.copies {
			if one.vertex == r.vertex && one.action == i {
				list = append(list, one)
			}
		}
		context := func() int64 { return add(out, a.kept(input(op, action.SecondaryInput))) }
		if sees := a.times(by); sees != nil {
			action = action.CloneVT()
			action.SecondaryInput = context()
			actions = append(append(actions, action), a.retimed(list, sees, context)...)
			continue
		}
		actions = append(actions, a.copies(list, a.sees[by], context)...)
	}
	if len(actions) == 0 {
		return base
	}
	count := int64(len(out.Inputs))
	for i, action := range actions {
		action.Input, action.Output = count+int64(i)-1, int64(pb.SkipOutput)
		if i == 0 {
			action.Input = on
		}
		if i == len(actions)-1 {
			action.Output = 0
		}
		owned(action)
	}
	out.Op = &pb.Op_File{File: &pb.FileOp{Actions: actions}}
	return ref{a.like(out, r.vertex, name), 0}
}

func (a *applier) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// owned lets the names of an action's owner be those of what it works on.
func owned(action *pb.FileAction) {
	for _, o := range []*pb.ChownOpt{action.GetCopy().GetOwner(), action.GetMkdir().GetOwner(), action.GetMkfile().GetOwner(), action.GetSymlink().GetOwner()} {
		for _, u := range []*pb.UserOpt{o.GetUser(), o.GetGroup()} {
			if name := u.GetByName(); name != nil {
				name.Input = action.Input
			}
		}
	}
}

// narrowCopy is what a step sees of one copy's files.
type narrowCopy struct {
	*applier
	sees *sight
	copy *pb.FileActionCopy
	// dirs are made, with the modes that they have; empty are files that are no more
	// than names, in a directory that is listed; links and files are copied.
	dirs  map[string]fs.FileMode
	empty map[string]bool
	// files are by what they are copied from.
	files map[*copied][]string
}

// copies are the actions in place of one copy.
func (a *applier) copies(list []*copied, sees *sight, context func() int64) []*pb.FileAction {
	if len(list) == 0 {
		return nil
	}
	n := a.narrowCopy(list[0].copy, sees)
	for _, c := range list {
		switch {
		case c.unsure:
			n.files[c] = append(n.files[c], c.target)
		case c.dir:
			n.dirs[c.target] = n.made()
			a.fail(n.below(c))
		case sees.at[c.target]:
			n.files[c] = append(n.files[c], c.target)
		default:
			n.dirs[path.Dir(c.target)] = n.made()
			f, err := a.tree.at(c, c.target)
			a.fail(err)
			if f != nil && (!pattern(c.copy) || sees.names[path.Dir(c.target)]) {
				n.empty[c.target] = true
			}
		}
	}
	return n.actions(list, context)
}

func (a *applier) narrowCopy(c *pb.FileActionCopy, sees *sight) *narrowCopy {
	return &narrowCopy{a, sees, c, map[string]fs.FileMode{}, map[string]bool{}, map[*copied][]string{}}
}

// made is the mode of directories that a copy makes above what it copies.
func (n *narrowCopy) made() fs.FileMode {
	const usual = 0o755
	if n.copy.Mode >= 0 {
		return fs.FileMode(n.copy.Mode)
	}
	return usual
}

// mode is the mode that a file gets.
func (n *narrowCopy) mode(info fs.FileInfo) fs.FileMode {
	if n.copy.Mode >= 0 {
		return fs.FileMode(n.copy.Mode)
	}
	return info.Mode().Perm()
}

// below collects what is seen in a directory that is copied.
func (n *narrowCopy) below(c *copied) error {
	for _, name := range slices.Sorted(maps.Keys(n.sees.at)) {
		if err := n.path(c, name, false); err != nil {
			return err
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(n.sees.names)) {
		if !paths.Within(dir, c.target) {
			continue
		}
		entries, err := n.tree.names(c, dir)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			if err := n.path(c, path.Join(dir, name), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// path adds a path of a directory that is copied, and the directories above it;
// listed, it need not be more than a name.
func (n *narrowCopy) path(c *copied, name string, listed bool) error {
	if !paths.Below(name, c.target) {
		return nil
	}
	f, err := n.tree.at(c, name)
	if err != nil || f == nil {
		return err
	}
	switch {
	case f.kind == directory:
		n.dirs[name] = n.mode(f.info)
	case f.kind == file && listed && !n.sees.at[name]:
		n.empty[name] = true
	case !slices.Contains(n.files[c], name):
		n.files[c] = append(n.files[c], name)
	}
	return n.path(c, path.Dir(name), false)
}

// plain are names that mean themselves in a pattern.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./@+=~,-]+$`)

// actions makes directories, copies files, and makes names.
func (n *narrowCopy) actions(list []*copied, context func() int64) []*pb.FileAction {
	var out []*pb.FileAction
	for _, dir := range slices.Sorted(maps.Keys(n.dirs)) {
		if dir == "/" {
			continue
		}
		out = append(out, &pb.FileAction{SecondaryInput: int64(pb.Empty), Action: &pb.FileAction_Mkdir{Mkdir: &pb.FileActionMkDir{
			Path: dir, Mode: int32(n.dirs[dir]), MakeParents: true, Owner: n.copy.Owner.CloneVT(), Timestamp: n.sees.old(n.copy),
		}}})
	}
	done := map[string]bool{}
	for _, c := range list {
		names := n.files[c]
		slices.Sort(names)
		switch {
		case len(names) == 0 || c.unsure && done[c.source]:
		case c.unsure: // it finds its place as it does without a record
			done[c.source] = true
			out = append(out, n.from(c.source, n.copy.Dest, context()))
		case !c.dir:
			out = append(out, n.from(c.source, c.target, context()))
		default:
			out = append(out, n.fromDirectory(c, names, context)...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.empty)) {
		out = append(out, &pb.FileAction{SecondaryInput: int64(pb.Empty), Action: &pb.FileAction_Mkfile{Mkfile: &pb.FileActionMkFile{
			Path: name, Mode: 0o644, Owner: n.copy.Owner.CloneVT(), Timestamp: n.sees.old(n.copy),
		}}})
	}
	return out
}

// from copies one path of the context.
func (n *narrowCopy) from(source, target string, context int64) *pb.FileAction {
	c := n.copy.CloneVT()
	c.Src, c.Dest, c.Timestamp = path.Join("/", source), target, n.sees.old(c)
	c.AllowWildcard, c.AllowEmptyWildcard, c.ExcludePatterns = false, false, nil
	return &pb.FileAction{SecondaryInput: context, Action: &pb.FileAction_Copy{Copy: c}}
}

// fromDirectory copies files of a directory, at once as far as patterns can name
// them.
func (n *narrowCopy) fromDirectory(c *copied, names []string, context func() int64) []*pb.FileAction {
	var out []*pb.FileAction
	all := n.from(c.source, c.target, context())
	all.GetCopy().ExcludePatterns = n.copy.ExcludePatterns
	for _, name := range n.condensed(c, names) {
		rel := strings.TrimPrefix(name[len(c.target):], "/")
		if plain.MatchString(rel) {
			all.GetCopy().IncludePatterns = append(all.GetCopy().IncludePatterns, rel)
			continue
		}
		one := n.from(path.Join(c.source, rel), name, context())
		one.GetCopy().FollowSymlink = false
		out = append(out, one)
	}
	if len(all.GetCopy().IncludePatterns) > 0 {
		out = append(out, all)
	}
	return out
}

// condensed are paths of a directory that is copied: in place of files, a directory
// in which there is nothing else. There may be thousands of files.
func (n *narrowCopy) condensed(c *copied, names []string) []string {
	wanted := map[string]bool{} // with the directories above
	for _, name := range names {
		for at := name; paths.Below(at, c.target) && !wanted[at]; at = path.Dir(at) {
			wanted[at] = true
		}
	}
	all := map[string]bool{} // directories of which all is wanted
	var whole func(dir string) bool
	whole = func(dir string) bool {
		entries, err := n.tree.names(c, dir)
		n.fail(err)
		out := len(entries) > 0
		for name, f := range entries {
			at := path.Join(dir, name)
			switch {
			case !wanted[at]:
				out = false
			case f.kind == directory:
				out = whole(at) && n.dirs[at] > 0 && out
			}
		}
		all[dir] = out
		return out
	}
	whole(c.target)
	var out []string
	for _, name := range names {
		for at := path.Dir(name); at != c.target && paths.Below(at, c.target) && all[at]; at = path.Dir(at) {
			name = at
		}
		out = append(out, name)
	}
	return slices.Compact(out)
}
