package migrate

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/paths"
)

// entrypointFiles makes the lists of entrypoint files: what lies below the
// install root at its own path is a script there, all else gets its target.
func (m settings) entrypointFiles() {
	var installed, configs []*copied
	for _, f := range m.copies {
		if f.class != atRuntime || f.entrypoint {
			continue
		}
		if m.installs(f) {
			installed = append(installed, f)
			continue
		}
		configs = append(configs, f)
		m.report.went(f.By.Start, Carried, "entrypoint.configuration_files")
	}
	m.out.configs = m.configs(configs)
	m.installedLists(installed, configs)
}

// installs reports whether a file becomes the same as a script of the
// entrypoint: below the install root, root's, executable. A script that is not
// executable becomes so.
func (m settings) installs(f *copied) bool {
	if f.Target != path.Join(installRoot, f.Source) || f.uid != 0 || f.gid != 0 || slices.ContainsFunc(m.copies, func(o *copied) bool { return o != f && o.entrypoint && o.Source == f.Source }) {
		return false
	}
	if f.mode.Perm() == 0o755 {
		return true
	}
	if f.mode.Perm() != 0o644 && f.mode.Perm() != 0o664 && f.mode.Perm() != 0o775 || !m.isScript(f.Source) {
		return false
	}
	m.report.differ("scripts of the entrypoint are executable, with mode 0755", []string{f.Target}, nil)
	return true
}

// config is a file with a target of its own.
func (m settings) config(f *copied) *config {
	c := &config{source: m.configText(f, f.Source), target: m.targetText(f.By, f.Target), mode: f.mode}
	gid := 0
	if u := m.out.user; u != nil {
		gid = u.gid
	}
	if f.owner != "" {
		c.owner = f.owner
	} else if f.uid != 0 || f.gid != gid {
		c.owner = m.ownerText(f.uid, f.gid)
	}
	return c
}

// configText is a path of the context where no glob is read.
func (m settings) configText(f *copied, source string) string {
	return m.contextPath(f.By, source, escapedPath)
}

// configs are the entries of files with targets of their own. Where a COPY of a
// directory brought all of its files, to be of one mode and owner, the entry is
// the directory: what is added to it later goes along, as it did.
func (m settings) configs(files []*copied) []*config {
	var out []*config
	within := map[string]bool{} // targets of the directories that are listed
	bySource := map[string][]*copied{}
	for _, f := range files {
		bySource[f.Source] = append(bySource[f.Source], f)
	}
	for _, f := range files {
		if within[f.Target] {
			continue
		}
		one := m.config(f)
		for dir, target := path.Dir(f.Source), path.Dir(f.Target); dir != "." && target != "/"; dir, target = path.Dir(dir), path.Dir(target) {
			all := m.tree(f, dir, target, bySource, func(o *copied) bool {
				return o.mode == f.mode && o.uid == f.uid && o.gid == f.gid && o.owner == f.owner
			})
			if len(all) == 0 {
				break
			}
			if len(all) > 1 {
				one.source, one.target = m.configText(f, dir)+"/", m.targetText(f.By, target)+"/"
			}
			for _, name := range all {
				within[name] = true
			}
			if path.Base(dir) != path.Base(target) {
				break
			}
		}
		out = append(out, one)
	}
	return out
}

// tree returns the targets of all files of a directory that a file's COPY
// brought to another one, or nothing if that is not what it did, or not all are alike.
func (m *contents) tree(f *copied, dir, target string, bySource map[string][]*copied, alike func(o *copied) bool) []string {
	if cmd, ok := f.By.Command.(*instructions.CopyCommand); ok && len(cmd.ExcludePatterns) > 0 {
		return nil // it may leave out what is added
	}
	if !slices.ContainsFunc(f.By.Copy.Sources, func(s string) bool {
		s = paths.Inside(s)
		return m.isDir(s) && (s == "" || paths.Within(dir, s))
	}) {
		return nil
	}
	var out []string
	for name, err := range m.below(dir) {
		to := path.Join(target, strings.TrimPrefix(name, dir+"/"))
		if err != nil || !slices.ContainsFunc(bySource[name], func(o *copied) bool { return o.Target == to && o.By == f.By && alike(o) }) {
			return nil
		}
		out = append(out, to)
	}
	return out
}

// ownerText is an owner as the build file has it.
func (m *draft) ownerText(uid, gid int) string {
	for _, u := range m.out.users() {
		if uid == u.uid && gid == u.gid {
			return u.name
		}
	}
	if uid == 0 && gid == 0 {
		return "root"
	}
	return strconv.Itoa(uid) + ":" + strconv.Itoa(gid)
}

// installedLists sorts scripts into utilities and runtime scripts, as the
// conventional tree has them, and names whole directories where all of their
// files belong there.
func (m settings) installedLists(files, configs []*copied) {
	var utilities, runtimes []string
	for _, f := range files {
		if strings.Contains("/"+f.Source, "/utils/") || strings.Contains("/"+f.Source, "/lib/") {
			utilities = append(utilities, f.Source)
			m.report.went(f.By.Start, Carried, "entrypoint.utility_scripts")
		} else {
			runtimes = append(runtimes, f.Source)
			m.report.went(f.By.Start, Carried, "entrypoint.runtime_scripts")
		}
	}
	named := map[string]bool{}
	if m.out.entrypoint != nil {
		named[*m.out.entrypoint] = true
	}
	for _, f := range configs {
		named[f.Source] = true
	}
	m.out.utilities = m.folders(slices.Compact(slices.Sorted(slices.Values(utilities))), named)
	for _, name := range utilities {
		named[name] = true
	}
	m.out.runtimes = m.folders(slices.Compact(slices.Sorted(slices.Values(runtimes))), named)
}

// folders names a directory in place of its files, where the context has no other
// file there but those that another list names.
func (m settings) folders(files []string, named map[string]bool) []string {
	var out []string
	for _, name := range m.joined(files, named, 1) {
		out = append(out, escapedGlob(name))
	}
	return out
}
