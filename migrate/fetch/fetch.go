// Package fetch carries over what COPY and ADD take from elsewhere than the build
// context: from stages, other images, and the network.
package fetch

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/draft"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/spec"
)

// Fetcher reads what COPY and ADD take from elsewhere than the build context.
type Fetcher struct{ *commands.Reader }

// FromOutside reports whether a COPY takes files of another image: by its name, or
// by a stage that is one.
func (m *Fetcher) FromOutside(c *dockerfile.Copy) bool {
	return c.From != "" && (c.Stage == nil || isImage(c.Stage) && c.Stage != m.Ground)
}

// imageText is the image that such a COPY takes files of.
func (m *Fetcher) imageText(step *dockerfile.Step, from string) (string, bool) {
	if s := step.Copy.Stage; s != nil {
		for at := s; at != nil; at = at.On {
			m.StageLines(at, "setup.sources: the image of the stage "+draft.StageName(s.Stage), draft.StageName(s.Stage))
		}
		return m.Text(s.Bottom().Base, m.Reading.Global, m.GlobalNames())
	}
	return notation.Escaped(from), true // BuildKit replaces no variable there
}

// FromImage copies files of another image, which is a source.
func (m *Fetcher) FromImage(step *dockerfile.Step) *commands.Op {
	cmd, ok := step.Command.(*instructions.CopyCommand)
	lost := func(why string) *commands.Op {
		m.Report.Record(step.Start, report.Lost, "%s", why)
		return nil
	}
	switch {
	case !ok || len(cmd.ExcludePatterns) > 0 || cmd.Parents:
		return lost("its flags cannot be carried over")
	case step.Copy.Dest == "":
		return lost("where it copies to is not known before a build")
	}
	image, exact := m.imageText(step, cmd.From)
	if !exact {
		return lost("the image that it copies from is known only in a build")
	}
	o := m.fetch(step, &buildfile.Source{Name: sourceName(step.Copy.From), Image: image})
	dest := notation.InShell(m.DestText(step))
	into := intoFolder(step.Copy)
	for n := range step.Copy.Sources {
		from := m.fetchedPath(o, step, n)
		all := ""
		if glob.Has(step.Copy.Sources[n]) {
			all, from, into = from, `"$from"`, true
		}
		o.Fetched = append(o.Fetched, copyLine(all, from, dest, into))
	}
	m.attributes(o, step, m.fetchedPlaces(step), cmd.Chown, cmd.Chmod)
	return o
}

// fetchedPath is the n-th source of a COPY where the script finds it.
func (m *Fetcher) fetchedPath(o *commands.Op, step *dockerfile.Step, n int) string {
	text := m.SourceText(step, n)
	at := graph.SourcesDir + "/" + o.Source.Name + "/"
	if glob.Has(text) { // the shell finds the files
		return at + strings.ReplaceAll(text, " ", `\ `)
	}
	return notation.InShell(at + text)
}

// copyLine copies a file, or what is in a directory, as COPY does.
func copyLine(all, from, dest string, into bool) string {
	target, parent := dest, fmt.Sprintf("mkdir -p \"$(dirname %s)\"", dest)
	if into {
		target, parent = strings.TrimSuffix(dest, "/")+"/", "mkdir -p "+dest
	}
	line := fmt.Sprintf("if [ -d %s ]; then mkdir -p %s; cp -a %[1]s/. %[2]s/; else %s; cp -aH %[1]s %s; fi", from, dest, parent, target)
	if all != "" {
		line = fmt.Sprintf("for from in %s; do %s; done", all, line)
	}
	return line
}

// attributes give what was fetched an owner and a mode.
func (m *Fetcher) attributes(o *commands.Op, step *dockerfile.Step, places []string, chown, chmod string) {
	for _, set := range []struct{ command, flag string }{{"chown", chown}, {"chmod", chmod}} {
		if set.flag == "" {
			continue
		}
		if len(places) == 0 {
			m.Report.Record(step.Start, report.Lost, "--%s of files that a pattern finds", set.command)
			continue
		}
		text, _ := m.Text(set.flag, step.Scope, m.NamesAt(step))
		value := notation.InShell(text)
		if set.command == "chown" && !strings.Contains(text, "$") {
			value = WithGroup(text)
		}
		for _, at := range places {
			o.Fetched = append(o.Fetched, fmt.Sprintf("%s -R %s %s", set.command, value, notation.InShell(at)))
		}
	}
}

