package dockerfile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/cache"
)

// stage writes one stage, as several where steps of it become one layer.
func (w *writer) stage(s *Stage, r *stageReader, last bool) {
	name := s.Name
	if name == "" && !last {
		name = w.unique(fmt.Sprintf("stage-%d", s.Index))
	}
	w.names[s] = name
	if r.groups == 0 {
		w.from(s.From, s.Platform, s.Base, name)
		w.items(r.items)
		return
	}
	label := name
	if label == "" {
		label = w.unique(fmt.Sprintf("stage-%d", s.Index))
	}
	base, platform := s.Base, s.Platform
	var declared []*item
	rest := r.items
	for g := 1; g <= r.groups; g++ {
		from, to := group(rest, g)
		upper := label + "-setup"
		if g > 1 {
			upper = fmt.Sprintf("%s-setup-%d", label, g)
		}
		lower := w.unique(fmt.Sprintf("%s-before-%d", label, g))
		upper = w.unique(upper)
		w.from(s.From, platform, base, lower)
		w.declare(declared)
		w.items(rest[:from])
		declared = append(declared, args(rest[:from])...)
		w.from(s.From, "", lower, upper)
		w.declare(declared)
		w.items(rest[from : to+1])
		declared = append(declared, args(rest[from:to+1])...)
		squash := Squash{Name: w.unique(fmt.Sprintf("pgstrata-%s-%d", strings.ToLower(label), g)), Lower: lower, Upper: upper, CreatedBy: rest[from].in.Text, Line: rest[from].in.Start, Alone: r.asked[g-1].alone()}
		w.out.Squashes = append(w.out.Squashes, squash)
		for _, name := range append(slices.Clone(w.joined[s.Name]), s.Name) {
			w.out.Stages[name] = append(w.out.Stages[name], lower, upper)
		}
		base, platform = squash.Name, ""
		rest = rest[to+1:]
	}
	w.from(s.From, platform, base, name)
	w.declare(declared)
	w.items(rest)
}

// group returns where the steps of a RUN line start and end.
func group(items []*item, g int) (from, to int) {
	from = slices.IndexFunc(items, func(it *item) bool { return it.group == g })
	to = from
	for i, it := range items {
		if it.group == g {
			to = i
		}
	}
	return from, to
}

func args(items []*item) []*item {
	var out []*item
	for _, it := range items {
		if it.arg != "" {
			out = append(out, it)
		}
	}
	return out
}

// declare repeats ARG instructions, which end with a stage; what their defaults
// stood for is written out.
func (w *writer) declare(list []*item) {
	for _, it := range list {
		text := it.text
		scope := it.scope.clone()
		scope.apply(it.in.Command, w.global, w.opt.Args)
		if v, ok := scope.args[it.arg]; ok && strings.Contains(text, "$") {
			text = "ARG " + it.arg + "=" + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(v) + `"`
		}
		w.line(text, it.in)
	}
}

func (w *writer) from(in *Instruction, platform, base, name string) {
	text := "FROM "
	if platform != "" {
		text += "--platform=" + platform + " "
	}
	text += base
	if name != "" {
		text += " AS " + name
	}
	w.line(text, in)
}

func (w *writer) items(list []*item) {
	for _, it := range list {
		w.line(w.itemText(it), it.in)
	}
}

// itemText is an instruction with its mounts, and with names in place of the
// numbers of stages.
func (w *writer) itemText(it *item) string {
	text := it.text
	if it.facts != nil {
		if flags := w.flags(it); flags != "" {
			w.out.Flags, w.out.Changed = append(w.out.Flags, flags), true
			text = text[:len("RUN")] + " " + flags + strings.TrimPrefix(text[len("RUN"):], " ")
		}
	}
	return w.renumber(it.in, text)
}

// flags are the mounts that a step gets, each followed by a space.
func (w *writer) flags(it *item) string {
	var b strings.Builder
	for _, m := range it.mounts {
		if m.mode != "" {
			w.moded[m.mode+"/"+m.source] = true
			fmt.Fprintf(&b, "--mount=type=bind,from=%s,source=/%s/%s,target=%s ", w.files, m.mode, m.source, m.target)
			continue
		}
		fmt.Fprintf(&b, "--mount=type=bind,source=%s,target=%s ", path.Join("/", m.source), m.target)
	}
	base := w.rootName(it)
	for _, m := range it.caches {
		b.WriteString(cacheFlag(m, base, w.opt.Platform) + " ")
	}
	if slices.ContainsFunc(it.caches, func(m cache.Mount) bool { return m.Tool.Name == "apt" }) {
		fmt.Fprintf(&b, "--mount=type=bind,from=%s,source=/docker-clean,target=%s ", w.files, cache.DockerClean)
	}
	return b.String()
}

// rootName is the image at the bottom of the stage that an item is in.
func (w *writer) rootName(it *item) string {
	for _, s := range w.file.Stages {
		if !slices.Contains(s.Instructions, it.in) {
			continue
		}
		for {
			base := w.file.Stage(w.baseName(s), s.Index)
			if base == nil {
				return w.baseName(s)
			}
			s = base
		}
	}
	return ""
}

// renumber names the stages that an instruction refers to by number.
func (w *writer) renumber(in *Instruction, text string) string {
	for _, from := range w.froms(in) {
		s := w.file.Stage(from, len(w.file.Stages))
		if s == nil || fmt.Sprint(s.Index) != from || strings.EqualFold(s.Name, from) {
			continue
		}
		for _, flag := range in.Flags {
			fixed := strings.ReplaceAll(flag, "from="+from, "from="+w.names[s])
			text = strings.Replace(text, flag, fixed, 1)
		}
	}
	return text
}
