package migrate

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// comments are the comments that belong to an instruction: those right above
// it, and those among its lines. They are carried over with it.
func (m *migration) comments(in *dockerfile.Instruction) []string {
	var out []string
	first := in.Start
	for first > 1 && isComment(m.lines[first-2]) && !m.directive[first-1] {
		first--
	}
	for n := first; n <= in.End && n <= len(m.lines); n++ {
		if !isComment(m.lines[n-1]) || n > in.Start && m.inHeredoc(in, n) {
			continue
		}
		out = append(out, strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(m.lines[n-1]), "#")))
		m.report.went(n, Carried, "with what stands below it")
	}
	return out
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

// inHeredoc reports whether a line may be the text of a here-document.
func (m *migration) inHeredoc(in *dockerfile.Instruction, line int) bool {
	return strings.Contains(m.lines[in.Start-1], "<<") && line > in.Start
}

// readLines makes an entry of the report of each instruction, and of each
// comment that stands by itself.
func (m *migration) readLines() {
	m.lines = strings.Split(strings.TrimSuffix(string(m.file.Data), "\n"), "\n")
	for i := range m.lines {
		m.lines[i] = strings.TrimSuffix(m.lines[i], "\r")
	}
	inside := map[int]*dockerfile.Instruction{}
	for _, in := range m.instructions() {
		for n := in.Start; n <= in.End; n++ {
			inside[n] = in
		}
	}
	m.directive = map[int]bool{}
	top := true
	for n := 1; n <= len(m.lines); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(m.lines[n-1], "\ufeff"))
		in := inside[n]
		switch {
		case in != nil && in.Start == n:
			m.report.Lines = append(m.report.Lines, Line{Start: in.Start, End: in.End, Text: text})
			top = false
		case in == nil && text != "":
			m.report.Lines = append(m.report.Lines, Line{Start: n, End: n, Text: text})
			m.directives(n, text, top)
			top = top && m.directive[n]
		default:
			top = top && text != "" // an empty line ends the directives
		}
	}
}

// instructions are all of the Dockerfile's.
func (m *migration) instructions() []*dockerfile.Instruction {
	out := slices.Clone(m.file.Args)
	for _, s := range m.file.Stages {
		out = append(append(out, s.From), s.Instructions...)
	}
	return out
}

// directives tells of the lines that BuildKit's parser reads itself, and of
// those that look like it and stand too late.
func (m *migration) directives(line int, text string, top bool) {
	name, v, ok := strings.Cut(strings.TrimSpace(strings.TrimLeft(text, "#/")), "=")
	name = strings.ToLower(strings.TrimSpace(name))
	if !ok || name != "syntax" && name != "escape" && name != "check" {
		return
	}
	switch {
	case name == "syntax" && line != 1:
		m.directive[line] = true
		m.report.went(line, Dropped, "it is not in the first line, so BuildKit has never read it; the build file has it there")
	case name == "syntax":
		m.directive[line] = true
		m.report.went(line, Dropped, "the build file names its own frontend, in place of %s", strings.TrimSpace(v))
	case !top:
	case name == "escape":
		m.directive[line] = true
		m.report.went(line, Dropped, "a build file needs no escape character")
	default:
		m.directive[line] = true
		m.report.went(line, Dropped, "it is of rules for Dockerfiles; pgstrata has its own")
	}
}

// unexplained closes the report: what nothing has spoken of.
func (m *migration) unexplained() {
	for i := range m.report.Lines {
		l := &m.report.Lines[i]
		switch {
		case l.Fate != "":
		case isComment(l.Text):
			m.report.went(l.Start, Dropped, "a comment")
		default:
			m.report.went(l.Start, Lost, "nothing in a build file stands for it")
		}
	}
}
