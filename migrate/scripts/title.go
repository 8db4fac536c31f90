package scripts

import (
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/pgstrata/pgstrata/migrate/commands"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/paths"
	"github.com/pgstrata/pgstrata/programs"
	"github.com/pgstrata/pgstrata/shell"
)

// title is what a generated script is called, without number and ending: what
// the comment above its lines says, else what it makes.
func (g *generator) title() string {
	if t := g.commented(); t != "" {
		return t
	}
	for _, o := range g.ops {
		switch {
		case o.Script():
			return notation.Slug(scriptName(o.Call.Source))
		case o.Source != nil:
			return "copy-" + o.Source.Name
		case len(o.Place) == 1 && !o.Unpack:
			return notation.Slug("copy-" + scriptName(o.Place[0].Source))
		case len(o.Place) > 0 && !o.Unpack:
			dir := path.Clean(o.Step.Copy.Dest)
			if paths.Everywhere(dir) {
				dir = path.Dir(o.Place[0].Target)
			}
			return notation.Slug("copy-" + path.Base(dir))
		case o.Unpack:
			return notation.Slug("unpack-" + strings.SplitN(path.Base(o.Place[0].Source), ".", 2)[0])
		}
	}
	best, title := -1, ""
	for _, o := range g.ops {
		for _, c := range o.Calls() {
			if t, weight := product(c); weight > best && t != "" {
				best, title = weight, t
			}
		}
	}
	switch {
	case title != "":
		return notation.Slug(title)
	case slices.ContainsFunc(g.ops, func(o *commands.Op) bool { return o.Directory != "" }):
		return "directories"
	}
	return "run"
}

// mostWords is how many words of a comment become a name.
const mostWords = 5

// commented is a name made of the first line of the comment above the lines, ""
// where that is no sentence.
func (g *generator) commented() string {
	in := g.ops[0].Step.Instruction
	first := g.m.FirstComment(in)
	if first == in.Start {
		return ""
	}
	text := g.m.CommentAt(first)
	if at := strings.IndexAny(text, ".:;,("); at > 0 && (at+1 == len(text) || text[at+1] == ' ' || text[at] == '(') {
		text = text[:at]
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if strings.ContainsAny(text, "$={}`|<>\\") || strings.Contains(text, "://") || len(words) < 2 || slices.Contains([]string{"hadolint", "shellcheck", "todo", "fixme", "xxx", "note", "pgstrata"}, strings.ToLower(words[0])) ||
		strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) >= 0 {
		return ""
	}
	return notation.Slug(strings.Join(words[:min(len(words), mostWords)], "-"))
}

// product is what a call makes, as a name, and how much that says of a script.
func product(c *shell.Call) (title string, weight int) {
	if t, weight := installed(c); weight > 0 {
		return t, weight
	}
	last := ""
	if list := commands.Operands(c); len(list) > 0 {
		last = path.Base(list[len(list)-1].Value)
	}
	switch c.Name {
	case "useradd", "adduser":
		return "user-" + last, 5
	case "groupadd", "addgroup":
		return "group-" + last, 4
	case "locale-gen", "localedef", "update-locale":
		return "locales", 4
	case "sed":
		if c.HasArg("-i") {
			return "edit-" + last, 2
		}
		return "", 0
	case "cp", "mv", "install":
		if c.HasArg("-d") {
			return last + "-directory", 1
		}
		return last, 2
	case "ln":
		if list := commands.Operands(c); last == "/" && len(list) > 0 {
			last = path.Base(list[0].Value)
		}
		return "link-" + last, 2
	case "tee":
		return last, 3
	case "mkdir":
		if len(commands.Operands(c)) > 1 {
			return "directories", 1
		}
		return last + "-directory", 1
	case "chown", "chmod", "chgrp":
		return "permissions", 1
	case "rm", "rmdir", "find":
		return "cleanup", 1
	}
	for _, r := range c.Redirects {
		if name, ok := r.Target.Literal(); ok && r.Writes() && path.IsAbs(name) && !strings.HasPrefix(name, "/dev/") {
			return path.Base(name), 3
		}
	}
	switch c.Name {
	case "", "set", "cd", "export", "echo", "printf", "test", "[", "[[", "true", "cat", "tr", "cut", "grep", "awk", "touch", "mktemp", "sh", "bash", "dpkg", "uname", "id", "command", "exit", "sha256sum", "gpg", "gpgconf", "update-ca-certificates":
		return c.Name, 0
	}
	return c.Name, 3
}

// fixed is a word as far as it does not depend on variables.
func fixed(w shell.Word) string {
	text, _, _ := strings.Cut(w.Text, "$")
	return strings.Trim(text, `"'{`)
}

// installed is what a call installs or downloads.
func installed(c *shell.Call) (title string, weight int) {
	if c.Is(programs.Apt|programs.Packager) || c.Name == "go" {
		list := commands.Operands(c)
		if verb := c.Verb(); (verb == "install" || verb == "add") && len(list) > 1 && list[1].Value != "-" && fixed(list[1]) != "" && !strings.HasPrefix(list[1].Value, ".") { // which is what apk calls a set of packages
			name, _, _ := strings.Cut(fixed(list[1]), "=")
			return "install-" + strings.TrimSuffix(path.Base(name), "/..."), 6
		}
		return "packages", 2
	}
	switch c.Name {
	case "git":
		if c.Verb() == "clone" {
			for _, w := range c.Args {
				if strings.Contains(w.Value, "://") || strings.HasPrefix(w.Value, "git@") {
					return strings.TrimSuffix(path.Base(w.Value), ".git"), 7
				}
			}
		}
		return "", 0
	case "curl", "wget":
		for _, w := range c.Args {
			if _, place, ok := strings.Cut(w.Value, "://"); ok && strings.Contains(place, "/") {
				base, _, _ := strings.Cut(path.Base(place), "?")
				return "download-" + strings.TrimSuffix(strings.TrimSuffix(base, path.Ext(base)), ".tar"), 5
			}
		}
		return "download", 2
	case "make", "configure", "cmake", "ninja":
		if dir := path.Base(c.Dir); dir != "/" && dir != "." {
			return "build-" + dir, 7
		}
		return c.Name, 3
	}
	return "", 0
}
