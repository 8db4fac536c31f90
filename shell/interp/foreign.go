package interp

import (
	"path"
	"strings"

	"github.com/pgstrata/pgstrata/shell"
)

// languageOf is the interpreter that a file without a shebang is most likely
// given to, going by its name.
func languageOf(name string) string {
	switch path.Ext(name) {
	case ".py":
		return "python3"
	case ".pl", ".pm":
		return "perl"
	case ".rb":
		return "ruby"
	case ".js", ".mjs", ".cjs":
		return "node"
	}
	return ""
}

// readsEnvironment finds where a script in another language uses its
// environment otherwise than by a name that is written out; -1 for nowhere. It
// goes by the text, and rather finds too much.
func readsEnvironment(interpreter, src string) int {
	switch {
	case strings.HasPrefix(interpreter, "python"):
		return firstOf(
			uses(src, "environ", `["`, "['", `.get("`, ".get('", `.pop("`, ".pop('", `.setdefault("`, ".setdefault('", "\n"),
			uses(src, "getenv", `("`, "('"),
		)
	case strings.HasPrefix(interpreter, "perl"):
		return firstOf(strings.Index(src, "%ENV"), strings.Index(src, "$ENV{$"))
	case interpreter == "node" || interpreter == "nodejs":
		return uses(src, "process.env", ".", `["`, "['")
	case strings.HasPrefix(interpreter, "ruby"):
		return uses(src, "ENV", `["`, "['", `.fetch("`, ".fetch('")
	}
	return -1
}

// uses finds a word that none of the continuations follows.
func uses(src, word string, continuations ...string) int {
	for from := 0; ; {
		i := strings.Index(src[from:], word)
		if i < 0 {
			return -1
		}
		at, end := from+i, from+i+len(word)
		from = end
		if at > 0 && shell.IsNameByte(src[at-1]) || end < len(src) && shell.IsNameByte(src[end]) {
			continue
		}
		if !startsWithAny(src[end:], continuations) {
			return at
		}
	}
}

func startsWithAny(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// firstOf is the lowest offset that is one.
func firstOf(offsets ...int) int {
	first := -1
	for _, at := range offsets {
		if at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	return first
}
