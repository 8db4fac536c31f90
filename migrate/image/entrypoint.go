package image

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
)

// entrypointFiles makes the lists of entrypoint files: what lies below the
// install root at its own path is a script there, all else gets its target.
func (m settings) entrypointFiles() {
	var installed, configs []*commands.Copied
	for _, f := range m.Copies {
		if f.Class != commands.AtRuntime || f.Entrypoint {
			continue
		}
		if m.installs(f) {
			installed = append(installed, f)
			continue
		}
		configs = append(configs, f)
		m.Report.Record(f.By.Start, report.Carried, "entrypoint.configuration_files")
	}
	m.Out.Configs = m.configs(configs)
	m.installedLists(installed, configs)
}

// installs reports whether a file becomes the same as a script of the
// entrypoint: below the install root, root's, executable. A script that is not
// executable becomes so.
func (m settings) installs(f *commands.Copied) bool {
	if f.Target != path.Join(installRoot, f.Source) || f.UID != 0 || f.GID != 0 || slices.ContainsFunc(m.Copies, func(o *commands.Copied) bool { return o != f && o.Entrypoint && o.Source == f.Source }) {
		return false
	}
	if f.ImageMode.Perm() == 0o755 {
		return true
	}
	if f.ImageMode.Perm() != 0o644 && f.ImageMode.Perm() != 0o664 && f.ImageMode.Perm() != 0o775 || !m.IsScript(f.Source) {
		return false
	}
	m.Report.Differ("scripts of the entrypoint are executable, with mode 0755", []string{f.Target}, nil)
	return true
}

// config is a file with a target of its own.
func (m settings) config(f *commands.Copied) *buildfile.Config {
	c := &buildfile.Config{Source: m.configText(f, f.Source), Target: m.TargetText(f.By, f.Target), Mode: f.ImageMode}
	gid := 0
	if u := m.Out.User; u != nil {
		gid = u.GID
	}
	if f.Owner != "" {
		c.Owner = f.Owner
	} else if f.UID != 0 || f.GID != gid {
		c.Owner = m.OwnerText(f.UID, f.GID)
	}
	return c
}

// configText is a path of the context where no glob is read.
func (m settings) configText(f *commands.Copied, source string) string {
	return m.ContextPath(f.By, source, notation.EscapedPath)
}

// configs are the entries of files with targets of their own. Where a COPY of a
// directory brought all of its files, to be of one mode and owner, the entry is
// the directory: what is added to it later goes along, as it did.
func (m settings) configs(files []*commands.Copied) []*buildfile.Config {
	var out []*buildfile.Config
	within := map[string]bool{} // targets of the directories that are listed
	bySource := map[string][]*commands.Copied{}
	for _, f := range files {
		bySource[f.Source] = append(bySource[f.Source], f)
	}
	for _, f := range files {
		if within[f.Target] {
			continue
		}
		one := m.config(f)
		for dir, target := path.Dir(f.Source), path.Dir(f.Target); dir != "." && target != "/"; dir, target = path.Dir(dir), path.Dir(target) {
			all := m.Tree(f, dir, target, bySource, func(o *commands.Copied) bool {
				return o.ImageMode == f.ImageMode && o.UID == f.UID && o.GID == f.GID && o.Owner == f.Owner
			})
			if len(all) == 0 {
				break
			}
			if len(all) > 1 {
				one.Source, one.Target = m.configText(f, dir)+"/", m.TargetText(f.By, target)+"/"
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

// installedLists sorts scripts into utilities and runtime scripts, as the
// conventional tree has them, and names whole directories where all of their
// files belong there.
func (m settings) installedLists(files, configs []*commands.Copied) {
	var utilities, runtimes []string
	for _, f := range files {
		if strings.Contains("/"+f.Source, "/utils/") || strings.Contains("/"+f.Source, "/lib/") {
			utilities = append(utilities, f.Source)
			m.Report.Record(f.By.Start, report.Carried, "entrypoint.utility_scripts")
		} else {
			runtimes = append(runtimes, f.Source)
			m.Report.Record(f.By.Start, report.Carried, "entrypoint.runtime_scripts")
		}
	}
	named := map[string]bool{}
	if m.Out.Entrypoint != nil {
		named[*m.Out.Entrypoint] = true
	}
	for _, f := range configs {
		named[f.Source] = true
	}
	m.Out.Utilities = m.folders(slices.Compact(slices.Sorted(slices.Values(utilities))), named)
	for _, name := range utilities {
		named[name] = true
	}
	m.Out.Runtimes = m.folders(slices.Compact(slices.Sorted(slices.Values(runtimes))), named)
}

// folders names a directory in place of its files, where the context has no other
// file there but those that another list names.
func (m settings) folders(files []string, named map[string]bool) []string {
	var out []string
	for _, name := range m.Joined(files, named, 1) {
		out = append(out, notation.EscapedGlob(name))
	}
	return out
}
