package spec

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/moby/buildkit/util/suggest"
)

// MaxSize is the largest build file that is read, in bytes. Real ones are some
// kilobytes; the limit keeps a hostile one from costing memory.
const MaxSize = 512 << 10

// maxTokens is how many keys, values and signs are read, since the parser's
// time grows with the square of a mapping's size. It is ten times what a long
// build file has.
const maxTokens = 30_000

// Options are what the command line adds to a build file.
type Options struct {
	// BuildArgs are the values given with --build-arg.
	BuildArgs map[string]string
	// Predefined are values that a build file may use without declaring them:
	// TARGETPLATFORM and the others that BuildKit defines.
	Predefined map[string]string
}

// Load reads a build file, replaces `${ARG}` in it, and checks everything that
// needs no other file. Its error is [Errors]: all mistakes, with their places.
func Load(name string, data []byte, opt Options) (*File, error) {
	p := &Problems{File: name}
	f := &File{Name: name}
	if root := parse(p, data); root != nil {
		d := &decoder{Problems: p, anchors: anchorsOf(root)}
		d.decode(root, reflect.ValueOf(f).Elem(), 0)
	}
	if err := p.Err(); err != nil { // a half-read file would only give follow-up errors
		return nil, err
	}
	f.multiply(p)
	env := f.applyArgs(p, opt)
	expandValue(p, reflect.ValueOf(f).Elem(), env)
	f.Image.User.foresee(p, env)
	for i := range f.Image.Labels {
		f.Image.Labels[i].Value.foresee(p, env)
	}
	f.setDefaults()
	f.validate(p, env)
	if err := p.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// parse returns the root of the only document in data, or nil, having reported
// why there is none.
func parse(p *Problems, data []byte) ast.Node {
	if len(data) > MaxSize {
		p.Addf(Range{}, "the build file has %d bytes; the limit is %d", len(data), MaxSize)
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")) // the parser counts some of them twice
	if i := bytes.IndexByte(data, 0); i >= 0 {
		line := 1 + bytes.Count(data[:i], []byte("\n"))
		p.Addf(lineRange(line), "the build file holds a NUL byte: it is not text")
		return nil
	}
	if !utf8.Valid(data) {
		p.Addf(lineRange(firstInvalid(data)), "this line is not UTF-8; save the build file as UTF-8")
		return nil
	}
	if line, ok := tooDeep(data); ok {
		p.Addf(lineRange(line), "nested more than %d levels deep", maxDepth)
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if len(tokens) > maxTokens {
		p.Addf(Range{}, "the build file has %d keys, values and signs; the limit is %d", len(tokens), maxTokens)
		return nil
	}
	tree, err := parser.Parse(tokens, 0)
	if err != nil {
		var ye yaml.Error
		if !errors.As(err, &ye) || ye.GetToken() == nil {
			p.Addf(Range{}, "not YAML: %v", err)
			return nil
		}
		pos := Position{Line: ye.GetToken().Position.Line, Column: ye.GetToken().Position.Column}
		unreadable(p, ye.GetMessage(), data, tokens, pos)
		return nil
	}
	var roots []ast.Node
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			roots = append(roots, doc.Body)
		}
	}
	switch len(roots) {
	case 0:
		p.Addf(Range{}, "the build file is empty; it needs at least `base: <image>`")
		return nil
	case 1:
		return roots[0]
	}
	p.Addf(rangeOf(roots[1]), "a build file holds one YAML document; this is the second")
	return nil
}

// firstInvalid returns the first line that is not UTF-8.
func firstInvalid(data []byte) int {
	line := 1
	for text := range bytes.Lines(data) {
		if !utf8.Valid(text) {
			break
		}
		line++
	}
	return line
}

// tooDeep tells, before a recursive parser is let at the text, whether it
// nests further than any build file does, and in which line.
func tooDeep(data []byte) (int, bool) {
	// Brackets inside strings count too; no sensible string has so many. A
	// block collection needs a column for each level.
	line, depth, indent, dashes, atStart := 1, 0, 0, 0, true
	for _, b := range data {
		switch b {
		case '\n':
			line, indent, dashes, atStart = line+1, 0, 0, true
			continue
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		case ' ', '\t':
			if atStart {
				indent++
			}
			continue
		case '-', '?', ':':
			if atStart {
				dashes++
				continue
			}
		}
		atStart = false
		if depth > maxDepth*2 || indent > 512 || dashes > maxDepth {
			return line, true
		}
	}
	return 0, false
}

func lineRange(line int) Range {
	return Range{Start: Position{Line: line, Column: 1}, End: Position{Line: line, Column: 1}}
}

// anchorsOf collects the anchors of a tree by name.
func anchorsOf(root ast.Node) map[string]ast.Node {
	out := map[string]ast.Node{}
	for _, n := range ast.Filter(ast.AnchorType, root) {
		if a, ok := n.(*ast.AnchorNode); ok {
			out[a.Name.GetToken().Value] = a.Value
		}
	}
	return out
}

// applyArgs settles the value of each arg, in order, so that a default may use
// the args before it, and returns all values.
func (f *File) applyArgs(p *Problems, opt Options) map[string]string {
	env := map[string]string{}
	maps.Copy(env, opt.Predefined)
	for i := range f.Args {
		a := &f.Args[i]
		if _, ok := opt.Predefined[a.Name.Value]; ok {
			p.Addf(a.Name.At, "%s is set by BuildKit and needs no declaration; remove it", a.Name)
			continue
		}
		if v, ok := opt.BuildArgs[a.Name.Value]; ok {
			a.Value.Value, a.Set = v, true
		} else {
			a.Value.expand(p, env)
		}
		env[a.Name.Value] = a.Value.Value
	}
	return env
}

// Undeclared returns the build arguments that the file does not declare, each
// with a hint where a declared name is close.
func (f *File) Undeclared(opt Options) []string {
	declared := make([]string, len(f.Args))
	for i, a := range f.Args {
		declared[i] = a.Name.Value
	}
	return Unconsumed(declared, opt.BuildArgs, opt.Predefined)
}

// Unconsumed are the names of args that are given, and neither declared nor
// predefined, each with a hint where a declared name is close.
func Unconsumed(declared []string, given, predefined map[string]string) []string {
	var out []string
	for name := range given {
		_, known := predefined[name]
		if known || slices.Contains(declared, name) || isWellKnown(name) {
			continue
		}
		if s, ok := suggest.Search(name, declared, true); ok {
			name += " (did you mean " + s + "?)"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// isWellKnown tells whether a build argument means something to BuildKit
// itself, as Docker documents them, or to pgstrata.
func isWellKnown(name string) bool {
	switch strings.ToUpper(name) {
	case "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY", "SOURCE_DATE_EPOCH":
		return true
	}
	return strings.HasPrefix(name, "BUILDKIT_") || strings.HasPrefix(name, "PGSTRATA_")
}

// expandValue replaces args in every Text below v, but in fields whose tag
// says literal (a container's shell reads them) or late ([Text.Expand] does
// it, when more is known).
func expandValue(p *Problems, v reflect.Value, env map[string]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			expandValue(p, v.Elem(), env)
		}
	case reflect.Slice:
		if v.Type().Elem() == reflect.TypeFor[Arg]() { // settled in order, by applyArgs
			return
		}
		expandList(p, v, env)
	case reflect.Struct:
		if t, ok := v.Addr().Interface().(*Text); ok {
			t.expand(p, env)
			return
		}
		if pair, ok := v.Addr().Interface().(*Pair); ok {
			pair.Value.expand(p, env)
			return
		}
		if s, ok := v.Addr().Interface().(*Script); ok {
			env = s.args(env)
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() || fieldHas(f, "literal") || fieldHas(f, "late") {
				continue
			}
			expandValue(p, v.Field(i), env)
		}
	}
}

// expandList replaces args in a list. What was written, and has become nothing, is
// no entry of it: an empty argument leaves one out.
func expandList(p *Problems, v reflect.Value, env map[string]string) {
	kept := 0
	for i := range v.Len() {
		before := short(v.Index(i))
		expandValue(p, v.Index(i), env)
		if before != "" && short(v.Index(i)) == "" {
			continue
		}
		v.Index(kept).Set(v.Index(i))
		kept++
	}
	v.SetLen(kept)
}

// short is an entry of a list in its short form, "" for one of any other list.
func short(v reflect.Value) string {
	switch t := v.Addr().Interface().(type) {
	case *Text:
		return t.Value
	case *Package:
		return t.Name.Value
	case *Output:
		return t.From.Value
	}
	return ""
}

// foresee reports what is wrong with a text that also sees the base's variables,
// which are not known yet: one that cannot be read, and a misspelled argument.
func (t *Text) foresee(p *Problems, env map[string]string) {
	const short = 3 // names that are all alike
	_, missing, err := Expand(t.Value, env)
	meant, ok := suggest.Search(missing, slices.Sorted(maps.Keys(env)), true)
	switch {
	case err != nil:
		p.Addf(t.At, "%v", err)
	case len(missing) > short && ok:
		p.Addf(t.At, "${%s} is not a build argument; did you mean %s?", missing, meant)
	}
}

func (t *Text) expand(p *Problems, env map[string]string) {
	v, missing, err := Expand(t.Value, env)
	switch {
	case err != nil:
		p.Addf(t.At, "%v", err)
	case missing != "":
		hint := "declare it under args"
		if s, ok := suggest.Search(missing, slices.Sorted(maps.Keys(env)), true); ok {
			hint = "did you mean " + s + "?"
		}
		p.Addf(t.At, "${%s} is not a build argument; %s", missing, hint)
	default:
		t.Value = v
	}
}
