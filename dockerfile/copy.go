package dockerfile

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
)

// copyEffect is a COPY or ADD of files of the build context whose effect is known.
type copyEffect struct {
	// files are the paths that it makes, sorted; dest is where they go.
	files []string
	by    map[string]*CopiedFile
	dest  string
	// whole says that every source is a directory, so that what it holds is
	// copied as it is.
	whole bool
	// plain says that what it makes of its source's own directory has the
	// mode that the source has.
	plain bool
	// listed says that every source is a file and goes into a directory.
	listed bool
	// scripts are the files among all copies that drivers run.
	scripts map[string]bool
	// of is the copy that this is a part of; nil for a whole one.
	of *copyEffect
	// chmod is its flag's value.
	chmod string
	// unasked says that nobody tells what its directories hold besides.
	unasked bool
	// dirs are the directories that it makes, but for those that every image
	// has.
	dirs []string
	// movable says that steps which do not name its files do not depend on
	// them: none is in a place that programs read without being told to, or
	// has an owner whose number a step may change.
	movable bool
}

// everything are the files and directories of the whole copy that this is, or is
// a part of.
func (c *copyEffect) everything() []string {
	for c.of != nil {
		c = c.of
	}
	return slices.Concat(c.files, c.dirs)
}

// sources is what COPY and ADD have in common.
type sources struct {
	instructions.SourcesAndDest
	from, chmod, chown string
	excludes           []string
	add, plain         bool // plain: no flag that changes which files are copied
}

// context are the paths of the build context among them, as they are written.
func (s sources) context() []string {
	if s.from != "" {
		return nil
	}
	return s.SourcePaths
}

func sourcesOf(cmd any) sources {
	switch c := cmd.(type) {
	case *instructions.CopyCommand:
		return sources{c.SourcesAndDest, c.From, c.Chmod, c.Chown, c.ExcludePatterns, false, !c.Parents}
	case *instructions.AddCommand:
		return sources{c.SourcesAndDest, "", c.Chmod, c.Chown, c.ExcludePatterns, true, c.Checksum == "" && c.KeepGitDir == nil && c.Unpack == nil}
	}
	return sources{}
}

// copies works out which files an instruction copies; nil when that is not
// known. The root file system gets them.
func (r *rootfs) copies(it *Item) *copyEffect {
	src := sourcesOf(it.In.Command)
	dest, ok := it.scope.Expand(src.DestPath)
	if ok && !path.IsAbs(dest) {
		ok = it.scope.Dir != ""
		dest = path.Join(it.scope.Dir, dest) + trailing(dest)
	}
	if !ok {
		r.forget("/")
		return nil
	}
	c := &copyEffect{dest: path.Clean(dest), chmod: src.chmod, movable: src.chown == "" && !r.madeNear(path.Clean(dest))}
	if src.from != "" || !src.plain || len(src.SourceContents) > 0 || len(src.excludes) > 0 || !r.collect(it, src, dest, c) {
		r.forget(c.dest)
		return nil
	}
	return c
}

// trailing is the slash, or the dot, that makes a destination a directory.
func trailing(dest string) string {
	if strings.HasSuffix(dest, "/") || path.Base(dest) == "." {
		return "/"
	}
	return ""
}

func (r *rootfs) collect(it *Item, src sources, dest string, c *copyEffect) bool {
	files := map[string]*CopiedFile{}
	var list []string
	for _, word := range src.SourcePaths {
		name, ok := it.scope.Expand(word)
		if !ok || strings.Contains(name, "://") || strings.HasPrefix(name, "git@") {
			return false
		}
		names, err := fs.Glob(r.context, paths.Inside(name))
		if path.Clean("/"+name) == "/" {
			names, err = []string{"."}, nil
		}
		if err != nil || len(names) == 0 {
			return false
		}
		list = append(list, names...)
	}
	c.plain = true
	c.whole = !slices.ContainsFunc(list, func(name string) bool {
		info, err := fs.Stat(r.context, name)
		c.plain = c.plain && err == nil && info.Mode().Perm() == 0o755
		return err != nil || !info.IsDir()
	})
	c.listed = true
	for _, name := range list {
		info, err := fs.Stat(r.context, name)
		c.listed = c.listed && err == nil && info.Mode().IsRegular()
	}
	into := strings.HasSuffix(dest, "/") || len(list) > 1 || r.dirs[c.dest] != nil || paths.Everywhere(c.dest)
	c.listed = c.listed && into
	dirs := map[string]bool{}
	for _, name := range list {
		if !r.tree(src, name, c.dest, into, files, dirs) {
			return false
		}
	}
	for name, f := range files {
		c.files = append(c.files, name)
		c.movable = c.movable && !paths.Implicit(name) && plainName(f.Source) && plainName(name) && (f.Mode.IsRegular() || f.Mode.IsDir())
	}
	slices.Sort(c.files)
	c.by = files
	for _, name := range c.files {
		r.forgetFile(name)
		r.add(name, files[name])
	}
	for dir := range dirs {
		for ; !paths.Shared(dir); dir = path.Dir(dir) {
			c.dirs = append(c.dirs, dir)
			if r.dirs[dir] == nil {
				r.dirs[dir] = &copiedDir{complete: true}
			}
		}
	}
	slices.Sort(c.dirs)
	c.dirs = slices.Compact(c.dirs)
	return true
}

// forgetFile drops what a file takes the place of.
func (r *rootfs) forgetFile(name string) {
	r.drop(name)
	delete(r.dirs, name)
}

// tree lists what one source becomes: a file, or what a directory holds.
func (r *rootfs) tree(src sources, name, dest string, into bool, files map[string]*CopiedFile, dirs map[string]bool) bool {
	info, err := fs.Stat(r.context, name)
	if err != nil {
		return false
	}
	if !info.IsDir() {
		if unpacks, known := Unpacks(r.context, name); src.add && (unpacks || !known) {
			return false
		}
		if into {
			dest = path.Join(dest, path.Base(name))
		}
		dirs[path.Dir(dest)] = true
		files[dest] = &CopiedFile{Target: dest, Source: name, Mode: changed(info.Mode(), src.chmod)}
		return true
	}
	err = fs.WalkDir(r.context, name, func(p string, d fs.DirEntry, err error) error {
		rest := strings.TrimPrefix(strings.TrimPrefix(p, name), "/")
		if name == "." {
			rest = p
		}
		if err != nil || d.IsDir() {
			dirs[path.Join(dest, rest)] = true
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		target := path.Join(dest, rest)
		files[target] = &CopiedFile{Target: target, Source: p, Mode: changed(info.Mode(), src.chmod)}
		return nil
	})
	return err == nil
}

// changed is a mode after --chmod; an irregular one when it is not known.
func changed(mode fs.FileMode, chmod string) fs.FileMode {
	if chmod == "" {
		return mode
	}
	if n, ok := modes.Number(chmod); ok {
		return mode&^fs.ModePerm | n.Perm()
	}
	return mode | fs.ModeIrregular
}

// plainName reports whether a name can be written into an instruction's flag
// as it is: BuildKit reads flags byte by byte.
func plainName(name string) bool {
	ascii := !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII })
	return ascii && !strings.ContainsAny(name, " \t\n\r,\"'\\$`*?[]{}<>|&;#!()=") && name != "."
}
