// Package schema is the JSON Schema of build files, for editors: completion, documentation of each key, and mistakes
// underlined while they are made. A test of package generate writes it from the types of package spec.
package schema

import _ "embed"

//go:embed build-file.json
var text string

// JSON returns the schema (draft 2020-12), indented, with a newline at its end.
//
// It refuses nothing that spec.Load accepts, but for values that nobody means: a key without one (`network:`), or of
// another kind than the key is for (`name: true`). It accepts what it cannot know: whether files are there, whether an
// arg is declared.
func JSON() string { return text }
