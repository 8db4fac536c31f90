package spec

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// What a hostile document can cost is bounded: no real build file nests,
// repeats or lists anything near this much.
const (
	maxDepth   = 32
	maxAliases = 256
	maxEntries = 2048
)

// decoder fills Go values from a YAML tree. It is driven by the `yaml` tags of
// the types, reports every mistake with its place, and takes scalars by their
// text, so that 3.10 stays 3.10 and 0640 stays octal.
type decoder struct {
	*Problems
	anchors map[string]ast.Node
	aliases int
}

// custom is implemented by types that have a notation of their own.
type custom interface {
	decodeNode(d *decoder, n ast.Node, depth int)
}

// placed is implemented by types that remember where they stood.
type placed interface {
	setRange(Range)
}

func (t *Script) setRange(r Range)      { t.At = r }
func (t *Secret) setRange(r Range)      { t.At = r }
func (t *ConfigFile) setRange(r Range)  { t.At = r }
func (t *Healthcheck) setRange(r Range) { t.At = r }
func (t *Test) setRange(r Range)        { t.At = r }
func (r *Rule) setRange(at Range)       { r.At = at }

// decode fills v, which must be addressable, from n.
func (d *decoder) decode(n ast.Node, v reflect.Value, depth int) {
	if depth > maxDepth {
		d.Addf(rangeOf(n), "nested more than %d levels deep", maxDepth)
		return
	}
	n = d.resolve(n)
	if n == nil {
		return
	}
	if c, ok := v.Addr().Interface().(custom); ok {
		c.decodeNode(d, n, depth)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), depth)
	case reflect.Struct:
		d.decodeStruct(n, v, depth)
	case reflect.Slice:
		d.decodeSlice(n, v, depth)
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return
		}
		d.Addf(rangeOf(n), "must be true or false, not %s%s", describe(n), truth(n))
	case reflect.Int:
		s, ok := d.scalar(n)
		if !ok {
			return
		}
		i, err := strconv.ParseInt(s, 10, 32)
		if errors.Is(err, strconv.ErrRange) {
			d.Addf(rangeOf(n), "%s is out of all bounds", s)
			return
		}
		if err != nil {
			d.Addf(rangeOf(n), "must be a whole number, not %q", s)
			return
		}
		v.SetInt(i)
	default:
		panic("spec: no rule to decode " + v.Type().String())
	}
}

func (d *decoder) decodeStruct(n ast.Node, v reflect.Value, depth int) {
	if p, ok := v.Addr().Interface().(placed); ok {
		p.setRange(rangeOf(n))
	}
	fields := fieldsOf(v)
	d.eachPair(n, v.Type(), func(key Text, value ast.Node) {
		f, ok := fields[key.Value]
		switch {
		case ok:
			d.decode(value, f, depth+1)
		case strings.HasPrefix(key.Value, "x-"): // the user's own, as in compose files
		default:
			names := keys(v.Type())
			hint := Meant(key.Value, names)
			if hint == "" {
				hint = elsewhere(key.Value)
			}
			if hint != "" {
				d.Addf(key.At, "unknown key %q%s", key.Value, hint)
				return
			}
			if r, _ := utf8.DecodeRuneInString(key.Value); unicode.IsSpace(r) {
				d.Addf(key.At, "this line begins with a space that YAML does not take for one (U+%04X): use the space bar's", r)
				return
			}
			hint = "; known here: " + strings.Join(names, ", ")
			if isNull(value) && strings.ContainsRune(key.Value, ' ') {
				hint = "; inside { } a comma ends a value: quote the text that it belongs to"
			}
			d.Addf(key.At, "unknown key %q%s", key.Value, hint)
		}
	})
}

func (d *decoder) decodeSlice(n ast.Node, v reflect.Value, depth int) {
	if isNull(n) { // `key:` with nothing behind it is an empty list, not an absent one
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return
	}
	switch v.Type().Elem() {
	case reflect.TypeFor[Pair]():
		keyed(d, n, v, func(key Text, value ast.Node) Pair {
			p := Pair{Key: key}
			p.Value.decodeNode(d, d.resolve(value), depth+1)
			return p
		})
		return
	case reflect.TypeFor[Each]():
		keyed(d, n, v, func(key Text, value ast.Node) Each {
			e := Each{Name: key}
			d.decode(value, reflect.ValueOf(&e.Values).Elem(), depth+1)
			return e
		})
		return
	case reflect.TypeFor[Arg]():
		keyed(d, n, v, func(key Text, value ast.Node) Arg {
			a := Arg{Name: key}
			a.decodeValue(d, d.resolve(value), depth+1)
			return a
		})
		return
	case reflect.TypeFor[Source]():
		keyed(d, n, v, func(key Text, value ast.Node) Source {
			s := Source{Name: key}
			d.decode(value, reflect.ValueOf(&s).Elem(), depth+1)
			return s
		})
		return
	}
	if text, ok := n.(*ast.StringNode); ok && text.Value == auto && v.Type().Elem() == reflect.TypeFor[Output]() {
		v.Set(reflect.ValueOf([]Output{{Auto: true, At: rangeOf(n)}}))
		return
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.notList(n)
		return
	}
	if d.tooMany(n, len(seq.Values)) {
		return
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		d.decode(item, out.Index(i), depth+1)
	}
	v.Set(out)
}

// keyed fills v, a list, from a mapping whose keys are the user's own.
func keyed[T any](d *decoder, n ast.Node, v reflect.Value, entry func(key Text, value ast.Node) T) {
	list := []T{}
	d.eachPair(n, v.Type(), func(key Text, value ast.Node) { list = append(list, entry(key, value)) })
	v.Set(reflect.ValueOf(list))
}

