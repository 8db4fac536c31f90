package migrate

import (
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/modes"
)

// document is the build file's text, but for the comments that it begins with.
func (b *build) document() string {
	root := b.root()
	root.pairs = slices.Insert(root.pairs, 1, b.argsNode()...)
	for _, n := range root.pairs[1:] {
		n.apart = n.key != "user" || len(n.notes) > 0
	}
	return document(root)
}

// root is the build file without its args.
func (b *build) root() *node {
	base := str("base", b.base)
	base.notes = b.notes["base"]
	return mapping("", base, userNode("user", b.user), accountsNode(b.accounts), b.setupNode(), b.entrypointNode(), b.boundaryNode(), b.imageNode())
}

// refersTo reports which names the values of the build file refer to, but for those
// of its args.
func (b *build) refersTo() map[string]bool {
	names := map[string]bool{}
	references(b.root(), names)
	return names
}

// references notes the names that the values below a node refer to.
func references(n *node, names map[string]bool) {
	if n == nil {
		return
	}
	for _, name := range referred(n.text.text) {
		names[name] = true
	}
	for _, c := range slices.Concat(n.list, n.pairs) {
		references(c, names)
	}
}

func (b *build) argsNode() []*node {
	if len(b.args) == 0 {
		return nil
	}
	n := mapping("args")
	var above []string
	for _, a := range b.args {
		one := str(a.name, a.text)
		if a.comment != "" {
			one = mapping(a.name, str("default", a.text), str("description", a.comment))
		}
		if !slices.Equal(above, a.notes) { // said once for all that follow
			one.notes = a.notes
		}
		above = a.notes
		n.pairs = append(n.pairs, one)
	}
	return []*node{block(n)}
}

// block keeps a mapping in lines of its own.
func block(n *node) *node {
	n.lines = true
	return n
}

func userNode(key string, u *user) *node {
	if u == nil {
		return nil
	}
	n := mapping(key, str("name", u.name), number("uid", u.uid), number("gid", u.gid), str("home", escaped(u.home)))
	if u.shell != "" {
		n.pairs = append(n.pairs, str("shell", escaped(u.shell)))
	}
	if len(u.groups) > 0 {
		n.pairs = append(n.pairs, texts("groups", u.groups))
	}
	n.notes = u.notes
	return n
}

func accountsNode(list []*user) *node {
	if len(list) == 0 {
		return nil
	}
	n := &node{key: "accounts", kind: isList, lines: true}
	for _, u := range list {
		n.list = append(n.list, userNode("", u))
	}
	return n
}

func (b *build) setupNode() *node {
	var pairs []*node
	if len(b.sources) > 0 {
		n := mapping("sources")
		for _, s := range b.sources {
			one := mapping(s.name)
			for _, p := range []pair{{key: "image", text: s.image}, {key: "url", text: s.url}, {key: "checksum", text: s.checksum}, {key: "git", text: s.git}, {key: "ref", text: s.ref}} {
				if p.text != "" {
					one.pairs = append(one.pairs, str(p.key, p.text))
				}
			}
			n.pairs = append(n.pairs, one)
		}
		pairs = append(pairs, block(n))
	}
	if len(b.runtime)+len(b.toolchain) > 0 {
		deps := mapping("dependencies")
		if len(b.toolchain) > 0 {
			build := texts("build", b.toolchain)
			build.aside = "there while scripts run, never in the image"
			deps.pairs = append(deps.pairs, build)
		}
		if len(b.runtime) > 0 {
			deps.pairs = append(deps.pairs, texts("runtime", b.runtime))
		}
		pairs = append(pairs, block(deps))
	}
	scripts := scriptsNode("scripts", b.scripts)
	scripts.notes = b.scriptNotes
	pairs = append(pairs, scripts)
	if len(b.artifacts) > 0 {
		n := texts("build_artifacts", b.artifacts)
		n.aside = "empty for each script, in no layer"
		pairs = append(pairs, n)
	}
	if len(b.maybeArtifacts) > 0 {
		n := texts("build_artifacts", b.maybeArtifacts)
		n.off = true
		n.notes = []string{"If no script reads there what another one wrote:"}
		pairs = append(pairs, n)
	}
	if !b.noCleanup {
		pairs = append(pairs, scriptsNode("final_cleanup", b.cleanup))
	}
	return block(mapping("setup", pairs...))
}

// scriptsNode is a list of scripts.
func scriptsNode(key string, list []*script) *node {
	n := &node{key: key, kind: isList}
	for _, e := range list {
		n.list = append(n.list, e.node())
		if e.proposal != nil {
			p := e.proposal.node()
			p.off = true
			n.list = append(n.list, p)
		}
	}
	if len(list) > 1 || len(list) == 1 && list[0].node().kind == isMapping {
		n.lines = true
	}
	return n
}

