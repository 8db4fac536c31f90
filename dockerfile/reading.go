package dockerfile

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	dfshell "github.com/moby/buildkit/frontend/dockerfile/shell"

	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/shell"
)

// Reading is what a Dockerfile means for one target: the same that [Arrange]
// goes by, for those who write something else of it.
type Reading struct {
	File *File
	// Global is what holds ahead of the first FROM's instructions.
	Global *Scope
	// Stages are those that the target is made from, in order; it is the last.
	Stages []*StageReading
}

// Target is the stage that is built.
func (r *Reading) Target() *StageReading { return r.Stages[len(r.Stages)-1] }

// StageReading is one stage.
type StageReading struct {
	*Stage
	// Image is the image that it builds on, args expanded; On is the stage in
	// place of one.
	Image string
	On    *StageReading
	// Steps are its instructions.
	Steps []*Step
	// End is what holds after them.
	End *Scope
}

// Step is an instruction, with what it does.
type Step struct {
	*Instruction
	// Stage is the stage that it belongs to.
	Stage *StageReading
	// Scope is what holds in front of it.
	Scope *Scope
	// Copy is the effect of COPY and ADD, Run that of RUN; nil for others.
	Copy *Copy
	Run  *Run
}

// Programs are the programs of a RUN, as far as they could be read.
func (s *Step) Programs() []*shell.Program {
	if s.Run == nil {
		return nil
	}
	var out []*shell.Program
	for _, c := range s.Run.Commands {
		if c.Facts != nil && c.Facts.Program != nil {
			out = append(out, c.Facts.Program)
		}
	}
	return out
}

// Before are the instructions of the step's stage, and of those that it builds on,
// ahead of it.
func (s *Step) Before() []*Step {
	all := s.Stage.All()
	return all[:max(0, slices.Index(all, s))]
}

// Copy is what COPY or ADD does.
type Copy struct {
	// Written are its words as they are written.
	Written instructions.SourcesAndDest
	// From is the stage or image that is copied from, "" for the build context;
	// Stage is the stage of that name.
	From  string
	Stage *StageReading
	// Dest is where it goes, "" if unknown; Sources are what is named, as far
	// as args are known.
	Dest    string
	Sources []string
	// Known says that Files are all files that it makes, by their targets.
	Known bool
	Files []*CopiedFile
	// Empty are directories without any file in them, by their targets.
	Empty []string
	// Texts are the here-documents of the instruction, as files of their own.
	Texts []CopiedText
	// Chown and Chmod are the flags' values, args expanded.
	Chown, Chmod string
}

// CopiedText is a file whose content the Dockerfile holds.
type CopiedText struct {
	// Target is its path in the stage, Text its content; Known says that every
	// variable in it is known.
	Target, Text string
	Known        bool
}

// Conditions tells whether a condition in a driver script is to be kept, rather
// than decided for the args' present values. If it depends on args and cannot be
// kept, why says so.
type Conditions func(driver *shell.Program, g shell.Guard) (keep bool, why string)

// Read reads a Dockerfile for a target.
func Read(f *File, opt Options, keep Conditions) (*Reading, error) {
	target := f.Target(opt.Target)
	if target == nil {
		return nil, f.NoTarget(opt.Target)
	}
	r := &reader{stages: newStages(f, opt), keep: keep, done: map[*Stage]*StageReading{}, roots: map[*Stage]*rootfs{}}
	needed := r.needed(target)
	out := &Reading{File: f, Global: r.global}
	for _, s := range f.Stages[:target.Index+1] {
		one := r.stage(s)
		r.done[s] = one
		if needed[s] {
			out.Stages = append(out.Stages, one)
		}
	}
	return out, nil
}

// reader reads stages; it shares with Arrange what is known of them.
type reader struct {
	*stages
	keep Conditions
	done map[*Stage]*StageReading
	// roots are the stages' files at their ends.
	roots map[*Stage]*rootfs
}

