package spec

import (
	"path"
	"slices"

	"github.com/pgstrata/pgstrata/paths"
)

// Entry is a directory, link or small file that the image has besides what scripts
// install.
type Entry struct {
	// A directory. One that is there gets the owner and the mode.
	Directory Text `yaml:"directory" is:"image path"`
	// A file with the given text.
	File Text `yaml:"file" is:"image path"`
	// What is in the file. Default: nothing.
	Text Text `yaml:"text" is:"text"`
	// A symbolic link.
	Link Text `yaml:"link" is:"image path"`
	// What the link leads to.
	To Text `yaml:"to" is:"text"`
	// `user[:group]` of a directory or file: numbers, `root`, or a user of the build
	// file. Default: root.
	Owner Text `yaml:"owner" is:"owner"`
	// Permission bits of a directory or file. Default: `0755`, of a file `0644`.
	Mode *Mode `yaml:"mode" is:"octal bits"`
	// Whether a directory that is there keeps its owner and mode. Default: `false`.
	Keep bool `yaml:"keep" is:"true or false"`
	// At is the place of the whole entry.
	At Range `yaml:"-"`
}

func (e *Entry) setRange(at Range) { e.At = at }

// Path is where it is.
func (e *Entry) Path() string { return e.Directory.Value + e.File.Value + e.Link.Value }

func (e *Entry) validate(p *Problems, f *File) {
	kinds := 0
	for _, t := range []*Text{&e.Directory, &e.File, &e.Link} {
		if t.Value != "" {
			kinds++
			absolute(p, t, "a path of setup.filesystem")
		}
	}
	if kinds != 1 {
		p.Addf(e.At, "an entry of setup.filesystem is one of directory, file and link")
		return
	}
	isLink := e.Link.Value != ""
	switch {
	case isLink && e.To.Value == "":
		p.Addf(e.At, "link %s needs what it leads to: `to`", e.Link)
	case isLink && (e.Mode != nil || e.Owner.Value != ""):
		p.Addf(e.At, "a link has no owner and no mode: what it leads to has")
	case !isLink && e.To.Value != "":
		p.Addf(e.To.At, "to is for a link")
	case e.Directory.Value == "" && e.Keep:
		p.Addf(e.At, "keep is for a directory")
	case e.File.Value == "" && e.Text.Value != "":
		p.Addf(e.Text.At, "text is for a file")
	}
	if e.Owner.Value != "" {
		if _, _, err := f.ParseOwner(e.Owner.Value); err != nil {
			p.Addf(e.Owner.At, "%v", err)
		}
	}
}

// validateFilesystem also reports paths that cannot both be there.
func (f *File) validateFilesystem(p *Problems) {
	list := f.Setup.Filesystem
	for i := range list {
		e := &list[i]
		e.validate(p, f)
		for j := range list {
			o := &list[j]
			within := o.Directory.Value == "" && paths.Within(path.Dir(e.Path()), o.Path())
			if o.Path() != "" && i != j && within {
				p.Addf(e.At, "%s cannot be in %s, which is no directory", e.Path(), o.Path())
			}
		}
		if slices.ContainsFunc(list[:i], func(o Entry) bool { return e.Path() != "" && o.Path() == e.Path() }) {
			p.Addf(e.At, "two entries of setup.filesystem are %s", e.Path())
		}
	}
}
