package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// notList reports a value that stands where a list belongs.
func (d *decoder) notList(n ast.Node) {
	var form string
	if text, ok := plain(n); ok {
		form = ": write [" + text + "]"
	}
	d.Addf(rangeOf(n), "must be a list, not %s%s", describe(n), form)
}

// notMapping reports a value that stands where a mapping of the type belongs. A
// type that is no struct has keys of the user's own.
func (d *decoder) notMapping(n ast.Node, t reflect.Type) {
	var form string
	switch list, isList := n.(*ast.SequenceNode); {
	case isList && t.Kind() != reflect.Struct:
		form = pairs(list)
	case !isList && t.Kind() == reflect.Struct:
		if text, ok := plain(n); ok {
			form = required(t, text)
		}
	}
	if form != "" {
		form = ": write " + form
	}
	d.Addf(rangeOf(n), "must be a mapping of keys to values, not %s%s", describe(n), form)
}

// pairs is the mapping that a list of KEY=VALUE means, as compose files have it.
func pairs(list *ast.SequenceNode) string {
	out := make([]string, len(list.Values))
	for i, item := range list.Values {
		text, _ := plain(item)
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return ""
		}
		out[i] = key + ": " + value
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// required is a mapping of a type's required keys. The first that takes text gets the given one.
func required(t reflect.Type, text string) string {
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		notation, options, _ := strings.Cut(f.Tag.Get("is"), ",")
		if !slices.Contains(strings.Split(options, ","), "required") {
			continue
		}
		value := "<" + notation + ">"
		switch {
		case text == "":
		case f.Type == reflect.TypeFor[Text]():
			value, text = text, ""
		case f.Type == reflect.TypeFor[[]Text]():
			value, text = "["+text+"]", ""
		}
		out = append(out, fieldName(f)+": "+value)
	}
	if len(out) == 0 {
		return ""
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// plain returns the text of a scalar that can be written again as it is.
func plain(n ast.Node) (string, bool) {
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		text := n.GetToken().Value
		return text, text != "" && !strings.ContainsAny(text, "\n,[]{}:#\"'")
	}
	return "", false
}

// longer is what a length of time in days or weeks is in hours, or nothing.
func longer(s string) string {
	for unit, hours := range map[string]int{"d": 24, "day": 24, "days": 24, "w": 7 * 24, "week": 7 * 24, "weeks": 7 * 24} {
		if count, ok := strings.CutSuffix(s, unit); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(count)); err == nil && n >= 0 && n < 10_000 {
				return fmt.Sprintf(": write %dh", n*hours)
			}
		}
	}
	return ""
}

// syntaxMessage is what the parser says of the text at a place, in words of one who writes build files.
func syntaxMessage(message string, data []byte, at Position) string {
	lines := strings.Split(string(data), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return "not YAML: " + message
	}
	line := lines[at.Line-1]
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	switch {
	case strings.Contains(indent, "\t"):
		return "a tab indents this line: YAML takes spaces alone"
	case at.Column == len(indent)+1 && at.Line > 1:
		return fmt.Sprintf("not YAML: %s. Lines that belong together are indented alike; this one has %d spaces", message, len(indent))
	}
	return "not YAML: " + message
}
