package dockerfile

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/check"
	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/modes"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/spec"
)

// maxCopied is how many files of one image are taken for its entrypoint: more
// are no scripts and configuration.
const maxCopied = 2000

// entrypoint finds the files that the container runs: those that are copied into
// the target and that no RUN reads, nor anything beside them, and the script
// that ENTRYPOINT or CMD names.
func (r *reader) entrypoint() {
	started, chmods := r.started(), r.chmods()
	classes := []graph.Class{{Name: "configuration"}, {Name: "runtime"}, {Name: "entrypoint"}}
	for i, step := range r.reading.Target().All() {
		if step.Copy == nil || step.Copy.From != "" {
			continue
		}
		for _, f := range step.Copy.Files {
			r.in.Dockerfile.Copied[f.Target] = f
			is := slices.Contains(started, f.Target)
			if !f.Mode.IsRegular() || !is && (step.Start < r.opaque || r.setup(step.Copy, f)) {
				continue
			}
			class := &classes[0]
			switch {
			case is:
				class = &classes[2]
				r.in.File.Entrypoint.Script.Value = f.Source
			case r.isScript(f.Source):
				class = &classes[1]
			}
			if len(class.Files) < maxCopied {
				mode := f.Mode
				for _, c := range chmods { // a later RUN may set another one
					if c.step > i {
						mode = c.set(mode, f.Target)
					}
				}
				class.Files = append(class.Files, graph.File{Source: f.Source, Target: f.Target, Mode: uint32(mode.Perm()), At: lines(step.Instruction)})
			}
		}
	}
	r.in.Dockerfile.Filled = r.filled()
	for _, c := range classes {
		if len(c.Files) > 0 {
			r.in.Graph.Entrypoint = append(r.in.Graph.Entrypoint, c)
		}
	}
	r.boundary(classes[2].Files)
}

// chmod is a call of a RUN that sets modes.
type chmod struct {
	*shell.Call
	step int // the RUN's place among the target's steps
}

// chmods are those of the target, in order.
func (r *reader) chmods() []chmod {
	var out []chmod
	for i, step := range r.reading.Target().All() {
		if step.Run == nil {
			continue
		}
		for _, command := range step.Run.Commands {
			if command.Facts == nil || command.Facts.Program == nil {
				continue
			}
			for _, c := range command.Facts.Program.Main.Calls {
				if c.Name == "chmod" {
					out = append(out, chmod{c, i})
				}
			}
		}
	}
	return out
}

// set is the mode of a file at a path after the call.
func (c chmod) set(mode fs.FileMode, target string) fs.FileMode {
	words := check.Operands(c.Call)
	if len(words) < 2 {
		return mode
	}
	got, ok := modes.Apply(mode, words[0].Value)
	_, recursive := check.HasFlag(c.Call, 'R', "", "--recursive")
	if !ok || !slices.ContainsFunc(words[1:], func(w shell.Word) bool {
		name := path.Clean(w.Value)
		if !path.IsAbs(name) {
			name = path.Join(c.Dir, name)
		}
		return name == target || glob.Path(name, target) || recursive && paths.Within(target, name)
	}) {
		return mode
	}
	return got
}

// filled are the folders that COPY fills.
func (r *reader) filled() []string {
	var out, others []string
	for _, step := range r.reading.Target().All() {
		c := step.Copy
		switch {
		case c == nil:
		case c.From != "" || !c.Known:
			others = append(others, path.Clean(c.Dest))
		default:
			for _, f := range c.Files {
				if m := mountOf(c, f); m.Source != f.Source && !paths.Everywhere(m.Target) && !slices.Contains(out, m.Target) {
					out = append(out, m.Target)
				}
			}
		}
	}
	return slices.DeleteFunc(out, func(dir string) bool {
		return slices.ContainsFunc(others, func(o string) bool { return paths.Within(o, dir) || paths.Within(dir, o) || o == "/" || o == "." })
	})
}

// started are the paths of what a container starts with.
func (r *reader) started() []string {
	if r.in.File.Entrypoint.Script == nil {
		r.in.File.Entrypoint.Script = &spec.Text{At: r.in.File.Base.At}
	}
	var out []string
	for _, list := range [][]string{r.in.Graph.Image.Entrypoint, r.in.Graph.Image.Cmd} {
		for _, word := range list {
			for _, w := range strings.Fields(word) { // a shell's line, or a word
				if path.IsAbs(w) {
					out = append(out, path.Clean(w))
				} else if !strings.Contains(w, "/") {
					for dir := range strings.SplitSeq(check.DefaultPath, ":") {
						out = append(out, path.Join(dir, w))
					}
				}
			}
		}
	}
	return out
}

