package dockerfile

import (
	"fmt"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// stages are those of a Dockerfile, with what is known of each that was gone
// through.
type stages struct {
	file   *File
	opt    Options
	global *Scope
	// scopes hold at the ends of stages, readers have their items.
	scopes  map[*Stage]*Scope
	readers map[*Stage]*stageReader
}

func newStages(f *File, opt Options) *stages {
	s := &stages{file: f, opt: opt, global: newScope(f.Escape, &ocispecs.ImageConfig{}), scopes: map[*Stage]*Scope{}, readers: map[*Stage]*stageReader{}}
	for k, v := range opt.Predefined {
		s.global.Args[k] = v
	}
	for _, in := range f.Args {
		s.global.apply(in.Command, nil, opt.Args)
	}
	return s
}

// needed are the stages that a target is made from.
func (s *stages) needed(target *Stage) map[*Stage]bool {
	out := map[*Stage]bool{}
	var visit func(one *Stage)
	visit = func(one *Stage) {
		if one == nil || out[one] {
			return
		}
		out[one] = true
		visit(s.base(one))
		for _, in := range one.Instructions {
			for _, from := range s.froms(in) {
				visit(s.file.Stage(from, one.Index))
			}
		}
	}
	visit(target)
	return out
}

// froms are the stages and images that an instruction copies or mounts from.
func (s *stages) froms(in *Instruction) []string {
	switch cmd := in.Command.(type) {
	case *instructions.CopyCommand:
		return []string{s.expanded(cmd.From)}
	case *instructions.RunCommand:
		var out []string
		for _, m := range instructions.GetMounts(cmd) {
			out = append(out, s.expanded(m.From))
		}
		return out
	case *instructions.OnbuildCommand:
		var all []string
		for _, one := range s.file.Stages { // whatever it names is kept
			all = append(all, one.Name, fmt.Sprint(one.Index))
		}
		return all
	}
	return nil
}

func (s *stages) expanded(word string) string {
	if v, ok := s.global.Expand(word); ok {
		return v
	}
	return word
}

// baseName is the image or stage that a stage builds on, base the stage in place
// of an image, and root the image at the bottom.
func (s *stages) baseName(of *Stage) string { return s.expanded(of.Base) }

func (s *stages) base(of *Stage) *Stage { return s.file.Stage(s.baseName(of), of.Index) }

func (s *stages) root(of *Stage) string {
	for base := s.base(of); base != nil; base = s.base(of) {
		of = base
	}
	return s.baseName(of)
}

// reader returns a reader for a stage, after those that it builds on.
func (s *stages) reader(of *Stage) *stageReader {
	r := &stageReader{file: s.file, stage: of, opt: &s.opt, global: s.global, root: newRootfs(s.opt.Context)}
	name := s.baseName(of)
	switch base := s.base(of); {
	case base != nil:
		r.scope, r.below = s.scopes[base].clone(), s.readers[base]
	case s.opt.Base == nil || name == "scratch":
		r.scope = newScope(s.file.Escape, nil)
	default:
		r.scope = newScope(s.file.Escape, s.opt.Base(name))
	}
	return r
}
