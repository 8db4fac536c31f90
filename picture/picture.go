// Package picture draws a build: as an SVG image, and as an HTML page that
// needs nothing but itself and says more of each step.
//
// It draws what a [plan.Record] holds, in the states that a [plan.Plan] gives,
// so whatever is read into a record looks the same. A page of a build that has
// run also shows when each of the daemon's vertices ran, and what came of it.
package picture

import (
	"embed"
	"html/template"
	"io"
	"time"

	"github.com/pgstrata/pgstrata/plan"
)

// Page is everything that one document shows.
type Page struct {
	// Title is what is built, such as the folder's name.
	Title string
	// Builds has one for each platform; a build that failed early may have none.
	Builds []Build
	// Run is what a build did; nil for a picture of what one would do.
	Run *Run
}

// Build is the build of one platform.
type Build struct {
	// Record is what is drawn. Its Layers are those of the image.
	Record *plan.Record
	// Plan says what becomes of each node.
	Plan *plan.Plan
	// Before is the build that it is compared with, or nil.
	Before *plan.Record
	// Summary is what the build came to, in a line; "" for one that did not run.
	Summary string
}

// Run is what happened in a build.
type Run struct {
	// Started is when it began.
	Started time.Time
	// Took is how long it was, in all.
	Took time.Duration
	// Error is why it failed, "" if it did not.
	Error string
	// Vertices are the daemon's steps, by their start.
	Vertices []Vertex
}

// Vertex is one step of the daemon's.
type Vertex struct {
	// Name is the daemon's, such as `[setup 2/5] 02-install-postgresql.sh`.
	Name string
	// Node is the id of the node that it stands for, "" for none: the build
	// context, say, or the export.
	Node string
	// Platform is that of the node's record.
	Platform string
	// Start and End are since the build's start.
	Start, End time.Duration
	// Cached tells that its result was there, Ran that it was executed, Stopped
	// that the build's end ended it.
	Cached, Ran, Stopped bool
	// Error is why it failed, Log the end of what it printed.
	Error, Log string
}

//go:embed templates
var files embed.FS

// SVG writes the picture of one build.
func SVG(w io.Writer, title string, b Build) error {
	t, err := templates()
	if err != nil {
		return err
	}
	d := newGraph(title, 0, b, nil)
	d.Styled = true
	return t.ExecuteTemplate(w, "drawing", d)
}

// HTML writes a page of its own: no script, style or image is loaded.
func HTML(w io.Writer, p Page) error {
	t, err := templates()
	if err != nil {
		return err
	}
	return t.ExecuteTemplate(w, "page.html", newPage(p))
}

func templates() (*template.Template, error) {
	text := func(name string) (string, error) {
		data, err := files.ReadFile("templates/" + name)
		return string(data), err
	}
	return template.New("").Funcs(template.FuncMap{
		// These are this package's own files, and so are no danger to the page.
		"css": func(name string) (template.CSS, error) { s, err := text(name); return template.CSS(s), err },
		"js":  func(name string) (template.JS, error) { s, err := text(name); return template.JS(s), err }, //nolint:gosec // see above
	}).ParseFS(files, "templates/*.svg", "templates/*.html")
}