func (e *script) node() *node {
	n := mapping("", str("path", escapedGlob(e.path)))
	if e.base != "" {
		n.pairs = append(n.pairs, str("base", e.base))
	}
	if len(e.when) > 0 {
		n.pairs = append(n.pairs, texts("when", e.when))
	}
	if len(e.outputs) > 0 {
		n.pairs = append(n.pairs, outputsNode(e.outputs))
	}
	for _, l := range []struct {
		key  string
		list []string
	}{
		{"build", e.build}, {"needs", e.needs}, {"sources", e.sources}, {"packages", e.packages}, {"inputs", e.inputs}, {"caches", e.caches},
	} {
		if len(l.list) > 0 {
			n.pairs = append(n.pairs, texts(l.key, l.list))
		}
	}
	if len(e.secrets) > 0 {
		list := &node{key: "secrets", kind: isList}
		for _, s := range e.secrets {
			list.list = append(list.list, s.node())
		}
		n.pairs = append(n.pairs, list)
	}
	if e.args != nil {
		n.pairs = append(n.pairs, texts("args", *e.args))
	}
	if e.ssh {
		n.pairs = append(n.pairs, &node{key: "ssh", text: scalar{"true", true}})
	}
	if e.network != "" {
		n.pairs = append(n.pairs, str("network", e.network))
	}
	if len(n.pairs) == 1 {
		n = str("", escapedGlob(e.path))
	}
	n.notes = e.notes
	return n
}

// node is the secret's id where it says no more.
func (s secret) node() *node {
	n := mapping("", str("id", s.id))
	for _, p := range []*node{str("target", s.target), str("mode", s.mode), str("env", s.env)} {
		if p.text.text != "" {
			n.pairs = append(n.pairs, p)
		}
	}
	if !s.required {
		n.pairs = append(n.pairs, &node{key: "required", text: scalar{"false", true}})
	}
	if len(n.pairs) == 1 {
		return str("", s.id)
	}
	return n
}

func (o output) node() *node {
	if o.from+o.into+o.owner == "" {
		return str("", o.path)
	}
	from, to := o.from, o.path
	if from == "" {
		from, to = o.path, ""
	}
	if o.into != "" {
		to = o.into
	}
	n := mapping("", str("from", from))
	for _, p := range []pair{{key: "to", text: to}, {key: "owner", text: o.owner}} {
		if p.text != "" {
			n.pairs = append(n.pairs, str(p.key, p.text))
		}
	}
	return n
}

func outputsNode(list []output) *node {
	n := &node{key: "outputs", kind: isList}
	for _, o := range list {
		n.list = append(n.list, o.node())
	}
	return n
}

func (b *build) entrypointNode() *node {
	n := mapping("entrypoint")
	if b.entrypoint != nil {
		n.pairs = append(n.pairs, str("entrypoint_script", *b.entrypoint))
	}
	for _, l := range []struct {
		key  string
		list []string
	}{{"runtime_scripts", b.runtimes}, {"utility_scripts", b.utilities}} {
		if l.list != nil {
			n.pairs = append(n.pairs, texts(l.key, l.list))
		}
	}
	if b.configs != nil {
		files := &node{key: "configuration_files", kind: isList, lines: len(b.configs) > 0}
		for _, c := range b.configs {
			one := mapping("", str("source", c.source), str("target", c.target))
			if modes.Octal(c.mode) != "0644" {
				one.pairs = append(one.pairs, str("mode", modes.Octal(c.mode)))
			}
			if c.owner != "" {
				one.pairs = append(one.pairs, str("owner", c.owner))
			}
			files.list = append(files.list, one)
		}
		n.pairs = append(n.pairs, files)
	}
	for _, p := range n.pairs {
		p.notes = append(p.notes, b.notes["entrypoint."+p.key]...)
	}
	if len(n.pairs) == 0 {
		return nil
	}
	return block(n)
}

func (b *build) boundaryNode() *node {
	n := mapping("cache_boundary")
	if b.stable != nil {
		n.pairs = append(n.pairs, texts("stable_files", b.stable))
	}
	if b.volatile != nil {
		n.pairs = append(n.pairs, texts("volatile_files", b.volatile))
	}
	if len(n.pairs) == 0 {
		return nil
	}
	return block(n)
}

func (b *build) imageNode() *node {
	i := &b.image
	n := mapping("image")
	add := func(p *node) {
		p.notes = append(p.notes, b.notes["image."+p.key]...)
		n.pairs = append(n.pairs, p)
	}
	for _, l := range []struct {
		key   string
		pairs []pair
	}{{"env", i.env}, {"labels", i.labels}} {
		if len(l.pairs) == 0 {
			continue
		}
		list := mapping(l.key)
		for _, p := range l.pairs {
			one := str(p.key, p.text)
			one.notes = p.notes
			list.pairs = append(list.pairs, one)
		}
		add(block(list))
	}
	if i.entrypoint != nil {
		add(texts("entrypoint", i.entrypoint))
	}
	if i.cmd != nil {
		add(texts("cmd", i.cmd))
	}
	if i.user != "" {
		add(str("user", i.user))
	}
	if i.workingDir != "" {
		add(str("working_dir", i.workingDir))
	}
	if len(i.expose) > 0 {
		add(portsNode(i.expose))
	}
	if len(i.volumes) > 0 {
		add(texts("volumes", i.volumes))
	}
	if i.stopSignal != "" {
		add(str("stop_signal", i.stopSignal))
	}
	if i.health != nil {
		add(i.health.node())
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

func (h *health) node() *node {
	n := mapping("healthcheck", texts("command", h.command))
	for _, p := range []pair{{key: "interval", text: h.interval}, {key: "timeout", text: h.timeout}, {key: "start_period", text: h.startPeriod}} {
		if p.text != "" {
			n.pairs = append(n.pairs, str(p.key, p.text))
		}
	}
	if h.retries > 0 {
		n.pairs = append(n.pairs, number("retries", h.retries))
	}
	return n
}
