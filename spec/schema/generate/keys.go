// Package generate makes what is known of the build file's keys from the source of package spec: its types, their `yaml`
// and `is` tags, and the comments above them. No program links it; its tests write what they find out of date:
//
//	go test ./spec/schema/generate -update
package generate

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strconv"
	"strings"
)

// Mapping is a type of package spec that is a mapping in a build file.
type Mapping struct {
	// Type is its name in Go.
	Type string
	// Doc is the comment above it.
	Doc string
	// Keys are in the order of the fields.
	Keys []Key
}

// Key is one key of a mapping.
type Key struct {
	// Name is the key itself.
	Name string
	// Type is the field's type in Go without * and [].
	Type string
	// List tells that the field is a slice.
	List bool
	// Is is what the value, or a list's entry, looks like: a name that the notations have, or empty for a mapping.
	Is string
	// Required tells that there must be a value.
	Required bool
	// Some tells that a list must not be empty.
	Some bool
	// Literal tells that build arguments in the value are not replaced.
	Literal bool
	// Doc is the comment above the field, in one line, without Default.
	Doc string
	// Default is what the comment says behind `Default:`.
	Default string
}

// Mappings reads the source of package spec, and returns the mappings that File and what it refers to are made of: File
// first, each other one where it is first met, and those of long forms behind their short ones.
func Mappings(source fs.FS) ([]Mapping, error) {
	types, err := structs(source)
	if err != nil {
		return nil, err
	}
	var (
		out  []Mapping
		seen = map[string]bool{}
		add  func(name string) error
	)
	add = func(name string) error {
		s, ok := types[name]
		if !ok || seen[name] {
			return nil
		}
		seen[name] = true
		m := Mapping{Type: name, Doc: oneLine(s.doc)}
		for _, f := range s.fields.List {
			k, ok, err := key(f)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if ok {
				m.Keys = append(m.Keys, k)
			}
		}
		if len(m.Keys) > 0 { // else a scalar with its place
			out = append(out, m)
		}
		for _, k := range m.Keys {
			if err := add(cmp.Or(longForm(k.Type), k.Type)); err != nil {
				return err
			}
		}
		return nil
	}
	return out, add("File")
}

// longForm is the mapping behind a type that has a notation of its own, for its short form.
func longForm(typ string) string {
	if typ == "Arg" {
		return "LongArg"
	}
	return ""
}

type structType struct {
	doc    string
	fields *ast.FieldList
}

// structs parses the package and returns its struct types by name.
func structs(source fs.FS) (map[string]structType, error) {
	files, err := fs.Glob(source, "*.go")
	if err != nil {
		return nil, err
	}
	out := map[string]structType{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range gen.Specs {
				t, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if body, ok := t.Type.(*ast.StructType); ok {
					out[t.Name.Name] = structType{gen.Doc.Text(), body.Fields}
				}
			}
		}
	}
	return out, nil
}

// key reads a field; it returns false for one that is not in the text.
func key(f *ast.Field) (Key, bool, error) {
	if f.Tag == nil {
		return Key{}, false, nil
	}
	raw, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return Key{}, false, err
	}
	tag := reflect.StructTag(raw)
	name, option, _ := strings.Cut(tag.Get("yaml"), ",")
	if name == "" || name == "-" {
		return Key{}, false, nil
	}
	k := Key{Name: name, Literal: option == "literal"}
	k.Type, k.List = typeName(f.Type)
	is := strings.Split(tag.Get("is"), ",")
	k.Is = is[0]
	for _, o := range is[1:] {
		switch o {
		case "required":
			k.Required = true
		case "some":
			k.Some = true
		default:
			return k, false, fmt.Errorf("%s: unknown option %q in the tag `is`", name, o)
		}
	}
	k.Doc, k.Default, _ = strings.Cut(oneLine(f.Doc.Text()), "Default: ")
	k.Doc, k.Default = strings.TrimSpace(k.Doc), strings.TrimSuffix(k.Default, ".")
	if k.Doc == "" {
		return k, false, fmt.Errorf("%s: a key needs a comment: it is the reference", name)
	}
	return k, true, nil
}

// typeName returns the name of a field's type, and whether the field is a list.
func typeName(e ast.Expr) (name string, list bool) {
	switch t := e.(type) {
	case *ast.StarExpr:
		return typeName(t.X)
	case *ast.ArrayType:
		name, _ = typeName(t.Elt)
		return name, true
	case *ast.Ident:
		return t.Name, false
	}
	return "", false
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
