package dockerfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/cache"
)

// Rewritten is a Dockerfile whose setup scripts are steps of their own. Its last
// stage is the target.
type Rewritten struct {
	// Text is the rewritten Dockerfile.
	Text []byte
	// Changed says that it differs from the original in more than its layout.
	Changed bool
	// Lines tells for each of its lines which lines of the original it stands
	// for.
	Lines []Lines
	// Squashes are the stages in it whose layers become one, in the order in
	// which they are needed.
	Squashes []Squash
	// Decisions tell what was done, in the order of the original's lines.
	Decisions []Decision
	// Stages are the names of the stages that a stage of the original, by its
	// name, became; for those that became several.
	Stages map[string][]string
	// Flags are those that were added to RUN lines: progress does not show
	// them.
	Flags []string
}

// Lines are lines of the original, counted from 1 and inclusive; zero for none.
type Lines struct{ Start, End int }

// Locate turns lines of the rewritten Dockerfile into those of the original.
func (r *Rewritten) Locate(at *pb.Range) {
	from, to := r.lines(int(at.GetStart().GetLine())), r.lines(int(at.GetEnd().GetLine()))
	if from.Start == 0 {
		return
	}
	at.Start = &pb.Position{Line: int32(from.Start)}
	at.End = &pb.Position{Line: int32(max(from.End, to.End))}
}

func (r *Rewritten) lines(n int) Lines {
	if n < 1 || n > len(r.Lines) {
		return Lines{}
	}
	return r.Lines[n-1]
}

// Squash asks for one layer in place of those of several steps.
type Squash struct {
	// Name is what the rewritten Dockerfile calls the result.
	Name string
	// Lower and Upper are its stages below the steps and at their end.
	Lower, Upper string
	// CreatedBy is what history says of the layer.
	CreatedBy string
	// Line is that of the RUN which the steps were, and Alone what Lower has to
	// answer for: if there is anything else, that RUN stays whole.
	Line  int
	Alone []Alone
}

// Rewrite rewrites a Dockerfile. What cannot be proven stays as it is: a
// Dockerfile without any script that can be told apart comes back with the same
// instructions.
func Rewrite(f *File, opt Options) (*Rewritten, error) {
	target := f.Target(opt.Target)
	if target == nil {
		return nil, fmt.Errorf("target stage %q could not be found", opt.Target)
	}
	w := newWriter(f, opt)
	w.rewrite(target)
	return w.out, nil
}

func newWriter(f *File, opt Options) *writer {
	w := &writer{
		file: f, opt: opt, out: &Rewritten{Stages: map[string][]string{}},
		global: newScope(f.Escape, &ocispecs.ImageConfig{}), names: map[*Stage]string{}, joined: map[string][]string{}, scopes: map[*Stage]*scope{}, readers: map[*Stage]*stageReader{},
	}
	for k, v := range opt.Predefined {
		w.global.args[k] = v
	}
	w.taken, w.moded = map[string]bool{}, map[string]bool{}
	for _, s := range f.Stages {
		w.taken[strings.ToLower(s.Name)], w.taken[strings.ToLower(w.expanded(s.Base))] = true, true
	}
	w.files = w.unique("pgstrata-files")
	for _, in := range f.Args {
		w.global.apply(in.Command, nil, opt.Args)
	}
	return w
}

// writer puts the stages together.
type writer struct {
	file   *File
	opt    Options
	global *scope
	out    *Rewritten
	text   strings.Builder
	// names are those of stages that have none of their own but are referred
	// to by number.
	names map[*Stage]string
	// taken are the names of stages, in lower case; files is the one that
	// holds what steps need beside the context.
	taken map[string]bool
	files string
	// moded are the files of the context that steps need with another mode:
	// mode, slash, file.
	moded   map[string]bool
	scopes  map[*Stage]*scope
	readers map[*Stage]*stageReader
	// joined are the names of the stages that became a part of another one, by
	// its name.
	joined map[string][]string
}

// unique makes a name that no stage has.
func (w *writer) unique(name string) string {
	for w.taken[strings.ToLower(name)] {
		name += "-x"
	}
	w.taken[strings.ToLower(name)] = true
	return name
}

