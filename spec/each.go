package spec

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
)

// Each is a variable of `for`, with the values that it takes one after another.
type Each struct {
	Name   Text
	Values []Text
}

// multiply puts a script for each combination of its values in the place of each
// script with `for`.
func (f *File) multiply(p *Problems) {
	for _, list := range []*[]Script{&f.Setup.Scripts, &f.Setup.FinalCleanup} {
		if !slices.ContainsFunc(*list, func(s Script) bool { return s.For != nil }) {
			continue
		}
		var out []Script
		for _, s := range *list {
			if s.For == nil {
				out = append(out, s)
				continue
			}
			for _, with := range s.combinations(p) {
				out = append(out, s.one(p, with))
			}
		}
		*list = out
	}
}

// combinations are those of a script's values, in the order of the text.
func (t *Script) combinations(p *Problems) [][]Pair {
	out := [][]Pair{nil}
	for _, e := range t.For {
		switch {
		case !IsIdentifier(e.Name.Value):
			p.Addf(e.Name.At, "%q cannot be an argument's name: letters, digits and _, not starting with a digit", e.Name.Value)
			return nil
		case len(e.Values) == 0:
			p.Addf(e.Name.At, "%s needs a list of values", e.Name.Value)
			return nil
		case len(out)*len(e.Values) > maxScripts:
			p.Addf(t.At, "the values of for make more than the %d scripts that one image can have", maxScripts)
			return nil
		}
		seen := map[string]bool{}
		var next [][]Pair
		for _, v := range e.Values {
			if !isAccount(v.Value) {
				p.Addf(v.At, "a value of for is a part of the script's name, so it is letters, digits, _, . and -, not %q", v.Value)
			}
			if seen[v.Value] {
				p.Addf(v.At, "%s has the value %s twice", e.Name.Value, v.Value)
			}
			seen[v.Value] = true
		}
		for _, with := range out {
			for _, v := range e.Values {
				next = append(next, append(slices.Clone(with), Pair{Key: e.Name, Value: v}))
			}
		}
		out = next
	}
	return out
}

// one is the script of one combination. Names of scripts and sources, which no
// other arg is in, may be made of its values.
func (t *Script) one(p *Problems, with []Pair) Script {
	out, _ := reflect.TypeAssert[Script](deeply(reflect.ValueOf(*t)))
	out.For, out.With = nil, with
	for _, list := range [][]Text{out.Needs, out.Sources} {
		for i := range list {
			list[i].expand(p, out.args(nil))
		}
	}
	return out
}

// args are the args that hold for a script: those of the build file, and the values
// of its combination.
func (t *Script) args(declared map[string]string) map[string]string {
	if len(t.With) == 0 {
		return declared
	}
	out := maps.Clone(declared)
	if out == nil {
		out = map[string]string{}
	}
	for _, w := range t.With {
		out[w.Key.Value] = w.Value.Value
	}
	return out
}

// Name is what the script is called in needs, rules and targets: its file's name
// without the ending, and the values of its combination.
func (t *Script) Name() string {
	base := path.Base(t.Path.Value)
	name := strings.TrimSuffix(base, path.Ext(base))
	for _, w := range t.With {
		name += "-" + w.Value.Value
	}
	return name
}

// deeply is a copy of a value that shares nothing with it that can be changed.
func deeply(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(deeply(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(deeply(v.Index(i)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(deeply(v.Field(i)))
			}
		}
	}
	return out
}
