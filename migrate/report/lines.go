package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// Lines are a Dockerfile's lines, with the report of what becomes of each.
type Lines struct {
	File   *dockerfile.File
	Report *Report
	all    []string
	// directive tells which of them the parser reads itself.
	directive map[int]bool
}

// Read makes an entry of the report of each instruction, and of each
// comment that stands by itself.
func Read(f *dockerfile.File, buildFile string) (*Lines, error) {
	m := &Lines{File: f, Report: New(f.Name, buildFile), directive: map[int]bool{}}
	for i, line := range bytes.Split(f.Data, []byte("\n")) {
		if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
			return nil, fmt.Errorf("%s: this line is not text in UTF-8, and a build file has to be", m.Where(i+1))
		}
	}
	m.all = strings.Split(strings.TrimSuffix(string(f.Data), "\n"), "\n")
	for i := range m.all {
		m.all[i] = strings.TrimSuffix(m.all[i], "\r")
	}
	inside := map[int]*dockerfile.Instruction{}
	for _, in := range m.Instructions() {
		for n := in.Start; n <= in.End; n++ {
			inside[n] = in
		}
	}
	top := true
	for n := 1; n <= len(m.all); n++ {
		text := strings.TrimSpace(strings.TrimPrefix(m.all[n-1], "\ufeff"))
		in := inside[n]
		switch {
		case in != nil && in.Start == n:
			m.Report.Lines = append(m.Report.Lines, Line{Start: in.Start, End: in.End, Text: text})
			top = false
		case in == nil && text != "":
			m.Report.Lines = append(m.Report.Lines, Line{Start: n, End: n, Text: text})
			m.directives(n, text, top)
			top = top && m.directive[n]
		default:
			top = top && text != "" // an empty line ends the directives
		}
	}
	return m, nil
}

// Where is a line of the Dockerfile in messages.
func (m *Lines) Where(line int) string { return fmt.Sprintf("%s:%d", m.File.Name, line) }

// Instructions are all of the Dockerfile's.
func (m *Lines) Instructions() []*dockerfile.Instruction {
	out := slices.Clone(m.File.Args)
	for _, s := range m.File.Stages {
		out = append(append(out, s.From), s.Instructions...)
	}
	return out
}

// Comments are the comments that belong to an instruction: those right above
// it, and those among its lines. They are carried over with it.
func (m *Lines) Comments(in *dockerfile.Instruction) []string {
	var out []string
	heredoc := strings.Contains(m.all[in.Start-1], "<<") // whose text a line may be
	for n := m.FirstComment(in); n <= in.End && n <= len(m.all); n++ {
		if isComment(m.all[n-1]) && (n <= in.Start || !heredoc) {
			out = append(out, m.CommentAt(n))
			m.Report.Record(n, Carried, "with what stands below it")
		}
	}
	return out
}

// FirstComment is the first line of the comments right above an instruction, its own
// where there is none.
func (m *Lines) FirstComment(in *dockerfile.Instruction) int {
	first := in.Start
	for first > 1 && isComment(m.all[first-2]) && !m.directive[first-1] {
		first--
	}
	return first
}

// CommentAt is the text of a comment.
func (m *Lines) CommentAt(line int) string {
	return strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(m.all[line-1]), "#"))
}

// SpeakOf reports whether an instruction reads a variable, by its text.
func (m *Lines) SpeakOf(in *dockerfile.Instruction, name string) bool {
	return slices.ContainsFunc(m.all[in.Start-1:min(in.End, len(m.all))], func(line string) bool {
		return strings.Contains(line, "$"+name) || strings.Contains(line, "${"+name)
	})
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "#") }

// directives tells of the lines that BuildKit's parser reads itself, and of
// those that look like it and stand too late.
func (m *Lines) directives(line int, text string, top bool) {
	name, v, ok := strings.Cut(strings.TrimSpace(strings.TrimLeft(text, "#/")), "=")
	name = strings.ToLower(strings.TrimSpace(name))
	if !ok || name != "syntax" && name != "escape" && name != "check" {
		return
	}
	switch {
	case name == "syntax" && line != 1:
		m.directive[line] = true
		m.Report.Record(line, Dropped, "it is not in the first line, so BuildKit has never read it; the build file has it there")
	case name == "syntax":
		m.directive[line] = true
		m.Report.Record(line, Dropped, "the build file names its own frontend, in place of %s", strings.TrimSpace(v))
	case !top:
	case name == "escape":
		m.directive[line] = true
		m.Report.Record(line, Dropped, "a build file needs no escape character")
	default:
		m.directive[line] = true
		m.Report.Record(line, Dropped, "it is of rules for Dockerfiles; pgstrata has its own")
	}
}

// Unexplained closes the report: what nothing has spoken of.
func (m *Lines) Unexplained() {
	for i := range m.Report.Lines {
		l := &m.Report.Lines[i]
		switch {
		case l.Fate != "":
		case isComment(l.Text):
			m.Report.Record(l.Start, Dropped, "a comment")
		default:
			m.Report.Record(l.Start, Lost, "nothing in a build file stands for it")
		}
	}
}
