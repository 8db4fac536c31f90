package scaffold

import (
	"path"
	"strings"
)

// isPatronis tells whether a text has one of the names that only Patroni and its store are concerned with.
func isPatronis(s string) bool {
	s = strings.ToLower(s)
	for _, name := range []string{"patroni", "etcd", "node_address", "own_address", "require_both"} {
		if strings.Contains(s, name) {
			return true
		}
	}
	return false
}

// withoutPatroni cuts an example down to a single server.
func withoutPatroni(files []File) ([]File, error) {
	var out []File
	for _, f := range files {
		if !isPatronis(path.Base(f.Name)) {
			out = append(out, f)
		}
	}
	if err := reword(out, rewordedWithoutPatroni()); err != nil {
		return nil, err
	}
	for i := range out {
		f := &out[i]
		var err error
		switch {
		case f.Name == buildFile:
			f.Text, err = withoutPatroniInBuildFile(f.Text)
		case path.Ext(f.Name) == ".sh":
			f.Text, err = withoutPatroniInScript(f.Name, f.Text)
		case path.Ext(f.Name) == ".tsv":
			f.Text = withoutPatroniInTable(f.Text)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// withoutPatroniInTable drops the rows that speak of it.
func withoutPatroniInTable(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !isPatronis(line) {
			b.WriteString(line)
		}
	}
	return b.String()
}
