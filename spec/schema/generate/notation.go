package generate

import (
	"strconv"
	"strings"

	"github.com/distribution/reference"

	"github.com/pgstrata/pgstrata/cache"
)

// notation is how a value is written: what the tag `is` names.
type notation struct {
	// plural is for lists; it may hold a link of docs/build-file.md.
	plural string
	// value is nil for a mapping.
	value *Schema
	// key is for the keys of a mapping whose keys are the user's own.
	key *Schema
}

// Identifiers are the names of args.
const (
	identifier = `^[A-Za-z_][A-Za-z0-9_]*$`
	isPath     = "A path in the image begins with /"
	isName     = "A name is letters, digits and _, and begins with no digit"
)

// notations returns all of them by name. What spec.Load demands of a value is repeated here as far as a pattern can tell;
// TestSchemaAgreesWithLoad holds the two together.
func notations() map[string]notation {
	text := func() *Schema { return &Schema{Type: []string{"string", "number", "boolean", "null"}} }
	// Says is what an editor says of another value.
	matching := func(pattern, says string) *Schema {
		return &Schema{Type: "string", Pattern: pattern, PatternError: says}
	}
	numberOr := func(pattern, says string) *Schema {
		return &Schema{Type: []string{"string", "integer"}, Pattern: pattern, PatternError: says, Minimum: new(0)}
	}
	// Paths in the context neither start at the root nor above the context.
	relative := func() *Schema { return &Schema{Type: "string", MinLength: 1, Not: &Schema{Pattern: `^(/|\.\.(/|$))`}} }
	absolute := func() *Schema { return matching(`^/+[^/]`, isPath) }
	return map[string]notation{
		"text":                    {plural: "texts", value: text()},
		"word":                    {plural: "words", value: text()},
		"values":                  {plural: "values", key: matching(identifier, isName), value: &Schema{Type: []string{"string", "number"}, Pattern: `^[A-Za-z0-9_.][A-Za-z0-9_.-]*$`, PatternError: "A value is letters, digits, _, . and -: it is a part of the script's name"}},
		"label":                   {plural: "labels", value: text()},
		"variable":                {plural: "variables", value: text(), key: matching(`^[^= \t\n]+$`, "A variable's name has neither = nor spaces")},
		"image reference":         {plural: "image references", value: matching(strings.ReplaceAll(reference.ReferenceRegexp.String(), "[[:xdigit:]]", "[0-9A-Fa-f]"), "An image is NAME:TAG or NAME@sha256:…")},
		"user name":               {plural: "user names", value: matching(`^[a-z_][a-z0-9_-]{0,31}$`, "A login name is lower case letters, digits, _ and -, at most 32")},
		"name":                    {plural: "names", value: matching(identifier, isName)},
		"script name":             {plural: "scripts", value: text()},
		"cache":                   {plural: "caches", value: &Schema{Type: text().Type, Examples: cache.Names()}},
		"context path":            {plural: "context paths", value: relative()},
		"context path or nothing": {value: &Schema{AnyOf: []*Schema{relative(), {Type: "null"}, {Enum: []string{""}}}}},
		"context path or glob":    {plural: "context paths, globs", value: relative()},
		"glob":                    {plural: "globs", value: relative()},
		"image path":              {plural: "image paths", value: absolute()},
		"output":                  {value: &Schema{Type: "string", Pattern: `^/+[^/]`, PatternError: isPath, Not: &Schema{Pattern: `^/+[*?]+(/|$)`}}},
		"output's place":          {value: matching(`^/+[^/*?[\\][^*?[\\]*$`, "A path in the image, without patterns")},
		"output path":             {plural: "[outputs](#isolated-scripts)"},
		"path":                    {plural: "paths"},
		"account":                 {plural: "accounts"},
		"group":                   {plural: "groups", value: matching(`^[a-z_][a-z0-9_-]{0,31}(:[0-9]+)?$`, "A group is NAME or NAME:GID")},
		"package name":            {value: matching(`^(![A-Za-z0-9+._:][A-Za-z0-9+._:-]*|[A-Za-z0-9+._:][A-Za-z0-9+._:-]*(=[A-Za-z0-9+._:~*-]+)?)$`, "A package is NAME, NAME=VERSION or !NAME")},
		"package":                 {plural: "packages"},
		"id":                      {plural: "ids", value: matching(`^[^/\n]+$`, "An id has no /")},
		"octal bits":              {value: &Schema{Type: []string{"string", "integer"}, Pattern: `^(0o)?[0-7]+$`, PatternError: "A mode is octal, like 0640", Minimum: new(0), Maximum: new(7777)}},
		"owner":                   {value: numberOr(`^([0-9]+|[a-z_][a-z0-9_-]*)(:([0-9]+|[a-z_][a-z0-9_-]*))?$`, "An owner is USER or USER:GROUP, names or numbers")},
		"user":                    {value: numberOr(`^[^:]+(:[^:]+)?$`, "USER or USER:GROUP, names or numbers")},
		"layer":                   {value: &Schema{AnyOf: []*Schema{{Enum: []string{"setup", "toolchain"}}, {Type: "string", MinLength: 1}}}},
		"condition":               {plural: "conditions", value: condition()},
		"comparison":              {plural: "comparisons", value: matching(`^.* (==|!=|<=?|>=?) .+$`, "A comparison is like ${PG_MAJOR} >= 15")},
		"port":                    {plural: "ports", value: &Schema{Type: []string{"string", "integer"}, Pattern: `^[0-9]+(/(tcp|udp|sctp))?$`, PatternError: "A port is NUMBER, or NUMBER/tcp, /udp or /sctp", Minimum: new(1), Maximum: new(65535)}},
		"signal":                  {value: &Schema{AnyOf: []*Schema{{Enum: []string{"SIGINT", "SIGTERM", "SIGQUIT"}}, {Type: []string{"string", "integer"}, Pattern: `^([0-9]+|[A-Za-z][A-Za-z0-9+-]*)$`, PatternError: "A signal is a name such as SIGINT, or a number"}}}},
		"format version":          {value: &Schema{Type: []string{"integer", "string"}, Pattern: `^1$`, PatternError: "1 is the only version", Minimum: new(1), Maximum: new(1)}},
		"number":                  {value: &Schema{Type: []string{"integer", "string"}, Pattern: `^[+-]?[0-9]+$`, PatternError: "A whole number"}},
		"true or false":           {value: &Schema{Type: "boolean"}},
		"duration":                {value: &Schema{Type: []string{"string", "integer"}, Pattern: `^\+?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`, PatternError: "A duration is like 30s, 5m or 168h; there is no unit above h", Minimum: new(0), Maximum: new(0)}},
		"uri":                     {plural: "URIs", value: matching(`^[A-Za-z][A-Za-z0-9+.-]*:[^ \t\n]+$`, "A URI is like https://host/path")},
		"url":                     {value: matching(`^https?://[^/@]+(/.*)?$`, "A URL begins with http:// or https://, and holds no password")},
		"checksum":                {value: matching(`^sha256:[0-9a-f]{64}$`, "A checksum is sha256: and 64 digits")},
		"package URL prefix":      {value: matching(`^pkg:[^@?# \t\n]*$`, "Package URLs begin with pkg:, a type and whose packages these are: pkg:deb/pgdg")},
		"repository name":         {value: matching(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*$`, "A name is letters, digits, _, . and -")},
		"repository":              {plural: "repositories"},
		"source name":             {plural: "sources", value: text()},
		"script":                  {plural: "[scripts](#scripts)"},
		"secret":                  {plural: "[secrets](#secrets)"},
		"rule":                    {plural: "rules"},
		"test":                    {plural: "tests"},
		"configuration file":      {plural: "configuration files"},
	}
}

// condition is what a rule depends on.
func condition() *Schema {
	return &Schema{
		Type: "string", Pattern: `^(base|(arg|file|package):.+)$`, PatternError: "A condition is base, arg:NAME, file:GLOB or package:NAME",
		Examples: []string{"base", "arg:NAME", "file:GLOB", "package:NAME"},
	}
}

// lookup returns a key's notation. Choices (`a|b`) and ranges (`1 to 9`) have their own.
func (k Key) lookup() (notation, bool) {
	if choices := strings.Split(k.Is, "|"); len(choices) > 1 {
		return notation{value: &Schema{Enum: choices}}, true
	}
	if least, most, ok := k.limits(); ok {
		return notation{value: &Schema{Type: []string{"integer", "string"}, Pattern: `^\+?[0-9]+$`, Minimum: &least, Maximum: &most}}, true
	}
	n, ok := notations()[k.Is]
	return n, ok
}

// limits are those of `LEAST to MOST`.
func (k Key) limits() (least, most int, ok bool) {
	from, to, ok := strings.Cut(k.Is, " to ")
	if !ok {
		return 0, 0, false
	}
	var errs [2]error
	least, errs[0] = strconv.Atoi(from)
	most, errs[1] = strconv.Atoi(to)
	return least, most, errs[0] == nil && errs[1] == nil
}
