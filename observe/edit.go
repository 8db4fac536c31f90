package observe

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

// lineLength is how long a line may become that is written.
const lineLength = 118

// Edit returns the text of a build file with a proposal in it. It changes the
// entries of scripts that get outputs or needs, and nothing else; comments stay
// where they are. The chain is what was observed of the build file, file what
// was read of it.
func (p *Proposal) Edit(name string, data []byte, file *spec.File, c *Chain) ([]byte, error) {
	listed, err := spec.Listed(name, data)
	if err != nil {
		return nil, err
	}
	entries := entriesOf(listed, file)
	if listed == nil && p.changes() {
		var order []string
		for _, s := range file.Setup.Scripts {
			order = append(order, s.Path.Value)
		}
		if data, err = spec.Reorder(name, data, order); err != nil {
			return nil, err
		}
		if listed, err = spec.Listed(name, data); err != nil {
			return nil, err
		}
		for i := range listed {
			entries = append(entries, []string{file.Setup.Scripts[i].Name()})
		}
	}
	e := &editor{name: name, lines: strings.SplitAfter(string(data), "\n")}
	for i := len(listed) - 1; i >= 0; i-- { // from below, so that places above stay
		if err := e.entry(listed[i], p.of(entries[i], c)); err != nil {
			return nil, err
		}
	}
	out := []byte(strings.Join(e.lines, ""))
	return out, p.verify(name, out, c)
}

// entriesOf are, for each entry of the list, the names of the scripts that it
// stands for.
func entriesOf(listed []spec.Script, file *spec.File) [][]string {
	out := make([][]string, len(listed))
	for i, entry := range listed {
		for _, s := range file.Setup.Scripts {
			if s.At == entry.At {
				out[i] = append(out[i], s.Name())
			}
		}
	}
	return out
}

// written is what an entry of the list gets.
type written struct {
	path           string
	needs, outputs []string
	// auto tells that it contributes all that it leaves.
	auto bool
}

func (w written) changes() bool { return len(w.needs)+len(w.outputs) > 0 || w.auto }

// changes tells whether anything has to be written.
func (p *Proposal) changes() bool {
	return slices.ContainsFunc(p.Scripts, func(s Placed) bool { return !s.Declared && len(s.Needs)+len(s.Outputs) > 0 })
}

// of is what the scripts of an entry get.
func (p *Proposal) of(names []string, c *Chain) []written {
	var out []written
	for _, name := range names {
		for _, s := range p.Scripts {
			if s.Name != name {
				continue
			}
			w := written{path: s.Path}
			if !s.Declared {
				declared := c.script(name)
				w.needs = s.Needs
				if len(declared.Needs) > 0 {
					w.needs = slices.DeleteFunc(slices.Clone(s.Needs), func(n string) bool { return slices.Contains(declared.Needs, n) })
				}
				if w.auto = s.Auto; !w.auto {
					for _, o := range s.Outputs {
						w.outputs = append(w.outputs, parameters(o, declared.Env))
					}
				}
			}
			out = append(out, w)
		}
	}
	return out
}

// parameters replaces the values of args that a script reads by their names: a
// new version has a new path.
func parameters(output string, env []graph.Var) string {
	output = strings.NewReplacer("$", `\$`, "`", "\\`").Replace(output)
	for _, v := range env {
		same := 0
		for _, o := range env {
			if o.Value == v.Value {
				same++
			}
		}
		if len(v.Value) < 2 || same > 1 || !strings.ContainsFunc(v.Value, unicode.IsDigit) {
			continue
		}
		for from := 0; ; {
			at := strings.Index(output[from:], v.Value)
			if at < 0 {
				break
			}
			at += from
			end := at + len(v.Value)
			if at > 0 && strings.ContainsRune("/-_@+", rune(output[at-1])) && boundary(output[end:]) {
				name := "${" + v.Name + "}"
				output = output[:at] + name + output[end:]
				end = at + len(name)
			}
			from = end
		}
	}
	return output
}

// boundary tells whether a version that is followed by a text ends there.
func boundary(rest string) bool {
	if rest == "" || strings.ContainsRune("/-_+*", rune(rest[0])) {
		return true
	}
	return rest[0] == '.' && (len(rest) == 1 || !unicode.IsDigit(rune(rest[1])))
}

