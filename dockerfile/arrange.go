package dockerfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/pgstrata/pgstrata/cache"
)

// Layout is a Dockerfile as it is built: which steps there are, in which order,
// and what each of them sees. [Layout.Print] writes it as a Dockerfile.
type Layout struct {
	// Escape is the escape token that instructions are written with.
	Escape rune
	// Args are the ARG instructions ahead of the first stage.
	Args []*Instruction
	// Stages are its stages, in order; the last is the target.
	Stages []*StageLayout
	// Files is the name of a stage that holds what steps need beside the context,
	// "" where none does: apt's setting that keeps downloads, and the files of the
	// context with another mode, Moded.
	Files string
	Moded []Mount
	// Changed says that it differs from the original in more than how it is
	// written.
	Changed bool
	// Squashes are the stages in it whose layers become one, in the order in
	// which they are needed.
	Squashes []Squash
	// Decisions tell what was done, in the order of the original's lines.
	Decisions []Decision
	// Became are the names of the stages that a stage of the original, by its
	// name, became; for those that became several.
	Became map[string][]string
}

// FilesStage begins the name of the stage that [Layout.Files] names.
const FilesStage = "pgstrata-files"

// StageLayout is a stage of a layout.
type StageLayout struct {
	// From is the original's FROM.
	From *Instruction
	// Name, Base and Platform are what its own FROM says.
	Name, Base, Platform string
	// Root is the image at its bottom.
	Root string
	// Items are its instructions.
	Items []*Item
}

// Chains number the stages, those alike that build on one another.
func (l *Layout) Chains() map[*StageLayout]int {
	out, byName := map[*StageLayout]int{}, map[string]int{}
	for i, s := range l.Stages {
		chain := i + 1
		if before, ok := byName[s.Base]; ok {
			chain = before
		}
		for _, q := range l.Squashes {
			if s.Name == q.Upper {
				byName[q.Name] = chain
			}
		}
		out[s], byName[s.Name] = chain, chain
	}
	return out
}