func (r *reader) stage(s *Stage) *StageReading {
	out := &StageReading{Stage: s, Image: r.baseName(s)}
	if on := r.file.Stage(out.Image, s.Index); on != nil {
		out.On, out.Image = r.done[on], ""
	}
	sr := r.reader(s)
	if out.On != nil { // what it has copied is there
		sr.root = r.roots[out.On.Stage].clone()
	}
	sr.root.asked = asked{} // who writes something else of it leaves the image's files out
	sr.walk(func(it *Item) {
		step := &Step{Instruction: it.In, Stage: out, Scope: it.scope}
		switch cmd := it.In.Command.(type) {
		case *instructions.CopyCommand, *instructions.AddCommand:
			step.Copy = r.copy(step, it)
		case *instructions.RunCommand:
			p := &runReader{reader: r, stage: sr, scope: it.scope}
			step.Run = p.run(it, cmd)
		}
		out.Steps = append(out.Steps, step)
	})
	r.scopes[s], r.roots[s] = sr.scope, sr.root
	out.End = sr.scope.clone()
	return out
}

// copy reads a COPY or ADD.
func (r *reader) copy(step *Step, it *Item) *Copy {
	src := sourcesOf(it.In.Command)
	out := &Copy{Written: src.SourcesAndDest, From: r.expanded(src.from)}
	if on := r.file.Stage(out.From, step.Stage.Index); src.from != "" && on != nil {
		out.Stage = r.done[on]
	}
	for _, word := range src.SourcePaths {
		name, _ := it.scope.Expand(word)
		out.Sources = append(out.Sources, first(name, word))
	}
	if dest, ok := it.scope.Expand(src.DestPath); ok {
		if path.IsAbs(dest) {
			out.Dest = path.Clean(dest)
		} else if it.scope.Dir != "" {
			out.Dest = path.Join(it.scope.Dir, dest)
		}
		if trailing(dest) != "" && out.Dest != "/" {
			out.Dest += "/"
		}
	}
	out.Chmod, _ = it.scope.Expand(src.chmod)
	out.Texts = texts(it.scope, src, out.Dest)
	switch c := it.In.Command.(type) {
	case *instructions.CopyCommand:
		out.Chown, _ = it.scope.Expand(c.Chown)
	case *instructions.AddCommand:
		out.Chown, _ = it.scope.Expand(c.Chown)
	}
	if it.copy == nil {
		return out
	}
	out.Known = true
	for _, name := range it.copy.files {
		it.copy.by[name].By = step
		out.Files = append(out.Files, it.copy.by[name])
	}
	out.Empty = r.empty(out, it.copy)
	return out
}

// texts are the here-documents of a COPY.
func texts(sc *Scope, src sources, dest string) []CopiedText {
	var out []CopiedText
	for _, c := range src.SourceContents {
		t := CopiedText{Target: path.Clean(dest), Text: c.Data, Known: true}
		if strings.HasSuffix(dest, "/") || len(src.SourceContents)+len(src.SourcePaths) > 1 {
			t.Target = path.Join(dest, c.Path)
		}
		if c.Expand {
			lex := dfshell.NewLex(sc.escape)
			lex.RawQuotes, lex.RawEscapes = true, true
			res, err := lex.ProcessWordWithMatches(c.Data, sc)
			t.Text, t.Known = res.Result, err == nil && (!sc.Open || len(res.Unmatched) == 0)
		}
		out = append(out, t)
	}
	return out
}

// empty are the directories that a COPY makes and puts nothing into.
func (r *reader) empty(out *Copy, c *copyEffect) []string {
	var list []string
	for _, source := range out.Sources {
		root := paths.Inside(source)
		if root == "" {
			root = "."
		}
		_ = fs.WalkDir(r.opt.Context, root, func(p string, d fs.DirEntry, err error) error { // what cannot be read was reported with its files
			if err != nil || !d.IsDir() {
				return nil //nolint:nilerr // see above
			}
			if entries, err := fs.ReadDir(r.opt.Context, p); err == nil && len(entries) == 0 {
				list = append(list, path.Join(c.dest, strings.TrimPrefix(strings.TrimPrefix(p, root), "/")))
			}
			return nil
		})
	}
	slices.Sort(list)
	return list
}

// All are the instructions of a stage, those of the stages that it builds on
// first.
func (s *StageReading) All() []*Step {
	if s.On == nil {
		return s.Steps
	}
	return append(slices.Clone(s.On.All()), s.Steps...)
}

// Bottom is the stage at the bottom of a stage: the one that an image is under.
func (s *StageReading) Bottom() *StageReading {
	for s.On != nil {
		s = s.On
	}
	return s
}