func (w *writer) rewrite(target *Stage) {
	target = w.join(target)
	w.scopes, w.readers = map[*Stage]*scope{}, map[*Stage]*stageReader{}
	needed := w.needed(target)
	w.directives()
	for _, in := range w.file.Args {
		w.line(in.Text, in)
	}
	filesAt := w.text.Len()
	for _, s := range w.file.Stages[:target.Index+1] {
		r := w.reader(s)
		r.read()
		w.scopes[s], w.readers[s] = r.scope, r
		if !needed[s] {
			continue
		}
		r.sink()
		r.mountAll()
		r.fold()
		r.order()
		r.cacheAll()
		w.out.Changed = w.out.Changed || r.moved || r.groups > 0
		w.out.Decisions = append(w.out.Decisions, r.decisions...)
		w.stage(s, r, s == target)
	}
	text := w.text.String()
	if strings.Contains(text, "from="+w.files) {
		stage := w.filesStage()
		before := strings.Count(text[:filesAt], "\n")
		w.out.Lines = slices.Insert(w.out.Lines, before, make([]Lines, strings.Count(stage, "\n"))...)
		text = text[:filesAt] + stage + text[filesAt:]
	}
	w.out.Text = []byte(text)
	slices.SortStableFunc(w.out.Decisions, func(a, b Decision) int { return a.Line - b.Line })
}

// filesStage holds what steps need beside the context: apt's setting that keeps
// downloads, and files with another mode than in the context.
func (w *writer) filesStage() string {
	var b strings.Builder
	b.WriteString("FROM scratch AS " + w.files + "\nCOPY <<PGSTRATA /docker-clean\n" + cache.KeepDownloads + "PGSTRATA\n")
	for _, name := range slices.Sorted(maps.Keys(w.moded)) {
		mode, file, _ := strings.Cut(name, "/")
		fmt.Fprintf(&b, "COPY --chmod=%s %s /%s\n", mode, file, name)
	}
	return b.String()
}

// directives repeats the parser's directives, without the one that says who
// reads the file.
func (w *writer) directives() {
	if w.file.Escape != '\\' {
		w.raw("# escape="+string(w.file.Escape), Lines{})
	}
}

// needed are the stages that a target is made from.
func (w *writer) needed(target *Stage) map[*Stage]bool {
	out := map[*Stage]bool{}
	var visit func(s *Stage)
	visit = func(s *Stage) {
		if s == nil || out[s] {
			return
		}
		out[s] = true
		visit(w.file.Stage(w.baseName(s), s.Index))
		for _, in := range s.Instructions {
			for _, from := range w.froms(in) {
				visit(w.file.Stage(from, s.Index))
			}
		}
	}
	visit(target)
	return out
}

// froms are the stages and images that an instruction copies or mounts from.
func (w *writer) froms(in *Instruction) []string {
	switch cmd := in.Command.(type) {
	case *instructions.CopyCommand:
		return []string{w.expanded(cmd.From)}
	case *instructions.RunCommand:
		var out []string
		for _, m := range instructions.GetMounts(cmd) {
			out = append(out, w.expanded(m.From))
		}
		return out
	case *instructions.OnbuildCommand:
		var all []string
		for _, s := range w.file.Stages { // whatever it names is kept
			all = append(all, s.Name, fmt.Sprint(s.Index))
		}
		return all
	}
	return nil
}

func (w *writer) expanded(word string) string {
	if v, ok := w.global.expand(word); ok {
		return v
	}
	return word
}

func (w *writer) baseName(s *Stage) string { return w.expanded(s.Base) }

func (w *writer) reader(s *Stage) *stageReader {
	name := w.baseName(s)
	if base := w.file.Stage(name, s.Index); base != nil {
		r := newStageReader(w.file, s, &w.opt, w.global, w.scopes[base], nil)
		r.below = w.readers[base]
		return r
	}
	config := w.opt.Base
	if config == nil || name == "scratch" {
		return newStageReader(w.file, s, &w.opt, w.global, nil, nil)
	}
	return newStageReader(w.file, s, &w.opt, w.global, nil, config(name))
}

// line writes an instruction, and notes which lines of the original it is.
func (w *writer) line(text string, in *Instruction) {
	w.raw(text, Lines{in.Start, in.End})
}

func (w *writer) raw(text string, of Lines) {
	w.text.WriteString(text + "\n")
	for range strings.Count(text, "\n") + 1 {
		w.out.Lines = append(w.out.Lines, of)
	}
}
