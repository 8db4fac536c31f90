package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/moby/buildkit/util/suggest"
)

// notList reports a value that stands where a list belongs.
func (d *decoder) notList(n ast.Node) {
	var form string
	if text, ok := plain(n); ok {
		form = ": write [" + strings.Join(strings.Fields(text), ", ") + "]"
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
	case isList && t == reflect.TypeFor[Dependencies]():
		form = "{runtime: […]}, or build: […] for what the image has not"
	case !isList && t.Kind() == reflect.Struct:
		form = mapping(n, t)
	}
	if form != "" {
		form = ": write " + form
	}
	d.Addf(rangeOf(n), "must be a mapping of keys to values, not %s%s", describe(n), form)
}

// mapping is a mapping of the type that a text may mean.
func mapping(n ast.Node, t reflect.Type) string {
	text, ok := n.(*ast.StringNode)
	if !ok {
		return ""
	}
	key, value, colon := strings.Cut(text.Value, ":")
	switch {
	case colon && slices.Contains(keys(t), key):
		return key + ": " + value + ", with a space behind the colon"
	case colon && t == reflect.TypeFor[ConfigFile]():
		return "{source: " + key + ", target: " + value + "}"
	case t == reflect.TypeFor[Image]():
		return "`base: " + text.Value + "` for the image to build on; image is what docker inspect shows"
	}
	if _, ok := plain(n); !ok {
		return ""
	}
	return required(t, text.Value)
}

// keys are those of a type, in the order of its fields.
func keys(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if name := fieldName(t.Field(i)); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// elsewhere says where a key belongs that is not known where it stands: the keys that
// it may be, with those above.
func elsewhere(key string) string {
	foreign := map[string]string{ // those of compose files and the like, by what they are called here
		"environment": "env", "ports": "expose", "command": "cmd", "packages": "dependencies", "from": "base", "workdir": "working_dir",
	}
	key = cmp.Or(foreign[key], key)
	var found []string
	var search func(t reflect.Type, above string)
	search = func(t reflect.Type, above string) {
		for i := range t.NumField() {
			f := t.Field(i)
			name := fieldName(f)
			if name == "" {
				continue
			}
			if name == key {
				found = append(found, above+name)
			}
			if f.Type.Kind() == reflect.Struct {
				search(f.Type, above+name+".")
			}
		}
	}
	search(reflect.TypeFor[File](), "")
	if len(found) == 0 {
		return ""
	}
	return "; it is " + strings.Join(found, " or ") + " here"
}

// Meant is the end of a message about a word that is none of those known: the one that
// it is most like, or nothing.
func Meant(word string, known []string) string {
	if s, ok := suggest.Search(word, known, true); ok {
		return "; did you mean " + s + "?"
	}
	return ""
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

// truth is what a word of older YAML means, or nothing.
func truth(n ast.Node) string {
	text, _ := plain(n)
	switch strings.ToLower(text) {
	case "yes", "on", "y", "1":
		return ": write true"
	case "no", "off", "n", "0":
		return ": write false"
	}
	return ""
}

// longer is what a length of time in days, weeks or without a unit may mean, or nothing.
func longer(s string) string {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return fmt.Sprintf(": write %ds", n)
	}
	for unit, hours := range map[string]int{"d": 24, "day": 24, "days": 24, "w": 7 * 24, "week": 7 * 24, "weeks": 7 * 24} {
		if count, ok := strings.CutSuffix(s, unit); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(count)); err == nil && n >= 0 && n < 10_000 {
				return fmt.Sprintf(": write %dh", n*hours)
			}
		}
	}
	return ""
}
