package buildfile

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/modes"
)

// Document is the build file's text, but for the comments that it begins with.
func (b *Build) Document() string {
	root := b.root()
	root.pairs = slices.Insert(root.pairs, 1, b.argsNode()...)
	for _, n := range root.pairs[1:] {
		n.apart = n.key != "user" || len(n.notes) > 0
	}
	return document(root)
}

// root is the build file without its args.
func (b *Build) root() *node {
	base := str("base", b.Base)
	base.notes = b.Notes["base"]
	return mapping("", base, userNode("user", b.User), accountsNode(b.Accounts), b.setupNode(), b.entrypointNode(), b.boundaryNode(), b.imageNode())
}

// RefersTo reports which names the values of the build file refer to, but for those
// of its args.
func (b *Build) RefersTo() map[string]bool {
	names := map[string]bool{}
	references(b.root(), names)
	return names
}

// references notes the names that the values below a node refer to.
func references(n *node, names map[string]bool) {
	if n == nil {
		return
	}
	for _, name := range notation.Referred(n.text.text) {
		names[name] = true
	}
	for _, c := range slices.Concat(n.list, n.pairs) {
		references(c, names)
	}
}

func (b *Build) argsNode() []*node {
	if len(b.Args) == 0 {
		return nil
	}
	n := mapping("args")
	var above []string
	for _, a := range b.Args {
		one := str(a.Name, a.Text)
		if a.Comment != "" {
			one = mapping(a.Name, str("default", a.Text), str("description", a.Comment))
		}
		if !slices.Equal(above, a.Notes) { // said once for all that follow
			one.notes = a.Notes
		}
		above = a.Notes
		n.pairs = append(n.pairs, one)
	}
	return []*node{block(n)}
}

// block keeps a mapping in lines of its own.
func block(n *node) *node {
	n.lines = true
	return n
}

func userNode(key string, u *User) *node {
	if u == nil {
		return nil
	}
	n := mapping(key, str("name", u.Name), number("uid", u.UID), number("gid", u.GID), str("home", notation.Escaped(u.Home)))
	if u.Shell != "" {
		n.pairs = append(n.pairs, str("shell", notation.Escaped(u.Shell)))
	}
	if len(u.Groups) > 0 {
		n.pairs = append(n.pairs, texts("groups", u.Groups))
	}
	n.notes = u.Notes
	return n
}

func accountsNode(list []*User) *node {
	if len(list) == 0 {
		return nil
	}
	n := &node{key: "accounts", kind: isList, lines: true}
	for _, u := range list {
		n.list = append(n.list, userNode("", u))
	}
	return n
}

func (b *Build) setupNode() *node {
	var pairs []*node
	if len(b.Sources) > 0 {
		n := mapping("sources")
		for _, s := range b.Sources {
			one := mapping(s.Name)
			for _, p := range []Pair{{Key: "image", Text: s.Image}, {Key: "url", Text: s.URL}, {Key: "checksum", Text: s.Checksum}, {Key: "git", Text: s.Git}, {Key: "ref", Text: s.Ref}} {
				if p.Text != "" {
					one.pairs = append(one.pairs, str(p.Key, p.Text))
				}
			}
			n.pairs = append(n.pairs, one)
		}
		pairs = append(pairs, block(n))
	}
	if len(b.Runtime)+len(b.Toolchain) > 0 {
		deps := mapping("dependencies")
		if len(b.Toolchain) > 0 {
			build := texts("build", b.Toolchain)
			build.aside = "there while scripts run, never in the image"
			deps.pairs = append(deps.pairs, build)
		}
		if len(b.Runtime) > 0 {
			deps.pairs = append(deps.pairs, texts("runtime", b.Runtime))
		}
		pairs = append(pairs, block(deps))
	}
	scripts := scriptsNode("scripts", b.Scripts)
	scripts.notes = b.ScriptNotes
	pairs = append(pairs, scripts)
	if len(b.Folders) > 0 {
		n := &node{key: "filesystem", kind: isList, lines: true, notes: []string{"Folders that a COPY makes for an owner:"}}
		for _, f := range b.Folders {
			one := mapping("", str("directory", f.Path), str("owner", f.Owner))
			if f.Keep {
				one.pairs = append(one.pairs, &node{key: "keep", text: scalar{"true", true}})
			}
			n.list = append(n.list, one)
		}
		pairs = append(pairs, n)
	}
	if len(b.Artifacts) > 0 {
		n := texts("build_artifacts", b.Artifacts)
		n.aside = "empty for each script, in no layer"
		pairs = append(pairs, n)
	}
	if len(b.MaybeArtifacts) > 0 {
		n := texts("build_artifacts", b.MaybeArtifacts)
		n.off = true
		n.notes = []string{"If no script reads there what another one wrote:"}
		pairs = append(pairs, n)
	}
	if !b.NoCleanup {
		pairs = append(pairs, scriptsNode("final_cleanup", b.Cleanup))
	}
	return block(mapping("setup", pairs...))
}