// eachPair calls fn for each entry of a mapping, which is one of the type.
func (d *decoder) eachPair(n ast.Node, t reflect.Type, fn func(Text, ast.Node)) {
	switch m := n.(type) {
	case *ast.MappingNode:
		if d.tooMany(n, len(m.Values)) {
			return
		}
		for _, p := range m.Values {
			d.pair(p, fn)
		}
	case *ast.MappingValueNode:
		d.pair(m, fn)
	case *ast.NullNode:
	default:
		d.notMapping(n, t)
	}
}

// tooMany reports a list or mapping that is longer than any build file's.
func (d *decoder) tooMany(n ast.Node, entries int) bool {
	if entries > maxEntries {
		at := rangeOf(n)
		at.End = at.Start
		d.Addf(at, "%d entries are more than the %d that are read in one place; use a glob or a directory", entries, maxEntries)
	}
	return entries > maxEntries
}

func (d *decoder) pair(p *ast.MappingValueNode, fn func(Text, ast.Node)) {
	if p.Key.IsMergeKey() {
		d.Addf(rangeOf(p.Key), "merge keys (<<) are not supported; write the keys out, or give an alias for a whole value")
		return
	}
	key := d.resolve(p.Key)
	s, ok := d.scalar(key)
	if !ok {
		return
	}
	fn(Text{Value: s, At: rangeOf(key)}, p.Value)
}

// resolve steps through anchors, aliases and tags. It returns nil, having
// reported it, where there is nothing to read.
func (d *decoder) resolve(n ast.Node) ast.Node {
	for range maxDepth {
		switch t := n.(type) {
		case *ast.AnchorNode:
			n = t.Value
		case *ast.TagNode:
			n = t.Value
		case *ast.MappingKeyNode:
			n = t.Value
		case *ast.AliasNode:
			d.aliases++
			if d.aliases > maxAliases {
				if d.aliases == maxAliases+1 {
					d.Addf(rangeOf(n), "more than %d aliases are read in this file", maxAliases)
				}
				return nil
			}
			name := t.Value.GetToken().Value
			target, ok := d.anchors[name]
			if !ok {
				d.Addf(rangeOf(n), "alias *%s has no anchor &%s", name, name)
				return nil
			}
			n = target
		default:
			return n
		}
	}
	d.Addf(rangeOf(n), "aliases refer to each other in a circle")
	return nil
}

// scalar returns the text of a scalar as the user wrote it.
func (d *decoder) scalar(n ast.Node) (string, bool) {
	switch t := n.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		return t.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	case *ast.NullNode:
		return "", true
	case *ast.MappingNode:
		if len(t.Values) == 1 {
			if text, ok := joinedPair(t.Values[0]); ok {
				return text, true
			}
		}
	case *ast.MappingValueNode:
		if text, ok := joinedPair(t); ok {
			return text, true
		}
	}
	if n != nil {
		d.Addf(rangeOf(n), "must be a single value, not %s", describe(n))
	}
	return "", false
}

// joinedPair is the text of a word with a colon in it, such as localhost:8008/x,
// which the parser takes for a pair inside of braces: to YAML it is a word, since
// no space follows the colon.
func joinedPair(n *ast.MappingValueNode) (string, bool) {
	key, colon := n.Key.GetToken(), n.Start
	if key.Position.Line != colon.Position.Line || key.Position.Column+len(key.Value) != colon.Position.Column {
		return "", false
	}
	var rest string
	switch v := n.Value.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		rest = v.GetToken().Value
	case *ast.MappingValueNode:
		text, ok := joinedPair(v)
		if !ok {
			return "", false
		}
		rest = text
	default:
		return "", false
	}
	first := n.Value.GetToken()
	if v, ok := n.Value.(*ast.MappingValueNode); ok {
		first = v.Key.GetToken()
	}
	return key.Value + ":" + rest, first.Position.Line == colon.Position.Line && first.Position.Column == colon.Position.Column+1
}

// fieldsOf returns the fields of a struct by their YAML names.
func fieldsOf(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if name := fieldName(v.Type().Field(i)); name != "" {
			fields[name] = v.Field(i)
		}
	}
	return fields
}

// fieldName returns a field's YAML name, "" for one that is not in the text.
func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

// fieldHas tells whether a field's tag carries an option.
func fieldHas(f reflect.StructField, option string) bool {
	_, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return options == option
}

func isNull(n ast.Node) bool {
	_, ok := n.(*ast.NullNode)
	return ok
}

func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	default:
		return strconv.Quote(n.GetToken().Value)
	}
}

// rangeOf returns the place of a whole node, children included.
func rangeOf(n ast.Node) Range {
	r := &ranger{}
	ast.Walk(r, n)
	return r.Range
}

// ranger is an ast.Visitor that spans the tokens of a tree.
type ranger struct{ Range }

// Visit implements ast.Visitor.
func (r *ranger) Visit(n ast.Node) ast.Visitor {
	tk := n.GetToken()
	if tk == nil || tk.Position == nil {
		return r
	}
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode: // their token is the colon; the key comes next
		return r
	}
	start := Position{Line: tk.Position.Line, Column: tk.Position.Column}
	text := strings.TrimRight(strings.TrimLeft(tk.Origin, " \n"), " \n")
	end := Position{Line: start.Line, Column: start.Column + len([]rune(text))}
	if lit, ok := n.(*ast.LiteralNode); ok {
		end.Line += strings.Count(strings.TrimRight(lit.Value.GetToken().Origin, "\n"), "\n") + 1
	}
	if r.Start.Line == 0 || before(start, r.Start) {
		r.Start = start
	}
	if before(r.End, end) {
		r.End = end
	}
	return r
}

func before(a, b Position) bool {
	if a.Line != b.Line {
		return a.Line < b.Line
	}
	return a.Column < b.Column
}
