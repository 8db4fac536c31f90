package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/plan"
)

// value is an arg's value in this build.
func (m *model) value(arg string) string {
	if v, ok := m.given[arg]; ok {
		return v
	}
	return m.args[arg]
}

// makes is what a script writes, worked out from the model alone.
func (m *model) makes(s *script) string {
	var b strings.Builder
	fmt.Fprintf(&b, "salt %s content %d\n", m.salt, s.content)
	for _, a := range s.args {
		fmt.Fprintf(&b, "arg %s=%s\n", a, m.value(a))
	}
	if s.helper {
		text := m.files[helperFile].text
		_, rest, _ := strings.Cut(text, "echo ")
		said, _, _ := strings.Cut(rest, ";")
		b.WriteString(said + "\n")
	}
	for _, in := range s.inputs {
		fmt.Fprintf(&b, "/context/%s %o\n%s", in, m.files[in].mode, m.files[in].text)
	}
	if s.dir {
		for _, name := range slices.Sorted(maps.Keys(m.files)) {
			rel, ok := strings.CutPrefix(name, dataDir+"/")
			if !ok || m.excluded(name) {
				continue
			}
			f := m.files[name]
			switch {
			case f.link != "":
				fmt.Fprintf(&b, "./%s 777\n%s", rel, m.files[path.Join(path.Dir(name), f.link)].text)
			case f.dir:
				fmt.Fprintf(&b, "./%s %o\n", rel, f.mode)
			default:
				fmt.Fprintf(&b, "./%s %o\n%s", rel, f.mode, f.text)
			}
		}
	}
	if s.linked {
		b.WriteString(m.files[dataDir+"/deep/one"].text)
	}
	for _, on := range m.before(s) {
		sum := sha256.Sum256([]byte(m.makes(on)))
		fmt.Fprintf(&b, "%s  %s\n", hex.EncodeToString(sum[:]), on.result())
	}
	return b.String()
}

// masked is the mode of the file that a script writes.
func (s *script) masked() string {
	if s.isolated && s.placed != "" {
		return s.placed
	}
	return maskedBy(s.umask)
}

// maskedBy is the mode that a new file gets.
func maskedBy(umask string) string {
	switch umask {
	case "027":
		return "0640"
	case "077":
		return "0600"
	}
	return "0644"
}

// file is what a script leaves: the content of a file, and its mode.
func (m *model) file(s *script) string { return s.masked() + "\n" + m.makes(s) }

// excluded tells whether .dockerignore names the file itself, which is all
// that the model's patterns do.
func (m *model) excluded(name string) bool {
	return strings.HasSuffix(name, ".bak") || slices.Contains(m.excludes, name)
}

// expected are files of the image with their contents.
func (m *model) expected() map[string]string {
	out := map[string]string{}
	for _, s := range m.scripts {
		out[s.result()] = m.makes(s)
	}
	for _, c := range m.configs {
		out[c.target] = m.files[c.source].text
	}
	for name, f := range m.files {
		if m.excluded(name) || f.dir {
			continue
		}
		switch {
		case name == "entrypoint.d/entrypoint.sh":
			out["/entrypoint.sh"] = f.text
		case strings.HasPrefix(name, "entrypoint.d/"):
			out["/opt/container/"+name] = f.text
		}
	}
	return out
}

// modes are files of the image with their modes and owners.
func (m *model) modes() map[string]string {
	out := map[string]string{"/entrypoint.sh": "0755 0:0"}
	for _, s := range m.scripts {
		out[s.result()] = s.masked() + " 0:0"
	}
	for _, c := range m.configs {
		mode, owner := "0644", "0:0"
		if m.user != "" {
			owner = "0:999"
		}
		if c.mode != "" {
			mode = c.mode
		}
		if c.owner != "" {
			owner = c.owner
		}
		out[c.target] = mode + " " + owner
	}
	return out
}

// content is what of a node's files counts where they count by content.
func (m *model) content(r *plan.Record, n *plan.Node) string {
	s := m.script(path.Base(n.ID))
	if n.Kind == plan.KindOutputs || strings.HasSuffix(n.ID, "/placed") {
		s = m.script(strings.Split(n.ID, "/")[1])
	}
	if s != nil && s.isolated {
		return m.file(s)
	}
	// The whole chain: everything that is in its root, in whatever order it came.
	var files []string
	whole := n
	holds := func(s *script) { files = append(files, s.result()+"\n"+m.file(s)) }
	var add func(id string)
	add = func(id string) {
		n := r.Node(id)
		for _, e := range n.Edges {
			if e.How == plan.On || n.Kind == plan.KindSquash {
				add(e.Node)
			} else if s := m.script(path.Base(path.Dir(e.Node))); s != nil { // outputs that the chain holds
				holds(s)
			}
		}
		switch s := m.script(path.Base(n.ID)); {
		case n.ID == "setup/99-cleanup":
			files = append(files, "nothing doomed")
		// Purged before anybody looks; only the directories that they were in are among what the steps made.
		// Where both bases are one, this node is that of isolated scripts, too.
		case n.Kind == plan.KindPackages && n.Title == "build packages":
			if whole.Kind != plan.KindSquash {
				files = append(files, "directories of build packages")
			}
		case n.Kind == plan.KindBase || n.Kind == plan.KindUser || n.Kind == plan.KindPackages:
			for _, p := range n.Parts {
				// What is kept out was not there to begin with: it leaves no trace, and no step that does nothing else.
				kept := p.Kind == "package" && !strings.HasPrefix(p.Value, "!")
				if p.Kind == "layers" || p.Kind == "command" && n.Kind != plan.KindPackages || kept {
					files = append(files, p.Kind+" "+p.Value)
				}
			}
		case s != nil:
			holds(s)
		}
	}
	add(n.ID)
	slices.Sort(files)
	return strings.Join(slices.Compact(files), "\n")
}

// truth are the keys of a record's nodes with contents in place of conditions:
// a step runs if nothing with its key was built before, and only then.
func (m *model) truth(r *plan.Record) map[string]string {
	out := map[string]string{}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		h := sha256.New()
		for _, p := range n.Parts {
			if p.Silent {
				continue
			}
			if p.Unnamed {
				p.Name = p.As
			}
			fmt.Fprintf(h, "%q\n", []string{p.Kind, p.Name, p.Value})
		}
		for _, e := range n.Edges {
			switch e.How {
			case plan.Content:
				fmt.Fprintf(h, "%q\n", m.content(r, r.Node(e.Node)))
			case plan.Directories: // no script of the model changes one that files come to lie in
			default:
				fmt.Fprintf(h, "%s %s\n", e.How, out[e.Node])
			}
		}
		out[n.ID] = hex.EncodeToString(h.Sum(nil))
	}
	return out
}
