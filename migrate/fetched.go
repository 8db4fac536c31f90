package migrate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// fetcher reads what COPY and ADD take from elsewhere than the build context.
type fetcher struct{ *reader }

// fromOutside reports whether a COPY takes files of another image: by its name, or
// by a stage that is one.
func (m *fetcher) fromOutside(c *dockerfile.Copy) bool {
	return c.From != "" && (c.Stage == nil || isImage(c.Stage) && c.Stage != m.ground)
}

// fromImages copies what a stage that only collects files takes of images.
func (m *contents) fromImages(step *dockerfile.Step) {
	for _, inner := range m.collectedBy(step) {
		if inner != step && m.fromOutside(inner.Copy) {
			if o := m.fromImage(inner); o != nil {
				m.insert(o)
			}
		}
	}
}

// imageText is the image that such a COPY takes files of.
func (m *fetcher) imageText(step *dockerfile.Step, from string) (string, bool) {
	if s := step.Copy.Stage; s != nil {
		for at := s; at != nil; at = at.On {
			m.stageLines(at, "setup.sources: the image of the stage "+stageName(s.Stage), stageName(s.Stage))
		}
		return m.text(s.Bottom().Base, m.reading.Global, m.globalNames())
	}
	return escaped(from), true // BuildKit replaces no variable there
}

// fromImage copies files of another image, which is a source.
func (m *fetcher) fromImage(step *dockerfile.Step) *op {
	cmd, ok := step.Command.(*instructions.CopyCommand)
	lost := func(why string) *op {
		m.report.went(step.Start, Lost, "%s", why)
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
	o := m.fetch(step, &source{name: sourceName(step.Copy.From), image: image})
	dest := inShell(m.destText(step))
	into := intoFolder(step.Copy)
	for n := range step.Copy.Sources {
		from := m.fetchedPath(o, step, n)
		all := ""
		if glob.Has(step.Copy.Sources[n]) {
			all, from, into = from, `"$from"`, true
		}
		o.fetched = append(o.fetched, copyLine(all, from, dest, into))
	}
	m.attributes(o, step, m.fetchedPlaces(step), cmd.Chown, cmd.Chmod)
	return o
}

// fetchedPath is the n-th source of a COPY where the script finds it.
func (m *fetcher) fetchedPath(o *op, step *dockerfile.Step, n int) string {
	text := m.sourceText(step, n)
	at := graph.SourcesDir + "/" + o.source.name + "/"
	if glob.Has(text) { // the shell finds the files
		return at + strings.ReplaceAll(text, " ", `\ `)
	}
	return inShell(at + text)
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
func (m *fetcher) attributes(o *op, step *dockerfile.Step, places []string, chown, chmod string) {
	for _, set := range []struct{ command, flag string }{{"chown", chown}, {"chmod", chmod}} {
		if set.flag == "" {
			continue
		}
		if len(places) == 0 {
			m.report.went(step.Start, Lost, "--%s of files that a pattern finds", set.command)
			continue
		}
		text, _ := m.text(set.flag, step.Scope, m.namesAt(step))
		value := inShell(text)
		if set.command == "chown" && !strings.Contains(text, "$") {
			value = withGroup(text)
		}
		for _, at := range places {
			o.fetched = append(o.fetched, fmt.Sprintf("%s -R %s %s", set.command, value, inShell(at)))
		}
	}
}

// fetchedPlaces are the paths that a COPY makes of its sources, nil where a pattern
// finds them.
func (m *fetcher) fetchedPlaces(step *dockerfile.Step) []string {
	var out []string
	for n, source := range step.Copy.Sources {
		at := m.destText(step)
		switch {
		case glob.Has(source):
			return nil
		case intoFolder(step.Copy) && !strings.HasSuffix(source, "/"):
			at = path.Join(at, path.Base(m.sourceText(step, n)))
		}
		out = append(out, at)
	}
	return out
}

// fetch is an op that copies out of a source.
func (m *fetcher) fetch(step *dockerfile.Step, s *source) *op {
	same := func(o *source) bool {
		return o.image == s.image && o.url == s.url && o.checksum == s.checksum && o.git == s.git && o.ref == s.ref
	}
	if i := slices.IndexFunc(m.out.sources, same); i >= 0 {
		s = m.out.sources[i]
	} else {
		name := s.name
		for n := 2; slices.ContainsFunc(m.out.sources, func(o *source) bool { return o.name == s.name }); n++ {
			s.name = fmt.Sprintf("%s-%d", name, n)
		}
		m.out.sources = append(m.out.sources, s)
	}
	m.report.went(step.Start, Carried, "setup.sources.%s", s.name)
	return &op{step: step, dir: "/", source: s}
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
	return slug(base)
}

// download is an ADD of a URL, or of a git repository; nil where a source cannot be
// that.
func (m *fetcher) download(step *dockerfile.Step, add *instructions.AddCommand) *op {
	c := step.Copy
	if len(c.Sources) != 1 || c.Dest == "" || add.KeepGitDir != nil || len(add.ExcludePatterns) > 0 {
		return nil
	}
	place := c.Sources[0]
	if !strings.Contains(place, "://") || strings.HasPrefix(place, "ssh://") { // by ssh, a source needs the server's keys
		return nil
	}
	text, exact := m.text(add.SourcePaths[0], step.Scope, m.namesAt(step))
	if !exact {
		return nil
	}
	if strings.HasSuffix(strings.SplitN(place, "#", 2)[0], ".git") {
		repository, ref, ok := strings.Cut(text, "#")
		if !ok || strings.Contains(ref, ":") || ref == "" || strings.Contains(repository, "?") {
			return nil
		}
		o := m.fetch(step, &source{name: sourceName(strings.SplitN(place, "#", 2)[0]), git: repository, ref: ref})
		o.fetched = append(o.fetched, fmt.Sprintf("mkdir -p %s", inShell(m.destText(step))), fmt.Sprintf("cp -a %s/%s/. %s/", graph.SourcesDir, o.source.name, inShell(m.destText(step))))
		m.attributes(o, step, []string{m.destText(step)}, add.Chown, add.Chmod)
		return o
	}
	checksum, exact := m.text(add.Checksum, step.Scope, m.namesAt(step))
	if !exact || !spec.IsURL(place) || strings.ContainsAny(place, "#") || add.Unpack != nil && *add.Unpack {
		return nil
	}
	o := m.fetch(step, &source{name: sourceName(place), url: text, checksum: checksum})
	target := m.destText(step)
	if intoFolder(c) {
		target = path.Join(target, path.Base(text))
	}
	mode := "0600"
	if add.Chmod != "" {
		mode, _ = m.text(add.Chmod, step.Scope, m.namesAt(step))
	}
	o.fetched = append(o.fetched, fmt.Sprintf("install -D -m %s %s/%s/* %s", inShell(mode), graph.SourcesDir, o.source.name, inShell(target)))
	if add.Chown != "" {
		owner, _ := m.text(add.Chown, step.Scope, m.namesAt(step))
		o.fetched = append(o.fetched, "chown "+inShell(owner)+" "+inShell(target))
	}
	if checksum == "" {
		m.report.note(m.where(step.Start), "what it downloads is not pinned: give setup.sources.%s a checksum, or run pgstrata lock", o.source.name)
	}
	return o
}