// setup tells whether a file belongs to setup: a RUN reads it, or another file
// of the same folder that the COPY names.
func (r *reader) setup(c *dockerfile.Copy, f *dockerfile.CopiedFile) bool {
	top := func(name string) string { dir, _, _ := strings.Cut(name, "/"); return dir }
	return slices.ContainsFunc(c.Files, func(o *dockerfile.CopiedFile) bool {
		return r.read[o.Source] && top(o.Source) == top(f.Source)
	})
}

func (r *reader) isScript(name string) bool {
	switch path.Ext(name) {
	case ".sh", ".bash":
		return true
	}
	f, err := r.context.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, len("#!"))
	n, _ := f.Read(start) // a file that cannot be read is no script
	return string(start[:n]) == "#!"
}

// boundary says which files change many times a day: by convention, and the
// script that the container starts with.
func (r *reader) boundary(started []graph.File) {
	r.in.File.CacheBoundary.VolatileFiles = append(r.in.File.CacheBoundary.VolatileFiles, spec.Text{Value: "entrypoint.d/**"})
	for _, f := range started {
		if !strings.ContainsAny(f.Source, `*?[{\`) {
			r.in.File.CacheBoundary.VolatileFiles = append(r.in.File.CacheBoundary.VolatileFiles, spec.Text{Value: f.Source})
		}
	}
}

// volatile finds copies of what changes often in front of a RUN that has no use
// for it and takes its time: it installs or downloads. What compiles or runs a
// program of its own may need what was copied.
func (r *reader) volatile() {
	for _, a := range copiesAhead(r.built) {
		run := slices.IndexFunc(a.runs, func(line int) bool { return r.couldComeFirst(line, a.line) })
		if run < 0 {
			continue
		}
		at := spec.Range{Start: spec.Position{Line: a.line, Column: 1}, End: spec.Position{Line: a.line, Column: 1}}
		what := ""
		for _, source := range a.sources {
			source = paths.Inside(source)
			if source == "" || source == "*" {
				what = "any file of the build context"
			}
			for _, name := range r.volatileBelow(source) {
				if what == "" && !r.read[name] && !r.touched[name] {
					what = name
				}
			}
		}
		if what != "" {
			r.in.Dockerfile.Volatile = append(r.in.Dockerfile.Volatile, check.VolatileCopy{Text: spec.Text{Value: what, At: at}, Run: a.runs[run]})
		}
	}
}

// couldComeFirst tells whether all that the RUN of a line does is to install
// packages and to download, with no word of what the COPY of a line brings.
func (r *reader) couldComeFirst(line, copied int) bool {
	program := r.in.Graph.Programs[fmt.Sprintf("%s:%d", r.in.Graph.File, line)]
	if program == nil || len(program.Children) > 0 || len(program.Main.Sources) > 0 {
		return false
	}
	slow := false
	for _, c := range program.Main.Calls {
		slow = slow || check.InstallsPackages(c) || check.IsDownloader(c)
		if !check.InstallsPackages(c) && check.Packager(c) == "" && !check.IsPlainTool(c) && c.Name != "rpm" && c.Name != "rpmkeys" && c.Name != "gpg" {
			return false
		}
	}
	targets := map[string]bool{}
	for _, s := range r.reading.Stages {
		for _, step := range s.Steps {
			if step.Start == copied && step.Copy != nil {
				for _, f := range step.Copy.Files {
					for dir := f.Target; dir != "/" && !paths.Everywhere(dir); dir = path.Dir(dir) {
						targets[dir] = true
					}
				}
			}
		}
	}
	return slow && !slices.ContainsFunc(program.Main.Paths, func(ref shell.PathRef) bool {
		return ref.Glob || ref.InContext || targets[ref.Path]
	})
}

// volatileBelow are the files that a COPY's source names and that change often.
func (r *reader) volatileBelow(source string) []string {
	var out []string
	for _, s := range r.reading.Stages {
		for _, step := range s.Steps {
			if step.Copy == nil || step.Copy.From != "" {
				continue
			}
			for _, f := range step.Copy.Files {
				if paths.Within(f.Source, source) && spec.Matches(r.in.File.CacheBoundary.VolatileFiles, f.Source) {
					out = append(out, f.Source)
				}
			}
		}
	}
	return out
}
