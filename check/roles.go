package check

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/glob"
	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/shell"
)

// role is what a script that is copied into an image is there for.
type role int

const (
	// carried is a file of a source tree, a test, a script for CI: nothing in the
	// image is seen to run it.
	carried role = iota
	// command is a program that somebody may call: it is in a directory of PATH.
	command
	// started runs when a container starts, or while it runs.
	started
)

// roles tell which of the files of an image run in a container. What a build file
// lists as scripts is started. Another file is, if ENTRYPOINT, CMD or HEALTHCHECK name it, if it is where the
// base's entrypoint looks for scripts, and if anything that is started, a RUN that
// does not remove it, or a configuration file names its path.
type roles struct {
	tree  *Tree
	of    map[string]role // by target
	units map[string]*Unit
}

// newRoles are the roles of what has been loaded.
func (t *Tree) newRoles(units map[string]*Unit) map[string]role {
	r := &roles{tree: t, of: map[string]role{}, units: units}
	for target := range t.Targets {
		if slices.Contains(strings.Split(DefaultPath, ":"), path.Dir(target)) {
			r.of[target] = command
		}
	}
	for _, class := range t.Input.Graph.Entrypoint {
		if t.Input.Dockerfile == nil && class.Name != "configuration" {
			for _, f := range class.Files {
				r.start(f.Target)
			}
		}
	}
	for _, word := range t.Input.Graph.Image.Entrypoint {
		r.words(word)
	}
	for _, word := range slices.Concat(t.Input.Graph.Image.Cmd, healthcheckWords(t.Input.Graph)) {
		r.words(word)
	}
	for target := range t.Targets {
		if isHook(path.Dir(target)) || r.of[target] == command && strings.Contains(path.Base(target), "entrypoint") || path.Dir(target) == "/" && len(t.Input.Graph.Image.Entrypoint)+len(t.Input.Graph.Image.Cmd) > 0 {
			r.start(target)
		}
	}
	removed := map[string]bool{}
	for _, c := range Calls(t.Setup) {
		for _, w := range c.Args {
			removed[w.Value] = removed[w.Value] || c.Name == "rm"
		}
	}
	for _, u := range t.Setup {
		if t.Input.Dockerfile == nil {
			break // setup comes before all of them
		}
		for _, s := range u.Scripts {
			for _, ref := range s.Paths {
				if _, ok := t.Targets[ref.Path]; ok && !ref.Glob && !ref.Bare && !removed[ref.Path] {
					r.start(ref.Path)
				}
			}
		}
	}
	for target, f := range t.Targets {
		if units[f.Source] == nil && IsConfiguration(target) {
			for _, word := range pathWords(t.Text(f.Source)) {
				r.start(word)
			}
		}
	}
	return r.of
}

// words starts what a line or a word of a command names.
func (r *roles) words(line string) {
	for _, word := range strings.Fields(line) {
		word = strings.Trim(word, `"';`)
		if !path.IsAbs(word) && !strings.Contains(word, "/") {
			for dir := range strings.SplitSeq(DefaultPath, ":") {
				r.start(path.Join(dir, word))
			}
			continue
		}
		if !path.IsAbs(word) {
			word = path.Join("/", r.tree.Input.Graph.Image.WorkingDir, word)
		}
		r.start(word)
	}
}

// start notes that a file is started, and with it what it names itself.
func (r *roles) start(target string) {
	target = path.Clean(target)
	f, ok := r.tree.Targets[target]
	if !ok || r.of[target] == started {
		return
	}
	r.of[target] = started
	u := r.units[f.Source]
	if u == nil {
		for _, word := range pathWords(r.tree.Text(f.Source)) {
			r.start(word)
		}
		return
	}
	for _, s := range u.Scripts {
		for _, ref := range s.Paths {
			r.ref(ref)
		}
		for _, c := range s.Calls {
			r.words(c.Name)
		}
		for _, src := range s.Sources {
			r.start(src.Absolute)
		}
		for _, name := range r.tree.places[s.Path] {
			r.start(name)
		}
	}
}

// ref starts what a script names: a file, the files of a pattern, or those of a
// directory that it goes through.
func (r *roles) ref(ref shell.PathRef) {
	if ref.Bare || ref.Path == "/" || ref.Access == shell.AccessWrite {
		return
	}
	if !ref.Glob {
		r.start(ref.Path)
		for _, target := range r.tree.entries[ref.Path] {
			r.start(target)
		}
		return
	}
	for target := range r.tree.Targets {
		if glob.Path(ref.Path, target) {
			r.start(target)
		}
	}
}

// isHook tells whether images' own entrypoints run or source what lies in a
// directory.
func isHook(dir string) bool {
	switch path.Base(dir) {
	case "docker-entrypoint-initdb.d", "docker-entrypoint.d", "entrypoint.d", "cont-init.d", "my_init.d", "my_init.pre_shutdown.d", "profile.d", "init.d":
		return true
	}
	switch top := path.Dir(dir); path.Base(top) {
	case "services.d", "service", "s6-rc.d", "sv":
		return true
	}
	return strings.HasPrefix(dir, "/etc/cron.")
}

// pathWords are the absolute paths that a text mentions.
func pathWords(data []byte) []string {
	var out []string
	for _, line := range TextLines(data) {
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\"'`=,;:()[]{}<>|&", r) }) {
			if strings.HasPrefix(word, "/") && len(word) > 1 {
				out = append(out, word)
			}
		}
	}
	return out
}

// healthcheckWords are the words of the health check's command.
func healthcheckWords(g *graph.Graph) []string {
	if g.Image.Healthcheck == nil {
		return nil
	}
	return g.Image.Healthcheck.Command
}

// DefaultPath is PATH where neither the image nor its base sets one.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
