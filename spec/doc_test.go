package spec

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const keyReference = "../docs/build-file.md"

func readDoc(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(data)
}

// Every build file that the documentation shows loads.
func TestDocumentedBuildFilesLoad(t *testing.T) {
	block := regexp.MustCompile("(?s)\n```yaml\n(.*?)```\n")
	for _, name := range []string{keyReference, "../README.md"} {
		text := readDoc(t, name)
		found := 0
		for _, at := range block.FindAllStringSubmatchIndex(text, -1) {
			example := text[at[2]:at[3]]
			if !strings.HasPrefix(example, "base:") && !strings.HasPrefix(example, "# syntax=") {
				continue
			}
			found++
			_, err := Load("Dockerfile", []byte(example), Options{})
			assert.NoError(t, err, "%s, the example after line %d", name, strings.Count(text[:at[2]], "\n"))
		}
		assert.Positive(t, found, "%s shows no build file", name)
	}
}

// The reference has a row for each key of the build file, in a table of its
// own for each mapping, and for nothing else.
func TestEveryKeyIsDocumented(t *testing.T) {
	want := map[string]int{
		"default": 1, "description": 1, // an argument's mapping, which has no type of its own
	}
	countKeys(reflect.TypeFor[File](), map[reflect.Type]bool{}, want)

	got := map[string]int{}
	row := regexp.MustCompile("^\\| `([a-z_]+)` \\|")
	keys := false // in a table of keys
	for line := range strings.Lines(readDoc(t, keyReference)) {
		switch m := row.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "| key |"):
			keys = true
		case !strings.HasPrefix(line, "|"):
			keys = false
		case keys && m != nil:
			got[m[1]]++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		assert.Equal(t, want[key], got[key], "rows for %q in %s", key, keyReference)
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		assert.Contains(t, want, key, "%s has a row for a key that there is not", keyReference)
	}
}

// countKeys counts, by key, the types below t that have it.
func countKeys(t reflect.Type, seen map[reflect.Type]bool, counts map[string]int) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		countKeys(t.Elem(), seen, counts)
	case reflect.Struct:
		if seen[t] {
			return
		}
		seen[t] = true
		for i := range t.NumField() {
			f := t.Field(i)
			if name := fieldName(f); name != "" {
				counts[name]++
				countKeys(f.Type, seen, counts)
			}
		}
	default:
	}
}

// The reference names each field that substitution leaves alone.
func TestLiteralFieldsAreDocumented(t *testing.T) {
	text := readDoc(t, keyReference)
	_, text, ok := strings.Cut(text, "\n## Substitution\n")
	require.True(t, ok)
	text, _, _ = strings.Cut(text, "\n## ")
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			visit(typ.Elem())
		case reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				switch name := fieldName(f); {
				case name == "":
				case fieldHas(f, "literal"), fieldHas(f, "late"):
					assert.Regexp(t, "`([a-z_]+\\.)*"+name+"`", text)
				default:
					visit(f.Type)
				}
			}
		default:
		}
	}
	visit(reflect.TypeFor[File]())
}