// fetchedPlaces are the paths that a COPY makes of its sources, nil where a pattern
// finds them.
func (m *Fetcher) fetchedPlaces(step *dockerfile.Step) []string {
	var out []string
	for n, source := range step.Copy.Sources {
		at := m.DestText(step)
		switch {
		case glob.Has(source):
			return nil
		case intoFolder(step.Copy) && !strings.HasSuffix(source, "/"):
			at = path.Join(at, path.Base(m.SourceText(step, n)))
		}
		out = append(out, at)
	}
	return out
}

// fetch is an op that copies out of a source.
func (m *Fetcher) fetch(step *dockerfile.Step, s *buildfile.Source) *commands.Op {
	same := func(o *buildfile.Source) bool {
		return o.Image == s.Image && o.URL == s.URL && o.Checksum == s.Checksum && o.Git == s.Git && o.Ref == s.Ref
	}
	if i := slices.IndexFunc(m.Out.Sources, same); i >= 0 {
		s = m.Out.Sources[i]
	} else {
		name := s.Name
		for n := 2; slices.ContainsFunc(m.Out.Sources, func(o *buildfile.Source) bool { return o.Name == s.Name }); n++ {
			s.Name = fmt.Sprintf("%s-%d", name, n)
		}
		m.Out.Sources = append(m.Out.Sources, s)
	}
	m.Report.Record(step.Start, report.Carried, "setup.sources.%s", s.Name)
	return &commands.Op{Step: step, Dir: "/", Source: s}
}

// sourceName is a name for what comes from a place: the last part of it.
func sourceName(place string) string {
	place, _, _ = strings.Cut(place, "@")
	base := path.Base(strings.TrimSuffix(place, ".git"))
	base, _, _ = strings.Cut(base, ":")
	base, _, _ = strings.Cut(base, "?")
	for _, ending := range []string{".gz", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".zip"} {
		base = strings.TrimSuffix(base, ending)
	}
	return notation.Slug(base)
}

// Download is an ADD of a URL, or of a git repository; nil where a source cannot be
// that.
func (m *Fetcher) Download(step *dockerfile.Step, add *instructions.AddCommand) *commands.Op {
	c := step.Copy
	if len(c.Sources) != 1 || c.Dest == "" || add.KeepGitDir != nil || len(add.ExcludePatterns) > 0 {
		return nil
	}
	place := c.Sources[0]
	if !strings.Contains(place, "://") || strings.HasPrefix(place, "ssh://") { // by ssh, a source needs the server's keys
		return nil
	}
	text, exact := m.Text(add.SourcePaths[0], step.Scope, m.NamesAt(step))
	if !exact {
		return nil
	}
	if strings.HasSuffix(strings.SplitN(place, "#", 2)[0], ".git") {
		repository, ref, ok := strings.Cut(text, "#")
		if !ok || strings.Contains(ref, ":") || ref == "" || strings.Contains(repository, "?") {
			return nil
		}
		o := m.fetch(step, &buildfile.Source{Name: sourceName(strings.SplitN(place, "#", 2)[0]), Git: repository, Ref: ref})
		o.Fetched = append(o.Fetched, fmt.Sprintf("mkdir -p %s", notation.InShell(m.DestText(step))), fmt.Sprintf("cp -a %s/%s/. %s/", graph.SourcesDir, o.Source.Name, notation.InShell(m.DestText(step))))
		m.attributes(o, step, []string{m.DestText(step)}, add.Chown, add.Chmod)
		return o
	}
	checksum, exact := m.Text(add.Checksum, step.Scope, m.NamesAt(step))
	if !exact || !spec.IsURL(place) || strings.ContainsAny(place, "#") || add.Unpack != nil && *add.Unpack {
		return nil
	}
	o := m.fetch(step, &buildfile.Source{Name: sourceName(place), URL: text, Checksum: checksum})
	target := m.DestText(step)
	if intoFolder(c) {
		target = path.Join(target, path.Base(text))
	}
	mode := "0600"
	if add.Chmod != "" {
		mode, _ = m.Text(add.Chmod, step.Scope, m.NamesAt(step))
	}
	o.Fetched = append(o.Fetched, fmt.Sprintf("install -D -m %s %s/%s/* %s", notation.InShell(mode), graph.SourcesDir, o.Source.Name, notation.InShell(target)))
	if add.Chown != "" {
		owner, _ := m.Text(add.Chown, step.Scope, m.NamesAt(step))
		o.Fetched = append(o.Fetched, "chown "+notation.InShell(owner)+" "+notation.InShell(target))
	}
	if checksum == "" {
		m.Report.Note(m.Where(step.Start), "what it downloads is not pinned: give setup.sources.%s a checksum, or run pgstrata lock", o.Source.Name)
	}
	return o
}