// verify reads what was written: only a text that says what was meant is right.
func (p *Proposal) verify(name string, data []byte, c *Chain) error {
	listed, err := spec.Listed(name, data)
	if err != nil {
		return fmt.Errorf("%s cannot be changed by lines: %w", name, err)
	}
	for _, s := range p.Scripts {
		for _, w := range p.of([]string{s.Name}, c) {
			if !w.changes() {
				continue
			}
			i := slices.IndexFunc(listed, func(l spec.Script) bool { return l.Name() == s.Name })
			if i < 0 || w.auto && !slices.ContainsFunc(listed[i].Outputs, func(o spec.Output) bool { return o.Auto }) || len(w.outputs) > 0 && !slices.Equal(outputs(listed[i]), w.outputs) ||
				slices.ContainsFunc(w.needs, func(n string) bool { return !slices.Contains(texts(listed[i].Needs), n) }) {
				return fmt.Errorf("%s cannot be changed by lines: give %s an entry of its own", name, s.Path)
			}
		}
	}
	return nil
}

// outputs are those of an entry, as it names them.
func outputs(s spec.Script) []string {
	var out []string
	for _, o := range s.Outputs {
		out = append(out, o.From.Value)
	}
	return out
}

func texts(list []spec.Text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Value)
	}
	return out
}

// editor changes a text by lines.
type editor struct {
	name  string
	lines []string
}

// entry writes what the scripts of an entry get.
func (e *editor) entry(s spec.Script, list []written) error {
	if !slices.ContainsFunc(list, written.changes) {
		return nil
	}
	short := s.Path.At == s.At // just a path
	if len(list) > 1 || short && list[0].path != s.Path.Value {
		if !short {
			return fmt.Errorf("%s:%d: this entry stands for %d scripts; write them out", e.name, s.At.Start.Line, len(list))
		}
		return e.several(s, list)
	}
	switch {
	case short:
		return e.replace(s.At, func(line, indent string, block bool) []string {
			return long(line, indent, scalar(s.Path.Value, true), list[0], block)
		})
	case s.Needs != nil && len(list[0].needs) > 0:
		if err := e.more(s.Needs, list[0].needs); err != nil {
			return err
		}
		return e.entry(spec.Script{Path: s.Path, At: s.At}, []written{{path: list[0].path, outputs: list[0].outputs, auto: list[0].auto}})
	}
	return e.keys(s, list[0])
}

// several replaces a pattern by the entries of what it matches.
func (e *editor) several(s spec.Script, list []written) error {
	return e.replace(s.At, func(_, indent string, block bool) []string {
		if !block {
			return nil
		}
		var out []string
		for i, w := range list {
			entry := []string{scalar(w.path, false)}
			if w.changes() {
				entry = long("", indent, scalar(w.path, true), w, true)
			}
			if i > 0 {
				entry[0] = strings.Repeat(" ", len(indent)-2) + "- " + entry[0]
			}
			out = append(out, entry...)
		}
		return out
	})
}

// replace replaces a scalar that is an entry of a list. What takes its place is
// made of the line without it, the indentation of the entry, and whether the
// entry has the line to itself; its first line comes where the scalar was.
func (e *editor) replace(at spec.Range, by func(line, indent string, block bool) []string) error {
	row := at.Start.Line - 1
	line := []rune(strings.TrimSuffix(e.lines[row], "\n"))
	from, to := at.Start.Column-1, at.End.Column-1
	if at.End.Line != at.Start.Line || to > len(line) || from > to {
		return fmt.Errorf("%s:%d: this entry has more than one line; give it one", e.name, at.Start.Line)
	}
	head, tail := string(line[:from]), string(line[to:])
	block := strings.TrimSpace(head) == "-"
	lines := by(head+tail, strings.Repeat(" ", from), block)
	if lines == nil {
		return fmt.Errorf("%s:%d: write this list with a line for each entry", e.name, at.Start.Line)
	}
	lines[0] = head + lines[0] + tail
	e.put(row, 1, lines)
	return nil
}

// put replaces a number of lines.
func (e *editor) put(row, count int, lines []string) {
	for i := range lines {
		lines[i] += "\n"
	}
	e.lines = slices.Replace(e.lines, row, row+count, lines...)
}

