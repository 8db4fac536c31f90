package spec

import (
	"os"
	"reflect"
	"regexp"
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
