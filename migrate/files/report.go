package files

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/paths"
)

// CopyLines reports what became of the files that the Dockerfile copies.
func (m *Classified) CopyLines() {
	gone, unread := map[string]bool{}, map[int][]string{}
	defer func() {
		for line, files := range unread {
			m.Report.Record(line, report.Dropped, "no script reads %s", strings.TrimPrefix(report.Some(slices.Compact(slices.Sorted(slices.Values(files)))), ": "))
		}
	}()
	for _, f := range m.Copies {
		if m.Generated[f.Source] != nil && f.By.Copy.Known && len(f.By.Copy.Texts) == 0 { // an earlier migration wrote it
			continue
		}
		switch f.Class {
		case commands.SetupOnly:
			switch {
			case len(f.Used) > 0 || m.Drivers[f.Source]:
				m.Report.Record(f.By.Start, report.Carried, "files of setup scripts, which find them below /context")
			case f.Replaced:
				m.Report.Record(f.By.Start, report.Dropped, "a later line copies another file over %s", f.Target)
			default:
				unread[f.By.Start] = append(unread[f.By.Start], f.Source)
			}
			if !f.Removed && !f.Replaced {
				gone[f.Target] = true
			}
		case commands.InSetup:
			if f.Replaced {
				m.Report.Record(f.By.Start, report.Carried, "setup.scripts")
			}
		}
	}
	if len(gone) > 0 {
		m.Report.Differ("setup scripts, and files that only they read, are not in the image", m.topDirs(slices.Sorted(maps.Keys(gone))), nil)
	}
	for _, step := range m.Chain {
		if step.Copy == nil {
			continue
		}
		if len(step.Copy.Empty) > len(m.onlyEmpty(step)) {
			m.Report.Differ("empty folders of the context are not in the image", step.Copy.Empty, nil)
		}
		if l := m.Report.Line(step.Start); l != nil && l.Fate == "" {
			m.Report.Record(step.Start, report.Dropped, "it copies nothing that is left")
		}
	}
	m.ownedDirectories()
}

// topDirs names a directory in place of all of its files.
func (m *Classified) topDirs(files []string) []string {
	var out []string
	kept := func(dir string) bool {
		return slices.ContainsFunc(m.Copies, func(f *commands.Copied) bool { return paths.Within(f.Target, dir) && f.Class != commands.SetupOnly })
	}
	for _, name := range files {
		if slices.ContainsFunc(out, func(o string) bool { return paths.Within(name, strings.TrimSuffix(o, "/")) }) {
			continue
		}
		at := name
		for dir := path.Dir(name); !paths.Everywhere(dir) && !kept(dir); dir = path.Dir(dir) {
			at = dir + "/"
		}
		out = append(out, at)
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}