// Squash asks for one layer in place of those of several steps.
type Squash struct {
	// Name is what the layout calls the result.
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

// Arrange decides which steps a Dockerfile is built by. What cannot be proven
// stays as it is: a Dockerfile without any script that can be told apart comes
// back with the same instructions.
func Arrange(f *File, opt Options) (*Layout, error) {
	target := f.Target(opt.Target)
	if target == nil {
		return nil, f.NoTarget(opt.Target)
	}
	a := &arranger{stages: newStages(f, opt), names: map[*Stage]string{}, joined: map[string][]string{}, taken: map[string]bool{}}
	for _, s := range f.Stages {
		a.taken[strings.ToLower(s.Name)], a.taken[strings.ToLower(a.expanded(s.Base))] = true, true
	}
	a.layout = &Layout{Escape: f.Escape, Args: f.Args, Became: map[string][]string{}}
	a.arrange(target)
	return a.layout, nil
}

// arranger puts the stages of a layout together.
type arranger struct {
	*stages
	layout *Layout
	// names are those of stages that have none of their own but are referred
	// to by number; taken are all names of stages, in lower case.
	names map[*Stage]string
	taken map[string]bool
	// joined are the names of the stages that became a part of another one, by
	// its name.
	joined map[string][]string
}

// unique makes a name that no stage has.
func (a *arranger) unique(name string) string {
	for a.taken[strings.ToLower(name)] {
		name += "-x"
	}
	a.taken[strings.ToLower(name)] = true
	return name
}

func (a *arranger) arrange(target *Stage) {
	files := a.unique(FilesStage)
	target = a.join(target)
	a.scopes, a.readers = map[*Stage]*Scope{}, map[*Stage]*stageReader{}
	needed := a.needed(target)
	out := a.layout
	for _, s := range a.file.Stages[:target.Index+1] {
		r := a.reader(s)
		r.walk(r.read)
		a.scopes[s], a.readers[s] = r.scope, r
		if !needed[s] {
			continue
		}
		r.reorder()
		r.mountAll()
		r.fold()
		r.order()
		r.cacheAll()
		out.Changed = out.Changed || r.moved || r.layers > 0
		out.Decisions = append(out.Decisions, r.decisions...)
		a.stage(s, r, s == target)
	}
	slices.SortStableFunc(out.Decisions, func(a, b Decision) int { return a.Line - b.Line })
	for _, s := range out.Stages {
		for _, it := range s.Items {
			out.Changed = out.Changed || len(it.Mounts)+len(it.Caches) > 0
			for _, m := range it.Mounts {
				if m.Mode != "" {
					out.Moded = append(out.Moded, Mount{Source: m.Source, Mode: m.Mode})
				}
			}
			if it.keepsDownloads() || len(out.Moded) > 0 {
				out.Files = files
			}
		}
	}
	slices.SortFunc(out.Moded, func(a, b Mount) int { return strings.Compare(a.Mode+"/"+a.Source, b.Mode+"/"+b.Source) })
	out.Moded = slices.Compact(out.Moded)
}

// keepsDownloads reports whether a step has apt's archives in a cache mount.
func (it *Item) keepsDownloads() bool {
	return slices.ContainsFunc(it.Caches, func(m cache.Mount) bool { return m.Tool.Name == "apt" })
}

// stage lays one stage out, as several where steps of it become one layer.
func (a *arranger) stage(s *Stage, r *stageReader, last bool) {
	name := s.Name
	if name == "" && !last {
		name = a.unique(fmt.Sprintf("stage-%d", s.Index))
	}
	a.names[s] = name
	root := a.root(s)
	add := func(platform, base, name string, items ...*Item) {
		for _, it := range items {
			it.names = a.renamed(it.In)
		}
		a.layout.Stages = append(a.layout.Stages, &StageLayout{From: s.From, Name: name, Base: base, Platform: platform, Root: root, Items: items})
	}
	label := name
	if label == "" && r.layers > 0 {
		label = a.unique(fmt.Sprintf("stage-%d", s.Index))
	}
	base, platform := s.Base, s.Platform
	var declared []*Item
	rest := r.items
	for g := 1; g <= r.layers; g++ {
		from, to := group(rest, g)
		upper := label + "-setup"
		if g > 1 {
			upper = fmt.Sprintf("%s-setup-%d", label, g)
		}
		lower := a.unique(fmt.Sprintf("%s-before-%d", label, g))
		upper = a.unique(upper)
		add(platform, base, lower, slices.Concat(declared, rest[:from])...)
		declared = a.again(declared, rest[:from])
		add("", lower, upper, slices.Concat(declared, rest[from:to+1])...)
		declared = a.again(declared, rest[from:to+1])
		squash := Squash{Name: a.unique(fmt.Sprintf("pgstrata-%s-%d", strings.ToLower(label), g)), Lower: lower, Upper: upper, CreatedBy: rest[from].In.Text, Line: rest[from].In.Start, Alone: r.asked[g-1].alone()}
		a.layout.Squashes = append(a.layout.Squashes, squash)
		for _, name := range append(slices.Clone(a.joined[s.Name]), s.Name) {
			a.layout.Became[name] = append(a.layout.Became[name], lower, upper)
		}
		base, platform = squash.Name, ""
		rest = rest[to+1:]
	}
	add(platform, base, name, slices.Concat(declared, rest)...)
}

// group returns where the steps of a RUN line start and end.
func group(items []*Item, g int) (from, to int) {
	from = slices.IndexFunc(items, func(it *Item) bool { return it.layer == g })
	to = from
	for i, it := range items {
		if it.layer == g {
			to = i
		}
	}
	return from, to
}

// again are the ARGs for the stage below some items, of those that hold above them
// and their own, as an ARG ends with a stage; what their defaults stood for is
// written out. One whose variable a later ENV sets holds no more: of the two the
// last is seen, and the ENV is the image's. A CMD is written again, too: an
// ENTRYPOINT takes away that of another stage.
func (a *arranger) again(above, items []*Item) []*Item {
	out := slices.Clone(above)
	for _, it := range items {
		if env, ok := it.In.Command.(*instructions.EnvCommand); ok {
			out = slices.DeleteFunc(out, func(arg *Item) bool {
				return slices.ContainsFunc(env.Env, func(kv instructions.KeyValuePair) bool { return kv.Key == arg.arg })
			})
		}
		if isCmd(it.In) {
			out = append(slices.DeleteFunc(out, func(other *Item) bool { return isCmd(other.In) }), it)
		}
		if it.arg == "" {
			continue
		}
		scope := it.scope.clone()
		scope.apply(it.In.Command, a.global, a.opt.Args)
		one := *it
		if v, ok := scope.Args[it.arg]; ok && strings.Contains(it.text(), "$") {
			one.fixed = &v
		}
		out = append(out, &one)
	}
	return out
}

func isCmd(in *Instruction) bool {
	_, ok := in.Command.(*instructions.CmdCommand)
	return ok
}

// renamed are the names of the stages that an instruction refers to by number.
func (a *arranger) renamed(in *Instruction) map[string]string {
	out := map[string]string{}
	for _, from := range a.froms(in) {
		s := a.file.Stage(from, len(a.file.Stages))
		if s != nil && fmt.Sprint(s.Index) == from && !strings.EqualFold(s.Name, from) {
			out[from] = a.names[s]
		}
	}
	return out
}
