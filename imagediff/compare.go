// Package imagediff compares two images file by file: one that BuildKit's own
// frontend has made, and one of the same Dockerfile by pgstrata.
package imagediff

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Mismatch is one difference that is not meant.
type Mismatch struct {
	// Where is a file's absolute path, or a field of the configuration, such as
	// "config.Env".
	Where string
	// Want and Got describe what the two images have there.
	Want, Got string
}

// String has two lines, of which the first is what is wanted.
func (m Mismatch) String() string {
	return fmt.Sprintf("%s:\n\t- %s\n\t+ %s", m.Where, m.Want, m.Got)
}

// Folder tells whether either side has a folder there.
func (m Mismatch) Folder() bool {
	return strings.HasPrefix(m.Want, "folder ") || strings.HasPrefix(m.Got, "folder ")
}

// Content tells whether nothing but the content of a file differs: kind, mode
// and owner are those that are wanted.
func (m Mismatch) Content() bool {
	const kept = 3 // kind, mode and owner
	want, got := strings.Fields(m.Want), strings.Fields(m.Got)
	return len(want) > kept && len(got) > kept && want[0] == "file" && slices.Equal(want[:kept], got[:kept])
}

// Roots returns how the files of two images differ, but for [Meant].
func Roots(want, got Root) []Mismatch { return mismatches(want.describe(), got.describe()) }

// Configs returns how the configurations of two images differ, but for [Meant].
func Configs(want, got *v1.ConfigFile) ([]Mismatch, error) {
	a, err := fields(want)
	if err != nil {
		return nil, err
	}
	b, err := fields(got)
	if err != nil {
		return nil, err
	}
	return mismatches(a, b), nil
}

func mismatches(want, got map[string]string) []Mismatch {
	const missing = "not there"
	names := maps.Clone(want)
	maps.Copy(names, got)
	var out []Mismatch
	for _, name := range slices.Sorted(maps.Keys(names)) {
		a, isWanted := want[name]
		b, is := got[name]
		if a == b && isWanted == is {
			continue
		}
		if !isWanted {
			a = missing
		}
		if !is {
			b = missing
		}
		out = append(out, Mismatch{name, a, b})
	}
	return out
}

// fields are those of a configuration, as JSON, without what is meant to differ.
func fields(c *v1.ConfigFile) (map[string]string, error) {
	c = c.DeepCopy()
	for _, d := range Meant() {
		if d.config != nil {
			d.config(c)
		}
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	top := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, err
	}
	const nested = "config"
	below := map[string]json.RawMessage{}
	if err := json.Unmarshal(top[nested], &below); err != nil {
		return nil, err
	}
	delete(top, nested)
	out := map[string]string{}
	for name, value := range top {
		out[name] = string(value)
	}
	for name, value := range below {
		out[nested+"."+name] = string(value)
	}
	return out, nil
}

// describe writes down all that counts of each file.
func (r Root) describe() map[string]string {
	linked := r.linked()
	out := map[string]string{}
	for name, n := range r {
		if slices.ContainsFunc(Meant(), func(d Difference) bool { return d.file != nil && d.file(name) }) {
			continue
		}
		out[name] = n.String()
		if names := linked[n]; len(names) > 1 {
			out[name] += " linked as " + strings.Join(names, ", ")
		}
	}
	return out
}
