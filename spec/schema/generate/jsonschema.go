package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Schema is a JSON Schema, draft 2020-12: what of it is used here, in the order in which it is written; and what editors
// read besides, by the names that Visual Studio Code gave it: markdownDescription, patternErrorMessage, defaultSnippets.
type Schema struct {
	Draft             string             `json:"$schema,omitempty"`
	ID                string             `json:"$id,omitempty"`
	Title             string             `json:"title,omitempty"`
	Ref               string             `json:"$ref,omitempty"`
	Description       string             `json:"description,omitempty"`
	Markdown          string             `json:"markdownDescription,omitempty"` // the description, with links
	Snippets          []Snippet          `json:"defaultSnippets,omitempty"`
	Examples          []string           `json:"examples,omitempty"`
	Type              any                `json:"type,omitempty"` // a string, or several
	Enum              []string           `json:"enum,omitempty"`
	Pattern           string             `json:"pattern,omitempty"`
	PatternError      string             `json:"patternErrorMessage,omitempty"`
	MinLength         int                `json:"minLength,omitempty"`
	Minimum           *int               `json:"minimum,omitempty"`
	Maximum           *int               `json:"maximum,omitempty"`
	Items             *Schema            `json:"items,omitempty"`
	MinItems          int                `json:"minItems,omitempty"`
	Required          []string           `json:"required,omitempty"`
	Properties        map[string]*Schema `json:"properties,omitempty"`
	PatternProperties map[string]*Schema `json:"patternProperties,omitempty"`
	PropertyNames     *Schema            `json:"propertyNames,omitempty"`
	Additional        any                `json:"additionalProperties,omitempty"` // false, or a *Schema
	AnyOf             []*Schema          `json:"anyOf,omitempty"`
	Not               *Schema            `json:"not,omitempty"`
	If                *Schema            `json:"if,omitempty"`
	Then              *Schema            `json:"then,omitempty"`
	Defs              map[string]*Schema `json:"$defs,omitempty"`
}

// Snippet is a value that an editor offers. $1, $2 and so on in its body are where the user fills it in.
type Snippet struct {
	Label       string         `json:"label"`
	Description string         `json:"description"`
	Body        map[string]any `json:"body"`
}

const manual = "https://github.com/pgstrata/pgstrata/blob/main/docs/build-file.md"

// JSONSchema writes the schema of a build file.
func JSONSchema(mappings []Mapping) (string, error) {
	root := &Schema{Defs: map[string]*Schema{}}
	for _, m := range mappings {
		s, err := m.schema()
		if err != nil {
			return "", fmt.Errorf("%s: %w", m.Type, err)
		}
		if m.Type == "File" {
			s.Draft, s.Defs = "https://json-schema.org/draft/2020-12/schema", root.Defs
			s.ID = "https://raw.githubusercontent.com/pgstrata/pgstrata/main/spec/schema/build-file.json"
			s.Title = "pgstrata's build file"
			s.Description = manual
			root = s
			continue
		}
		root.Defs[m.Type] = s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(root)
	return b.String(), err
}

// schema is a definition for a mapping.
func (m Mapping) schema() (*Schema, error) {
	s := &Schema{
		Description:       m.Doc,
		Type:              "object",
		Properties:        map[string]*Schema{},
		PatternProperties: map[string]*Schema{"^x-": {}},
		Additional:        false,
	}
	for _, k := range m.Keys {
		property, err := k.schema()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.Name, err)
		}
		property.Description = k.Doc
		if k.Default != "" {
			property.Description += " Default: " + k.Default + "."
		}
		property.Markdown = linked(property.Description)
		s.Properties[k.Name] = property
		if k.Required {
			s.Required = append(s.Required, k.Name)
		}
	}
	if s.Required == nil {
		s.Type = []string{"object", "null"} // all of its entries may be comments
	}
	return m.constrain(s), nil
}

// linked is a description whose references to headings are links; "" where it has none.
func linked(description string) string {
	before, rest, ok := strings.Cut(description, `See "`)
	heading, after, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		return ""
	}
	return before + "See [" + heading + "](" + manual + "#" + anchor(heading) + ")" + after
}

// anchor is what a page calls a heading in a link.
func anchor(heading string) string { return strings.ReplaceAll(strings.ToLower(heading), " ", "-") }

// snippets are what an editor offers for a mapping as a whole.
func (m Mapping) snippets() []Snippet {
	switch m.Type {
	case "Script":
		return []Snippet{{"isolated script", "A script that runs beside the others; only its outputs reach the image", map[string]any{
			"path": "setup/scripts/$1.sh", "outputs": []any{"$2"}, "packages": []any{"$3"},
		}}}
	case "Repository":
		return []Snippet{{"repository", "Packages from another archive, by deb822", map[string]any{
			"name": "$1", "uris": []any{"https://$2"}, "suites": []any{"$3"}, "components": []any{"main"}, "signed_by": "$4",
		}}}
	case "Source":
		return []Snippet{
			{"archive", "An archive by its address, locked by its checksum", map[string]any{"url": "https://$1", "checksum": "sha256:$2", "strip": 1}},
			{"git", "A tag or branch of a git repository; pgstrata lock writes its commit", map[string]any{"git": "https://$1", "ref": "$2"}},
		}
	}
	return nil
}

