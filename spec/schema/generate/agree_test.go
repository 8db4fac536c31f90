package generate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/spec"
)

// samples are values that some key takes.
func samples() []any {
	return []any{
		"x", "X", "A", "a_b", "x.sh", "a/b", "./a", "/", "/x", "/a/b", "..", "../x", "a/../../b", "$A", "${A}", "/opt/${A}", "${A}/x", "$${A}",
		"debian:bookworm-slim", "localhost:5000/a/b:c", "scratch", "a:b:c", "root", "0", "0:0", "root:0", "postgres",
		"5432", "5432/tcp", "53/udp", "53/icmp", "70000", "0640", "0o640", "888", "10s", "1h30m", "1.5m", "7d", "-5s",
		"SIGINT", "int", "SIGNOPE", "base", "arg:A", "arg:", "file:a/**", "package:p", "file:/x", "none", "host", "default", "fail", "rebuild", "kept", "apart",
		"setup", "toolchain", "p=1", "p=1.*", "p=", "${A} == x", "1 >= 2", "1 =~ 2", "--force", "a b", "a\nb", "setup/x", "*.sh", "**/*.sh", "ccache",
		"https://x/y", "http://user:pw@x", "ftp://x/y", "sha256:" + strings.Repeat("0a", 32), "sha256:0a", ".x", "pkg:deb/x",
		0, 1, 999, 5432, 70000, -1, 640,
	}
}

// companions are keys that a mapping cannot do without, and those that another key asks for.
func companions(typ string) map[string]any {
	switch typ {
	case "File":
		return map[string]any{"base": "debian", "args": map[string]any{"A": "x"}}
	case "Setup":
		return map[string]any{"sources": map[string]any{"x": map[string]any{"url": "https://x/y"}}}
	case "User":
		return map[string]any{"name": "postgres", "uid": 999}
	case "Repository":
		return map[string]any{"name": "x", "uris": []any{"http://x"}, "suites": []any{"x"}, "signed_by": "x"}
	case "Download":
		return map[string]any{"url": "https://x/y", "checksum": "sha256:" + strings.Repeat("0a", 32)}
	case "Script":
		return map[string]any{"path": "x.sh", "outputs": []any{"/x"}}
	case "Output":
		return map[string]any{"from": "/x"}
	case "Package":
		return map[string]any{"name": "x"}
	case "Secret":
		return map[string]any{"id": "x"}
	case "ConfigFile":
		return map[string]any{"source": "x", "target": "/x"}
	case "Rule":
		return map[string]any{"layer": "setup", "max_age": "1h"}
	case "Healthcheck":
		return map[string]any{"command": []any{"x"}}
	case "Test":
		return map[string]any{"name": "x", "run": "x.sh"}
	}
	return map[string]any{}
}

// sourceCompanions are what a key of a source asks for: what kind of source it is first of all.
func sourceCompanions(key string) map[string]any {
	switch key {
	case "url", "image", "context":
		return map[string]any{}
	case "git":
		return map[string]any{"ref": "x"}
	case "ref", "submodules":
		return map[string]any{"git": "https://x/y", "ref": "x"}
	case "subdir":
		return map[string]any{"image": "x"}
	case "known_hosts":
		return map[string]any{"git": "git@x:y", "ref": "x"}
	case "signature", "signed_by":
		return map[string]any{"url": "https://x/y", "signature": "x", "signed_by": "x"}
	}
	return map[string]any{"url": "https://x/y"}
}

// entryCompanions are what a key of an entry of setup.filesystem asks for: what it is.
func entryCompanions(key string) map[string]any {
	switch key {
	case "directory", "file":
		return map[string]any{}
	case "keep":
		return map[string]any{"directory": "/x"}
	case "link", "to":
		return map[string]any{"link": "/x", "to": "x"}
	}
	return map[string]any{"file": "/x"}
}

// What the loader accepts, the schema accepts: each sample is put behind each key. And the schema is no sieve either.
func TestSchemaAgreesWithLoad(t *testing.T) {
	all := mappings(t)
	text, err := JSONSchema(all)
	require.NoError(t, err)
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("schema.json", parsed))
	schema, err := c.Compile("schema.json")
	require.NoError(t, err)

	var refused, let int
	for _, m := range all {
		for _, k := range m.Keys {
			n, _ := k.lookup()
			if n.value == nil {
				continue
			}
			accepted := 0
			for _, sample := range samples() {
				if _, number := sample.(int); number && !takesNumbers(n.value) {
					continue // `base: 15` can be loaded, and is a mistake all the same
				}
				file := document(t, all, m.Type, k, sample)
				data, err := json.Marshal(file) // JSON is YAML
				require.NoError(t, err)
				_, loading := spec.Load("Dockerfile", data, spec.Options{})
				value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
				require.NoError(t, err)
				validation := schema.Validate(value)
				if loading == nil && (k.Name != "gid" || sample != 0) { // to the loader, gid 0 is none
					accepted++
					assert.NoError(t, validation, "%s.%s: %v", m.Type, k.Name, sample)
					continue
				}
				refused++
				if validation == nil {
					let++
				}
			}
			assert.True(t, accepted > 0 || k.Type == "bool", "no sample is good for %s.%s", m.Type, k.Name)
		}
	}
	t.Logf("of %d values that cannot be loaded, the schema lets %d pass", refused, let)
	assert.Less(t, let*8, refused)
}

func takesNumbers(s *Schema) bool {
	types, several := s.Type.([]string)
	return several && len(types) > 1 || slices.ContainsFunc(s.AnyOf, takesNumbers)
}

// document is a build file with a value behind a key of a type.
func document(t *testing.T, all []Mapping, typ string, k Key, value any) map[string]any {
	t.Helper()
	mapping := companions(typ)
	switch typ {
	case "Source":
		mapping = sourceCompanions(k.Name)
	case "Entry":
		mapping = entryCompanions(k.Name)
	}
	switch {
	case k.Type == "Pair":
		value = map[string]any{"x": value}
	case k.Type == "Each":
		value = map[string]any{"x": []any{value}}
	case k.List, k.Type == "Caches":
		value = []any{value}
	}
	mapping[k.Name] = value
	return within(t, all, typ, mapping)
}

// within wraps a mapping of a type in what it belongs to, up to the whole file.
func within(t *testing.T, all []Mapping, typ string, mapping map[string]any) map[string]any {
	t.Helper()
	if typ == "File" {
		return mapping
	}
	for _, m := range all {
		i := slices.IndexFunc(m.Keys, func(k Key) bool { return k.Type == typ || longForm(k.Type) == typ })
		if i < 0 {
			continue
		}
		outer, k := companions(m.Type), m.Keys[i]
		switch {
		case longForm(k.Type) == typ:
			outer[k.Name] = map[string]any{"A": mapping}
		case k.List && k.Is == "":
			outer[k.Name] = map[string]any{"x": mapping}
		case k.List:
			outer[k.Name] = []any{mapping}
		default:
			outer[k.Name] = mapping
		}
		return within(t, all, m.Type, outer)
	}
	require.Fail(t, "no key is a "+typ)
	return nil
}