// scriptsNode is a list of scripts.
func scriptsNode(key string, list []*Script) *node {
	n := &node{key: key, kind: isList}
	for _, e := range list {
		n.list = append(n.list, e.node())
		if e.Proposal != nil {
			p := e.Proposal.node()
			p.off = true
			n.list = append(n.list, p)
		}
	}
	if len(list) > 1 || len(list) == 1 && list[0].node().kind == isMapping {
		n.lines = true
	}
	return n
}

func (e *Script) node() *node {
	n := mapping("", str("path", notation.EscapedGlob(e.Path)))
	if e.Base != "" {
		n.pairs = append(n.pairs, str("base", e.Base))
	}
	if len(e.When) > 0 {
		n.pairs = append(n.pairs, texts("when", e.When))
	}
	if len(e.Outputs) > 0 {
		n.pairs = append(n.pairs, outputsNode(e.Outputs))
	}
	for _, l := range []struct {
		key  string
		list []string
	}{
		{"build", e.Build}, {"needs", e.Needs}, {"sources", e.Sources}, {"inputs", e.Inputs}, {"caches", e.Caches},
	} {
		if len(l.list) > 0 {
			n.pairs = append(n.pairs, texts(l.key, l.list))
		}
	}
	if len(e.Secrets) > 0 {
		list := &node{key: "secrets", kind: isList}
		for _, s := range e.Secrets {
			list.list = append(list.list, s.node())
		}
		n.pairs = append(n.pairs, list)
	}
	if e.Args != nil {
		n.pairs = append(n.pairs, texts("args", *e.Args))
	}
	if e.SSH {
		n.pairs = append(n.pairs, &node{key: "ssh", text: scalar{"true", true}})
	}
	if e.Network != "" {
		n.pairs = append(n.pairs, str("network", e.Network))
	}
	if len(n.pairs) == 1 {
		n = str("", notation.EscapedGlob(e.Path))
	}
	n.notes = e.Notes
	return n
}

// node is the secret's id where it says no more.
func (s Secret) node() *node {
	n := mapping("", str("id", s.ID))
	for _, p := range []*node{str("target", s.Target), str("mode", s.Mode), str("env", s.Env)} {
		if p.text.text != "" {
			n.pairs = append(n.pairs, p)
		}
	}
	if !s.Required {
		n.pairs = append(n.pairs, &node{key: "required", text: scalar{"false", true}})
	}
	if len(n.pairs) == 1 {
		return str("", s.ID)
	}
	return n
}

func (o Output) node() *node {
	if o.From+o.Into+o.Owner == "" {
		return str("", o.Path)
	}
	from, to := o.From, o.Path
	if from == "" {
		from, to = o.Path, ""
	}
	if o.Into != "" {
		to = o.Into
	}
	n := mapping("", str("from", from))
	for _, p := range []Pair{{Key: "to", Text: to}, {Key: "owner", Text: o.Owner}} {
		if p.Text != "" {
			n.pairs = append(n.pairs, str(p.Key, p.Text))
		}
	}
	return n
}

