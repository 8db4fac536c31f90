package spec

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// unreadable reports why a text is no YAML, in words of one who writes build files. The parser's message is kept where
// there are none for it.
func unreadable(p *Problems, message string, data []byte, tokens token.Tokens, at Position) {
	lines := strings.Split(string(data), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		p.Addf(Range{at, at}, "not YAML: %s", message)
		return
	}
	line := lines[at.Line-1]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	rest := line[min(len(line), max(0, at.Column-1)):]
	switch {
	case strings.Contains(indent, "\t"):
		message = "a tab indents this line: YAML takes spaces alone"
	case strings.Contains(message, "already defined at ["):
		_, place, _ := strings.Cut(message, "already defined at [")
		first, _, _ := strings.Cut(place, ":")
		key, _, _ := strings.Cut(strings.TrimSpace(rest), ":")
		message = fmt.Sprintf("the key %s is there twice, in line %s already", key, first)
	case strings.Contains(message, "must be specified"), strings.Contains(message, "end token"):
		if open := unclosed(tokens, at); open != nil {
			at = Position{Line: open.Position.Line, Column: open.Position.Column}
		}
		message = "what begins here is not closed, or a comma is missing in it"
	case strings.Contains(message, "-quoted text"):
		message = "this quote is not closed"
	case strings.HasPrefix(rest, "*"), at.Column > 1 && strings.HasPrefix(line[at.Column-2:], "*"):
		message = "a * begins an alias in YAML: put the text in quotes"
	case strings.Contains(message, "reserved character"):
		message = "no text begins with this sign in YAML: put it in quotes"
	case strings.Contains(message, "mapping value is not allowed") && !deeper(lines, at.Line, indent):
		message = "a colon with a space behind it ends a key: put the text in quotes"
	case strings.Contains(message, "mapping value is not allowed"): // the line that follows is taken for more of this one
		at = Position{Line: at.Line + 1, Column: 1}
		line = lines[at.Line-1]
		message = indented(line[:len(line)-len(strings.TrimLeft(line, " "))])
	case strings.Contains(message, "not allowed in this context"), at.Column == len(indent)+1 && at.Line > 1:
		message = indented(indent)
	default:
		message = "not YAML: " + message
	}
	p.Addf(Range{at, at}, "%s", message)
}

// unclosed is the last { or [ ahead of a place that nothing closes, nil where there
// is none.
func unclosed(tokens token.Tokens, at Position) *token.Token {
	var open []*token.Token
	for _, t := range tokens {
		if p := t.Position; p.Line > at.Line || p.Line == at.Line && p.Column > at.Column {
			break
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			open = append(open, t)
		case token.MappingEndType, token.SequenceEndType:
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[len(open)-1]
}

// deeper tells whether the line after a line is indented by more than that.
func deeper(lines []string, line int, indent string) bool {
	return line < len(lines) && strings.HasPrefix(lines[line], indent+" ") && strings.TrimSpace(lines[line]) != ""
}

func indented(by string) string {
	spaces := "1 space"
	if len(by) != 1 {
		spaces = fmt.Sprintf("%d spaces", len(by))
	}
	return "this line is indented by " + spaces + ", and no line that it belongs to is: lines of one list or mapping are indented alike"
}
