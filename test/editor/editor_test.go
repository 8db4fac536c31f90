//go:build full

package editor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A mistake is told in words, not by a pattern.
func TestMistakes(t *testing.T) {
	s := start(t)
	for name, row := range map[string]struct{ text, says string }{
		"duration":    {"cache_boundary:\n  cache_invalidation_rules:\n    - {layer: setup, max_age: 7d}\n", "there is no unit above h"},
		"mode":        {"entrypoint:\n  configuration_files:\n    - {source: a, target: /a, mode: \"0888\"}\n", "A mode is octal"},
		"mode, plain": {"entrypoint:\n  configuration_files:\n    - {source: a, target: /a, mode: 8888}\n", "7777"},
		"condition":   {"cache_boundary:\n  cache_invalidation_rules:\n    - {layer: setup, when_changed: [\"args:A\"]}\n", "A condition is base, arg:NAME, file:GLOB or package:NAME"},
		"path":        {"user: {name: a, uid: 1, home: home/a}\n", "A path in the image begins with /"},
		"checksum":    {"setup:\n  sources:\n    x: {url: \"https://x/y\", checksum: \"md5:0a\"}\n", "A checksum is sha256: and 64 digits"},
		"account":     {"user: postgres\n", "Expected \"User\""},
		"key":         {"entrypoints: {}\n", "Property entrypoints is not allowed"},
		"base":        {"x-nothing: 1\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			base := "base: debian\n"
			found := s.open(strings.ReplaceAll(name, " ", "-")+".yaml", base+row.text)
			if row.says == "" {
				assert.Empty(t, found.Diagnostics)
				return
			}
			var said []string
			for _, d := range found.Diagnostics {
				said = append(said, d.Message)
				assert.NotContains(t, d.Message, "does not match the pattern")
			}
			assert.Contains(t, strings.Join(said, "\n"), row.says)
		})
	}
}

// What can be written at a place is offered, in mappings on one line, too. The place is where | stands.
func TestCompletion(t *testing.T) {
	s := start(t)
	for name, row := range map[string]struct {
		text  string
		offer []string
	}{
		"caches":       {"setup:\n  scripts:\n    - path: a.sh\n      caches:\n        - |\n", []string{"ccache", "apt"}},
		"when_changed": {"cache_boundary:\n  cache_invalidation_rules:\n    - layer: setup\n      when_changed:\n        - |\n", []string{"base", "arg:NAME", "file:GLOB", "package:NAME"}},
		"script":       {"setup:\n  scripts:\n    - |\n", []string{"isolated script"}},
		"repository":   {"setup:\n  repositories:\n    - |\n", []string{"repository"}},
		"flow":         {"entrypoint:\n  configuration_files:\n    - {source: a, t|}\n", []string{"target"}},
		"keys":         {"setup:\n  |\n", []string{"scripts", "dependencies", "sources"}},
	} {
		t.Run(name, func(t *testing.T) {
			before, after, _ := strings.Cut(row.text, "|")
			file := name + ".yaml"
			s.open(file, "base: debian\n"+before+after)
			lines := strings.Split(before, "\n")
			var offered completions
			s.call("textDocument/completion", s.at(file, position{Line: 1 + len(lines), Character: len(lines[len(lines)-1])}), &offered)
			var labels []string
			for _, item := range offered.Items {
				labels = append(labels, item.Label)
			}
			for _, label := range row.offer {
				assert.Contains(t, labels, label)
			}
		})
	}
}

// A key explains itself, and where its page says more, there is a link.
func TestHover(t *testing.T) {
	s := start(t)
	s.open("hover.yaml", "base: debian\nargs: {A: x}\nsetup: {}\n")
	var shown hover
	s.call("textDocument/hover", s.at("hover.yaml", position{Line: 2, Character: 1}), &shown)
	assert.Contains(t, shown.Contents.Value, "Build arguments")
	assert.Contains(t, shown.Contents.Value, "docs/build-file.md#args)")
}