func outputsNode(list []Output) *node {
	n := &node{key: "outputs", kind: isList}
	for _, o := range list {
		n.list = append(n.list, o.node())
	}
	return n
}

func (b *Build) entrypointNode() *node {
	n := mapping("entrypoint")
	if b.Entrypoint != nil {
		n.pairs = append(n.pairs, str("entrypoint_script", *b.Entrypoint))
	}
	for _, l := range []struct {
		key  string
		list []string
	}{{"runtime_scripts", b.Runtimes}, {"utility_scripts", b.Utilities}} {
		if l.list != nil {
			n.pairs = append(n.pairs, texts(l.key, l.list))
		}
	}
	if b.Configs != nil {
		files := &node{key: "configuration_files", kind: isList, lines: len(b.Configs) > 0}
		for _, c := range b.Configs {
			one := mapping("", str("source", c.Source), str("target", c.Target))
			if modes.Octal(c.Mode) != "0644" {
				one.pairs = append(one.pairs, str("mode", modes.Octal(c.Mode)))
			}
			if c.Owner != "" {
				one.pairs = append(one.pairs, str("owner", c.Owner))
			}
			files.list = append(files.list, one)
		}
		n.pairs = append(n.pairs, files)
	}
	for _, p := range n.pairs {
		p.notes = append(p.notes, b.Notes["entrypoint."+p.key]...)
	}
	if len(n.pairs) == 0 {
		return nil
	}
	return block(n)
}

func (b *Build) boundaryNode() *node {
	n := mapping("cache_boundary")
	if b.Stable != nil {
		n.pairs = append(n.pairs, texts("stable_files", b.Stable))
	}
	if b.Volatile != nil {
		n.pairs = append(n.pairs, texts("volatile_files", b.Volatile))
	}
	if len(n.pairs) == 0 {
		return nil
	}
	return block(n)
}

func (b *Build) imageNode() *node {
	i := &b.Image
	n := mapping("image")
	add := func(p *node) {
		p.notes = append(p.notes, b.Notes["image."+p.key]...)
		n.pairs = append(n.pairs, p)
	}
	for _, l := range []struct {
		key   string
		pairs []Pair
	}{{"env", i.Env}, {"labels", i.Labels}} {
		if len(l.pairs) == 0 {
			continue
		}
		list := mapping(l.key)
		for _, p := range l.pairs {
			one := str(p.Key, p.Text)
			one.notes = p.Notes
			list.pairs = append(list.pairs, one)
		}
		add(block(list))
	}
	if i.Entrypoint != nil {
		add(texts("entrypoint", i.Entrypoint))
	}
	if i.Cmd != nil {
		add(texts("cmd", i.Cmd))
	}
	if i.User != "" {
		add(str("user", i.User))
	}
	if i.WorkingDir != "" {
		add(str("working_dir", i.WorkingDir))
	}
	if len(i.Expose) > 0 {
		add(portsNode(i.Expose))
	}
	if len(i.Volumes) > 0 {
		add(texts("volumes", i.Volumes))
	}
	if i.StopSignal != "" {
		add(str("stop_signal", i.StopSignal))
	}
	if i.Health != nil {
		add(i.Health.node())
	}
	if len(n.pairs) == 0 {
		return nil
	}
	return block(n)
}

func portsNode(list []string) *node {
	ports := &node{key: "expose", kind: isList}
	for _, p := range list {
		ports.list = append(ports.list, &node{text: scalar{p, p != "" && strings.Trim(p, "0123456789") == ""}})
	}
	return ports
}

func (h *Health) node() *node {
	n := mapping("healthcheck", texts("command", h.Command))
	for _, p := range []Pair{{Key: "interval", Text: h.Interval}, {Key: "timeout", Text: h.Timeout}, {Key: "start_period", Text: h.StartPeriod}} {
		if p.Text != "" {
			n.pairs = append(n.pairs, str(p.Key, p.Text))
		}
	}
	if h.Retries > 0 {
		n.pairs = append(n.pairs, number("retries", h.Retries))
	}
	return n
}