// constrain adds what holds between the keys of a mapping.
func (m Mapping) constrain(s *Schema) *Schema {
	s.Snippets = m.snippets()
	switch m.Type {
	case "File":
		s.Properties["base"].Not = &Schema{Enum: []string{"scratch"}}
	case "Download":
		return short(s, "context path")
	case "Script":
		s.If = &Schema{AnyOf: []*Schema{
			{Required: []string{"packages"}, Properties: map[string]*Schema{"packages": {Type: "array", MinItems: 1}}},
			{Required: []string{"build"}},
			{Required: []string{"base"}},
		}}
		s.Then = &Schema{Required: []string{"outputs"}}
		return short(s, "context path or glob")
	case "Secret":
		return short(s, "id")
	case "Output":
		s = short(s, "output")
		s.AnyOf[0].open()
	case "Package":
		s = short(s, "package name")
		s.AnyOf[0].open()
	case "Entry":
		s.AnyOf = []*Schema{{Required: []string{"directory"}}, {Required: []string{"file"}}, {Required: []string{"link", "to"}}}
	case "Rule":
		s.AnyOf = []*Schema{{Required: []string{"max_age"}}, {Required: []string{"when_changed"}}}
	}
	return s
}

// short is a mapping that may be one value of a notation in its place.
func short(s *Schema, is string) *Schema {
	description, snippets := s.Description, s.Snippets
	s.Description, s.Snippets = "", nil
	return &Schema{Description: description, Snippets: snippets, AnyOf: []*Schema{notations()[is].value, s}}
}

// schema is what a key's value looks like.
func (k Key) schema() (*Schema, error) {
	n, known := k.lookup()
	ref := &Schema{Ref: "#/$defs/" + k.Type}
	switch {
	case k.Is == "" && k.Type == "Arg":
		long := &Schema{Ref: "#/$defs/" + longForm(k.Type)}
		return own(&Schema{Pattern: identifier, PatternError: isName}, &Schema{AnyOf: []*Schema{notations()["text"].value, long}}), nil
	case k.Is == "" && k.List: // by names of the user's own
		return own(&Schema{Pattern: `^[A-Za-z0-9_+-][A-Za-z0-9_.+-]*$`, PatternError: "A name is letters, digits, _, ., + and -"}, ref), nil
	case k.Is == "":
		return ref, nil
	case !known:
		return nil, fmt.Errorf("its tag `is` names no notation: %q", k.Is)
	case k.Type == "Pair":
		return own(n.key, n.value), nil
	case k.Type == "Each":
		return own(n.key, k.list(n.value)), nil
	case k.Type == "Caches":
		return &Schema{AnyOf: []*Schema{{Enum: []string{"none"}}, {Type: "array", Items: n.value}}}, nil
	case k.Type == "Output":
		return &Schema{AnyOf: []*Schema{{Enum: []string{"auto"}}, k.list(ref)}}, nil
	case k.List && n.value == nil:
		if k.Name == "final_cleanup" { // it runs after all others
			ref.Not = &Schema{Type: "object", AnyOf: []*Schema{{Required: []string{"outputs"}}, {Required: []string{"needs"}}}}
		}
		return k.list(ref), nil
	case k.List:
		return k.list(k.scalar(n.value)), nil
	case n.value == nil:
		return nil, fmt.Errorf("%q is for lists", k.Is)
	}
	return k.scalar(n.value), nil
}

// own is a mapping whose keys are the user's own.
func own(key, value *Schema) *Schema {
	return &Schema{Type: []string{"object", "null"}, PropertyNames: key, Additional: value}
}

func (k Key) list(items *Schema) *Schema {
	if k.Some {
		return &Schema{Type: "array", Items: items, MinItems: 1}
	}
	return &Schema{Type: []string{"array", "null"}, Items: items} // all of its entries may be comments
}

// scalar lets build arguments stand for what they are replaced by, and asks for a value where there must be one.
func (k Key) scalar(s *Schema) *Schema {
	if k.Type == "Text" && !k.Literal {
		s.open()
	}
	if k.Required && s.Pattern == "" && s.Enum == nil && s.AnyOf == nil {
		s.MinLength = 1
		if _, several := s.Type.([]string); several {
			s.Type = []string{"string", "number", "boolean"}
		}
	}
	return s
}

// open lets a value with a dollar sign pass.
func (s *Schema) open() {
	if s.Pattern != "" {
		s.Pattern += `|\$`
	}
	for _, one := range s.AnyOf {
		one.open()
	}
}
