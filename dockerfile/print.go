package dockerfile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/cache"
	"github.com/pgstrata/pgstrata/graph"
)

// Rewritten is a layout that is written as a Dockerfile. Its last stage is the
// target.
type Rewritten struct {
	*Layout
	// Text is the Dockerfile.
	Text []byte
	// Lines tells for each of its lines which lines of the original it stands
	// for.
	Lines []Lines
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

// Rewrite arranges a Dockerfile, and prints it.
func Rewrite(f *File, opt Options) (*Rewritten, error) {
	layout, err := Arrange(f, opt)
	if err != nil {
		return nil, err
	}
	return layout.Print(opt.Platform), nil
}

// Print writes a layout as a Dockerfile for a platform, on which the ids of cache
// mounts depend.
func (l *Layout) Print(platform string) *Rewritten {
	p := &printer{out: &Rewritten{Layout: l}, platform: platform}
	if l.Escape != '\\' {
		p.line("# escape="+string(l.Escape), Lines{})
	}
	for _, in := range l.Args {
		p.line(in.Text, Lines{in.Start, in.End})
	}
	if l.Files != "" {
		p.files()
	}
	for _, s := range l.Stages {
		p.stage(s)
	}
	p.out.Text = []byte(p.text.String())
	return p.out
}

// printer writes a layout.
type printer struct {
	out      *Rewritten
	platform string
	text     strings.Builder
}

// line writes what stands for lines of the original.
func (p *printer) line(text string, of Lines) {
	p.text.WriteString(text + "\n")
	for range strings.Count(text, "\n") + 1 {
		p.out.Lines = append(p.out.Lines, of)
	}
}

// files writes the stage that holds what steps need beside the context.
func (p *printer) files() {
	p.line("FROM scratch AS "+p.out.Files, Lines{})
	p.line("COPY <<PGSTRATA /docker-clean\n"+cache.KeepDownloads+"PGSTRATA", Lines{})
	for _, m := range p.out.Moded {
		p.line(fmt.Sprintf("COPY --chmod=%s %s /%s/%s", m.Mode, m.Source, m.Mode, m.Source), Lines{})
	}
}

func (p *printer) stage(s *StageLayout) {
	text := "FROM "
	if s.Platform != "" {
		text += "--platform=" + s.Platform + " "
	}
	text += s.Base
	if s.Name != "" {
		text += " AS " + s.Name
	}
	p.line(text, Lines{s.From.Start, s.From.End})
	for _, it := range s.Items {
		text := it.text()
		if flags := p.mounts(s, it); flags != "" {
			p.out.Flags = append(p.out.Flags, flags)
			text = text[:len("RUN")] + " " + flags + strings.TrimPrefix(text[len("RUN"):], " ")
		}
		p.line(it.renumber(text), Lines{it.In.Start, it.In.End})
	}
}

// mounts are the mounts that a step gets, each followed by a space.
func (p *printer) mounts(s *StageLayout, it *Item) string {
	var b strings.Builder
	for _, m := range it.Mounts {
		if m.Mode != "" {
			fmt.Fprintf(&b, "--mount=type=bind,from=%s,source=/%s/%s,target=%s ", p.out.Files, m.Mode, m.Source, m.Target)
			continue
		}
		fmt.Fprintf(&b, "--mount=type=bind,source=%s,target=%s ", path.Join("/", m.Source), m.Target)
	}
	for _, m := range it.Caches {
		fmt.Fprintf(&b, "--mount=type=cache,id=%s,target=%s,sharing=%s ", graph.CacheID(m, s.Root, p.platform), m.Target, m.Tool.Sharing)
	}
	if it.keepsDownloads() {
		fmt.Fprintf(&b, "--mount=type=bind,from=%s,source=/docker-clean,target=%s ", p.out.Files, cache.DockerClean)
	}
	return b.String()
}

// text is an item as an instruction, without its mounts.
func (it *Item) text() string {
	text := it.In.Text
	switch {
	case it.fixed != nil:
		return "ARG " + it.arg + "=" + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(*it.fixed) + `"`
	case it.own != nil && it.own.Value != nil:
		return "ARG " + it.arg + "=" + `"` + strings.NewReplacer(`"`, `\"`).Replace(*it.own.Value) + `"` // its variables are still expanded
	case it.own != nil:
		return "ARG " + it.arg
	case it.command != "":
		flags := slices.DeleteFunc(slices.Clone(it.In.Flags), func(f string) bool { return slices.Contains(it.without, f) })
		return strings.Join(slices.Concat([]string{"RUN"}, flags, []string{it.command}), " ")
	case it.listed:
		words := append([]string{"COPY"}, it.In.Flags...)
		for _, name := range it.copy.files {
			words = append(words, it.copy.by[name].Source)
		}
		text = strings.Join(append(words, strings.TrimSuffix(path.Dir(it.copy.files[0]), "/")+"/"), " ")
	}
	for _, name := range slices.Backward(it.excludes) {
		text = insert(text, " --exclude="+name)
	}
	if it.owner.chmod != "" {
		text = insert(text, " --chmod="+it.owner.chmod)
	}
	if it.owner.chown != "" {
		text = insert(text, " --chown="+it.owner.chown)
	}
	return text
}

// insert puts a flag behind an instruction's name.
func insert(text, flag string) string {
	at := strings.IndexAny(text, " \t")
	return text[:at] + flag + text[at:]
}

// renumber names the stages that an instruction refers to by number.
func (it *Item) renumber(text string) string {
	for _, flag := range it.In.Flags {
		options := strings.Split(flag, ",")
		for i, o := range options {
			from := o[strings.LastIndex(o, "=")+1:]
			if name, ok := it.names[from]; ok && strings.HasSuffix(o, "from="+from) {
				options[i] = strings.TrimSuffix(o, from) + name
			}
		}
		text = strings.Replace(text, flag, strings.Join(options, ","), 1)
	}
	return text
}
