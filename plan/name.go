package plan

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// vertexName is what BuildKit's compiler calls a vertex, taken apart:
// `[linux/amd64 stage 3/7] RUN make`.
type vertexName struct {
	// label is what stands in brackets, stage the stage in it.
	label, stage string
	// text is the instruction.
	text string
}

func splitName(s string) vertexName {
	rest, ok := strings.CutPrefix(s, "[")
	label, text, found := strings.Cut(rest, "] ")
	if !ok || !found {
		return vertexName{text: s}
	}
	n := vertexName{label: label, text: text}
	for _, word := range strings.Fields(label) {
		if strings.Count(word, "/") == 0 {
			n.stage = word
		}
	}
	return n
}

// internal tells whether a vertex is BuildKit's or pgstrata's own: a file that
// an instruction brings along, and no step of the Dockerfile.
func internal(description string) bool {
	n := splitName(description)
	return n.label == "internal" || strings.HasPrefix(n.stage, dockerfile.FilesStage)
}

// title is what messages call a step: the script that a RUN runs, or the
// instruction without its options.
func (n vertexName) title() string {
	command, rest, _ := strings.Cut(strings.TrimPrefix(n.text, "ONBUILD "), " ")
	for strings.HasPrefix(rest, "--") {
		_, rest, _ = strings.Cut(rest, " ")
		rest = strings.TrimLeft(rest, " ")
	}
	if command == "RUN" {
		if name := scriptName(rest); name != "" {
			return name
		}
	}
	const most = 48
	text := []rune(strings.Join(strings.Fields(command+" "+rest), " "))
	if len(text) > most {
		text = append(text[:most-1], '…')
	}
	return string(text)
}

// scriptName is the script that a shell line ends with, "" for none.
func scriptName(line string) string {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(line), "")
	if err != nil || len(file.Stmts) == 0 {
		return ""
	}
	cmd := file.Stmts[len(file.Stmts)-1].Cmd
	for {
		switch c := cmd.(type) {
		case *syntax.BinaryCmd:
			cmd = c.Y.Cmd
			if c.Op == syntax.OrStmt { // what follows is for a failure
				cmd = c.X.Cmd
			}
			continue
		case *syntax.Block:
			cmd = c.Stmts[len(c.Stmts)-1].Cmd
			continue
		case *syntax.CallExpr:
			return scriptOf(c.Args)
		}
		return ""
	}
}

// scriptOf is the base name of the script that a command is, or is given to.
func scriptOf(words []*syntax.Word) string {
	for i, w := range words {
		name := w.Lit()
		switch base := path.Base(name); {
		case i == 0 && (base == "bash" || base == "sh" || base == "dash"):
		case i > 0 && strings.HasPrefix(name, "-") && !strings.Contains(name, "c"):
		case strings.HasSuffix(base, ".sh") || strings.HasSuffix(base, ".bash"):
			return base
		default:
			return ""
		}
	}
	return ""
}
