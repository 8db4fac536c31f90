package spec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Listed returns the setup scripts as a build file lists them, with nothing
// replaced or looked up; nil where it leaves them to be discovered. Its error
// is [Errors].
func Listed(name string, data []byte) ([]Script, error) {
	p := &Problems{File: name}
	f := &File{Name: name}
	if root := parse(p, data); root != nil {
		d := &decoder{Problems: p, anchors: anchorsOf(root)}
		d.decode(root, reflect.ValueOf(f).Elem(), 0)
	}
	return f.Setup.Scripts, p.Err()
}

// Reorder returns the text of a build file with its setup scripts in another
// order, given by their paths: all of those that it lists, or, where it lists
// none, all that are discovered. Entries keep their comments. Its error says
// what in the text has to be changed by hand.
func Reorder(name string, data []byte, order []string) ([]byte, error) {
	scripts, err := Listed(name, data)
	if err != nil {
		return nil, err
	}
	text := strings.SplitAfter(string(data), "\n")
	if scripts == nil {
		text, err = insertScripts(text, order)
	} else {
		text, err = permute(text, scripts, order)
	}
	if err != nil {
		return nil, err
	}
	out := []byte(strings.Join(text, ""))
	// The text was cut and joined by lines: only what reads as it should is right.
	after, err := Listed(name, out)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be reordered by lines: %w", name, err)
	}
	var paths []string
	for _, s := range after {
		paths = append(paths, s.Path.Value)
	}
	if !slices.Equal(paths, order) {
		return nil, fmt.Errorf("%s cannot be reordered by lines", name)
	}
	return out, nil
}

// permute puts the entries of a list in another order.
func permute(text []string, scripts []Script, order []string) ([]string, error) {
	if len(order) != len(scripts) {
		return nil, errors.New("setup.scripts lists patterns; the order of what they match is that of the names")
	}
	blocks := make([][2]int, len(scripts)) // lines, from and up to
	for i, s := range scripts {
		blocks[i] = [2]int{s.At.Start.Line - 1, max(s.At.End.Line, s.At.Start.Line)}
		line := strings.TrimSpace(text[blocks[i][0]])
		if !strings.HasPrefix(line, "-") || i > 0 && blocks[i][0] < blocks[i-1][1] {
			return nil, errors.New("setup.scripts is not a list of lines that begin with a dash")
		}
		for top := blocks[i][0]; top > 0 && strings.HasPrefix(strings.TrimSpace(text[top-1]), "#"); top-- {
			blocks[i][0] = top - 1
		}
	}
	out := slices.Clone(text[:blocks[0][0]])
	for i, path := range order {
		from := slices.IndexFunc(scripts, func(s Script) bool { return s.Path.Value == path })
		if from < 0 {
			return nil, fmt.Errorf("setup.scripts has no entry that is just %s", path)
		}
		if i > 0 { // what is between two entries stays there
			out = append(out, text[blocks[i-1][1]:blocks[i][0]]...)
		}
		for _, line := range text[blocks[from][0]:blocks[from][1]] {
			out = append(out, strings.TrimSuffix(line, "\n")+"\n")
		}
	}
	return append(out, text[blocks[len(blocks)-1][1]:]...), nil
}

// insertScripts adds a list where there is none.
func insertScripts(text, order []string) ([]string, error) {
	list := func(indent string) []string {
		out := []string{indent + "scripts:\n"}
		for _, path := range order {
			out = append(out, indent+"  - "+path+"\n")
		}
		return out
	}
	at := slices.IndexFunc(text, func(line string) bool { return strings.HasPrefix(line, "setup:") })
	if at < 0 {
		out := slices.Clone(text)
		if last := out[len(out)-1]; last != "" {
			out[len(out)-1] = last + "\n"
		}
		return append(append(out, "setup:\n"), list("  ")...), nil
	}
	if rest := strings.TrimSpace(strings.TrimPrefix(text[at], "setup:")); rest != "" && !strings.HasPrefix(rest, "#") {
		return nil, errors.New("setup is written in one line; give it lines of its own")
	}
	indent := "  "
	for _, line := range text[at+1:] {
		if trimmed := strings.TrimLeft(line, " "); trimmed != "\n" && trimmed != "" && !strings.HasPrefix(trimmed, "#") {
			indent = line[:len(line)-len(trimmed)]
			break
		}
	}
	if indent == "" {
		indent = "  "
	}
	return slices.Concat(text[:at+1], list(indent), text[at+1:]), nil
}
