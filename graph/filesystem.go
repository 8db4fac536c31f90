package graph

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/spec"
)

// Entry is a directory, link or small file of the image.
type Entry struct {
	// Kind is directory, file or link.
	Kind string `json:"kind"`
	// Path is where it is.
	Path string `json:"path"`
	// To is what a link leads to, Text what is in a file.
	To   string `json:"to,omitempty"`
	Text string `json:"text,omitempty"`
	// Mode, UID and GID are those of a directory or file.
	Mode uint32 `json:"mode,omitempty"`
	// Keep says that a directory that is there keeps its owner and mode.
	Keep bool       `json:"keep,omitempty"`
	UID  int        `json:"uid,omitempty"`
	GID  int        `json:"gid,omitempty"`
	At   spec.Range `json:"-"`
}

// filesystem sorts the entries by their paths, so that a directory comes before
// what is in it.
func (b *builder) filesystem() {
	for _, e := range b.file.Setup.Filesystem {
		out := Entry{Kind: "directory", Path: e.Path(), To: e.To.Value, Text: e.Text.Value, Mode: 0o755, Keep: e.Keep, At: e.At}
		switch {
		case e.File.Value != "":
			out.Kind, out.Mode = "file", 0o644
		case e.Link.Value != "":
			out.Kind, out.Mode = "link", 0
		}
		if e.Mode != nil {
			out.Mode = e.Mode.Bits
		}
		if e.Owner.Value != "" {
			out.UID, out.GID, _ = b.file.ParseOwner(e.Owner.Value) // spec has reported a bad one
		}
		b.graph.Filesystem = append(b.graph.Filesystem, out)
	}
	slices.SortFunc(b.graph.Filesystem, func(x, y Entry) int { return strings.Compare(x.Path, y.Path) })
}
