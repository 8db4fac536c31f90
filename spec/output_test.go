package spec

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOutputMistakes(t *testing.T) {
	for output, want := range map[string]string{
		`/`:                                    "cannot be the root directory",
		`"/*"`:                                 "is whatever the image has",
		`"/**"`:                                "is whatever the image has",
		`"/?*/x"`:                              "is whatever the image has",
		`"/[^x]*"`:                             "is whatever the image has",
		`x`:                                    "an absolute path",
		`{to: /x}`:                             "an absolute path",
		`{from: /a, to: /}`:                    "cannot be the root directory",
		`{from: "/a/*.so", to: /usr/lib}`:      "write /usr/lib/",
		`{from: /a, to: "/usr/*"}`:             "is no glob",
		`{from: /a, owner: nobody}`:            "is neither a number",
		`{from: /a, mode: "999"}`:              "octal",
		`{from: "/a/*", to: /usr/, mode: 0x1}`: "octal",
	} {
		_, err := Load("build.yaml", fmt.Appendf(nil, "base: x\nsetup: {scripts: [{path: a.sh, outputs: [%s]}]}\n", output), Options{})
		assert.ErrorContains(t, err, want, output)
	}
	for script, want := range map[string]string{
		"{path: a.sh, base: golang:1}":                 "base is for an isolated script",
		"{path: a.sh, outputs: [/x], base: scratch}":   "not the reference of an image with a shell",
		"{path: a.sh, outputs: [/x], base: 'a:b:c'}":   "not the reference of an image with a shell",
		"{path: a.sh, outputs: ['${NONE}'], args: []}": "outputs is empty",
	} {
		_, err := Load("build.yaml", []byte("base: x\nargs: {NONE: ''}\nsetup: {scripts: ["+script+"]}\n"), Options{})
		assert.ErrorContains(t, err, want, script)
	}
}

func TestAccountMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"user: {name: a, uid: 5}\naccounts: [{name: a, uid: 6}]": "two accounts",
		"user: {name: a, uid: 5}\naccounts: [{name: b, uid: 5}]": "two accounts",
		"accounts: [{name: A, uid: 5}]":                          "lower-case",
		"accounts: [{name: a, uid: 5, groups: ['b:x']}]":         "a group is",
		"accounts: [{name: a, uid: 5, groups: ['b:0']}]":         "a group is",
		"accounts: [{name: a, uid: 5, shell: bash}]":             "an absolute path",
	} {
		_, err := Load("build.yaml", []byte("base: x\n"+text+"\n"), Options{})
		assert.ErrorContains(t, err, want, text)
	}
}

func TestFilesystemMistakes(t *testing.T) {
	for entry, want := range map[string]string{
		"{}":                                     "one of directory, file and link",
		"{directory: /a, file: /b}":              "one of directory, file and link",
		"{directory: a}":                         "an absolute path",
		"{link: /a}":                             "needs what it leads to",
		"{link: /a, to: b, mode: '0755'}":        "a link has no owner and no mode",
		"{file: /a, to: b}":                      "to is for a link",
		"{directory: /a, text: b}":               "text is for a file",
		"{file: /a, keep: true}":                 "keep is for a directory",
		"{directory: /a, keep: true}":            "",
		"{file: /a, owner: nobody}":              "is neither a number",
		"{file: /a}, {directory: /a/b}":          "cannot be in /a",
		"{link: /a, to: b}, {file: /a/b/c}":      "cannot be in /a",
		"{file: /a}, {link: /a/, to: b}":         "two entries of setup.filesystem are /a",
		"{directory: /a}, {file: /a/b, text: x}": "",
	} {
		_, err := Load("build.yaml", []byte("base: x\nsetup: {filesystem: ["+entry+"]}\n"), Options{})
		if want == "" {
			assert.NoError(t, err, entry)
			continue
		}
		assert.ErrorContains(t, err, want, entry)
	}
}
