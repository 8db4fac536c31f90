package migrate

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// entrypointFiles makes the lists of entrypoint files: what lies below the
// install root at its own path is a script there, all else gets its target.
func (m *migration) entrypointFiles() {
	var installed []*copied
	for _, f := range m.copies {
		if f.class != atRuntime || f.entrypoint {
			continue
		}
		if m.installs(f) {
			installed = append(installed, f)
			continue
		}
		m.out.configs = append(m.out.configs, m.config(f))
		m.report.went(f.By.Start, Carried, "entrypoint.configuration_files")
	}
	m.installedLists(installed)
}

// installs reports whether a file becomes the same as a script of the
// entrypoint: below the install root, root's, executable. A script that is not
// executable becomes so.
func (m *migration) installs(f *copied) bool {
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

// isScript reports whether a file is a script, by its name or first line.
func (m *migration) isScript(source string) bool {
	if path.Ext(source) == ".sh" || path.Ext(source) == ".bash" {
		return true
	}
	data, err := fs.ReadFile(m.overlay(), source)
	return err == nil && bytes.HasPrefix(data, []byte("#!"))
}

// config is a file with a target of its own.
func (m *migration) config(f *copied) *config {
	c := &config{source: f.Source, target: f.Target, mode: f.mode}
	gid := 0
	if u := m.out.user; u != nil {
		gid = u.gid
	}
	if f.uid != 0 || f.gid != gid {
		c.owner = m.ownerText(f.uid, f.gid)
	}
	return c
}

// ownerText is an owner as the build file has it.
func (m *migration) ownerText(uid, gid int) string {
	if u := m.out.user; u != nil && uid == u.uid && gid == u.gid {
		return u.name
	}
	if uid == 0 && gid == 0 {
		return "root"
	}
	return strconv.Itoa(uid) + ":" + strconv.Itoa(gid)
}

// installedLists sorts scripts into utilities and runtime scripts, as the
// conventional tree has them, and names whole directories where all of their
// files belong there.
func (m *migration) installedLists(files []*copied) {
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
	for _, c := range m.out.configs {
		named[c.source] = true
	}
	m.out.utilities = m.directories(sorted(utilities), named)
	for _, name := range utilities {
		named[name] = true
	}
	m.out.runtimes = m.directories(sorted(runtimes), named)
}

// directories names a directory in place of its files, where the context has no
// other file there but those that another list names.
func (m *migration) directories(files []string, named map[string]bool) []string {
	listed := map[string]bool{}
	for _, name := range files {
		listed[name] = true
	}
	var out []string
	for _, name := range files {
		if slices.ContainsFunc(out, func(o string) bool { return strings.HasSuffix(o, "/") && strings.HasPrefix(escapedGlob(name), o) }) {
			continue
		}
		at := name
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if !m.allListed(dir, listed, named) {
				break
			}
			at = dir + "/"
		}
		out = append(out, escapedGlob(at))
	}
	return out
}

func (m *migration) allListed(dir string, listed, named map[string]bool) bool {
	all := true
	err := fs.WalkDir(m.overlay(), dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && !listed[name] && !named[name] {
			all = false
			return fs.SkipAll
		}
		return nil
	})
	return all && err == nil
}
