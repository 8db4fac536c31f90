package buildfile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/pgstrata/pgstrata/migrate/notation"
)

// node is a part of a YAML document. One of text, list and pairs is its value.
type node struct {
	// notes are comments above it, aside one behind it.
	notes []string
	aside string
	key   string
	text  scalar
	list  []*node
	pairs []*node
	kind  kind
	// apart says that an empty line stands above it, lines that it is not
	// written in brackets.
	apart, lines bool
	// off says that it is written as a comment.
	off bool
}

type kind int

const (
	isScalar kind = iota
	isList
	isMapping
)

// scalar is a single value; bare is a number, which needs no quotes.
type scalar struct {
	text string
	bare bool
}

// width is how long a line may become before lists and mappings in brackets are
// written in lines of their own.
const width = 112

func str(key, text string) *node { return &node{key: key, text: scalar{text: text}} }

func number(key string, n int) *node {
	return &node{key: key, text: scalar{strconv.Itoa(n), true}}
}

func texts(key string, list []string) *node {
	n := &node{key: key, kind: isList}
	for _, t := range list {
		n.list = append(n.list, str("", t))
	}
	return n
}

func mapping(key string, pairs ...*node) *node {
	n := &node{key: key, kind: isMapping}
	for _, p := range pairs {
		if p != nil {
			n.pairs = append(n.pairs, p)
		}
	}
	return n
}

// document writes a mapping as a YAML document.
func document(n *node) string {
	w := &yamlWriter{}
	for _, p := range n.pairs {
		w.pair(p, "")
	}
	return w.b.String()
}

type yamlWriter struct {
	b   strings.Builder
	off bool // what is written is a comment
}

func (w *yamlWriter) line(indent, text string) {
	if w.off {
		text = "# " + text
	}
	w.b.WriteString(strings.TrimRight(indent+text, " ") + "\n")
}

func (w *yamlWriter) notes(n *node, indent string) {
	if n.apart {
		w.b.WriteString("\n")
	}
	for _, c := range n.notes {
		for line := range strings.SplitSeq(c, "\n") {
			w.b.WriteString(strings.TrimRight(indent+"# "+notation.OneLine(line), " ") + "\n")
		}
	}
}

func aside(n *node) string {
	if n.aside == "" {
		return ""
	}
	return "   # " + n.aside
}

// pair writes `key: value`.
func (w *yamlWriter) pair(n *node, indent string) {
	w.notes(n, indent)
	defer w.commented(n)()
	key := quotedKey(n.key) + ":"
	if flow, ok := inBrackets(n, len(indent)+len(key)+1); ok {
		w.line(indent, key+" "+flow+aside(n))
		return
	}
	w.line(indent, key+aside(n))
	w.value(n, indent+"  ")
}

// commented turns what is written into comments until it is called back.
func (w *yamlWriter) commented(n *node) func() {
	before := w.off
	w.off = w.off || n.off
	return func() { w.off = before }
}

func (w *yamlWriter) value(n *node, indent string) {
	for _, p := range n.pairs {
		w.pair(p, indent)
	}
	for _, item := range n.list {
		w.item(item, indent)
	}
}

// item writes an entry of a list.
func (w *yamlWriter) item(n *node, indent string) {
	w.notes(n, indent)
	defer w.commented(n)()
	if flow, ok := inBrackets(n, len(indent)+2); ok {
		w.line(indent, "- "+flow+aside(n))
		return
	}
	inner := &yamlWriter{}
	inner.value(n, "  ")
	lines := strings.Split(strings.TrimSuffix(inner.b.String(), "\n"), "\n")
	for i, l := range lines {
		if i == 0 {
			l = "- " + strings.TrimPrefix(l, "  ")
		}
		w.line(indent, l)
	}
}

// inBrackets is a value in one line, where that is short enough and no part of
// it has a comment.
func inBrackets(n *node, at int) (string, bool) {
	if n.kind == isScalar {
		return quotedScalar(n.text, false), true
	}
	text, ok := flow(n)
	empty := len(n.list)+len(n.pairs) == 0
	return text, ok && (!n.lines || empty) && at+len([]rune(text)) <= width
}

func flow(n *node) (string, bool) {
	if n.kind == isScalar {
		return quotedScalar(n.text, true), true
	}
	var parts []string
	for _, p := range append(append([]*node{}, n.list...), n.pairs...) {
		text, ok := flow(p)
		if !ok || len(p.notes) > 0 || p.aside != "" || p.off {
			return "", false
		}
		if n.kind == isMapping {
			text = quotedKey(p.key) + ": " + text
		}
		parts = append(parts, text)
	}
	if n.kind == isMapping {
		return "{" + strings.Join(parts, ", ") + "}", n.key != "" || len(parts) < 5
	}
	return "[" + strings.Join(parts, ", ") + "]", true
}

// quotedScalar writes a text as YAML, in quotes where a parser would not give
// the same text back without them.
func quotedScalar(s scalar, inFlow bool) string {
	if s.bare || isPlain(s.text, inFlow) {
		return s.text
	}
	return strconv.Quote(s.text) // all its escapes are YAML's too
}

// quotedKey writes a key. Outside of what a name has it is in quotes.
func quotedKey(key string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/"
	if strings.Trim(key, plain) != "" {
		return strconv.Quote(key)
	}
	return quotedScalar(scalar{text: key}, true)
}

// isPlain asks the parser whether a text is a string without quotes.
func isPlain(text string, inFlow bool) bool {
	if text == "" || strings.ContainsAny(text, "\n\r\t#") || strings.TrimSpace(text) != text || strings.ContainsAny(text[:1], "&*!|>'\"%@`{}[],?:-<=~") ||
		strings.HasSuffix(text, ":") || strings.Contains(text, ": ") || inFlow && strings.ContainsAny(text, ",[]{}") ||
		slices.Contains([]string{"y", "n", "yes", "no", "on", "off"}, strings.ToLower(text)) {
		return false
	}
	var got []any
	source := "- " + text
	if inFlow {
		source = "[" + text + ", {key: " + text + "}]"
	}
	err := yaml.Unmarshal([]byte(source), &got)
	return err == nil && len(got) > 0 && got[0] == text
}