// long is an entry that is a mapping: in one line where it fits.
func long(rest, indent, path string, w written, block bool) []string {
	text := "{path: " + path
	for _, kv := range w.pairs() {
		text += ", " + kv.key + ": " + kv.flow()
	}
	text += "}"
	if !block || max(len(rest), len(indent))+len(text) <= lineLength {
		return []string{text}
	}
	return append([]string{"path: " + path}, w.block(indent)...)
}

// pair is a key with a list, or with a word in place of one.
type pair struct {
	key    string
	values []string
	word   string
}

func (w written) pairs() []pair {
	var out []pair
	if len(w.needs) > 0 {
		out = append(out, pair{key: "needs", values: w.needs})
	}
	if len(w.outputs) > 0 {
		out = append(out, pair{key: "outputs", values: w.outputs})
	}
	if w.auto {
		out = append(out, pair{key: "outputs", word: "auto"})
	}
	return out
}

// block are the lines of the keys of a mapping.
func (w written) block(indent string) []string {
	var out []string
	for _, kv := range w.pairs() {
		line := indent + kv.key + ": " + kv.flow()
		if len(line) <= lineLength {
			out = append(out, line)
			continue
		}
		out = append(out, indent+kv.key+":")
		for _, v := range kv.values {
			out = append(out, indent+"  - "+scalar(v, false))
		}
	}
	return out
}

// flow is the value in one line.
func (p pair) flow() string {
	var out []string
	for _, v := range p.values {
		out = append(out, scalar(v, true))
	}
	if p.word != "" {
		return p.word
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// scalar is a value as YAML has it.
func scalar(value string, inFlow bool) string {
	const plain = "/_.+-@~="
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune(plain, r) && (inFlow || !strings.ContainsRune("${}*", r))
	}
	first := rune(0)
	if value != "" {
		first = rune(value[0])
	}
	if strings.ContainsFunc(value, special) || first != '/' && !unicode.IsLetter(first) && !digits(value) {
		return strconv.Quote(value)
	}
	return value
}

// digits tells whether a name begins with digits and is no number.
func digits(value string) bool {
	return value != "" && unicode.IsDigit(rune(value[0])) && strings.ContainsFunc(value, unicode.IsLetter)
}

// keys adds keys to an entry that is a mapping, behind its path.
func (e *editor) keys(s spec.Script, w written) error {
	if !w.changes() {
		return nil
	}
	row := s.Path.At.End.Line - 1
	line := []rune(strings.TrimSuffix(e.lines[row], "\n"))
	end := min(s.Path.At.End.Column-1, len(line))
	head := string(line[:min(s.Path.At.Start.Column-1, len(line))])
	if strings.ContainsAny(strings.TrimLeft(head, " -"), "{,") { // in flow style
		text := ""
		for _, kv := range w.pairs() {
			text += ", " + kv.key + ": " + kv.flow()
		}
		e.put(row, 1, []string{string(line[:end]) + text + string(line[end:])})
		return nil
	}
	key := strings.Index(head, "path")
	if key < 0 {
		return errors.New(e.name + ": a path stands on another line than its key; put them on one")
	}
	e.put(row+1, 0, w.block(strings.Repeat(" ", key)))
	return nil
}

// more adds entries to a list that is there.
func (e *editor) more(list []spec.Text, values []string) error {
	if len(list) == 0 {
		return errors.New(e.name + ": an empty list of needs; remove it")
	}
	last := slices.MaxFunc(list, func(a, b spec.Text) int {
		return cmp.Or(cmp.Compare(a.At.End.Line, b.At.End.Line), cmp.Compare(a.At.End.Column, b.At.End.Column))
	}).At
	row := last.End.Line - 1
	line := []rune(strings.TrimSuffix(e.lines[row], "\n"))
	head := string(line[:min(last.Start.Column-1, len(line))])
	if strings.TrimSpace(head) == "-" {
		var lines []string
		for _, v := range values {
			lines = append(lines, head+scalar(v, false))
		}
		e.put(row+1, 0, lines)
		return nil
	}
	end := min(last.End.Column-1, len(line))
	text := ""
	for _, v := range values {
		text += ", " + scalar(v, true)
	}
	e.put(row, 1, []string{string(line[:end]) + text + string(line[end:])})
	return nil
}
