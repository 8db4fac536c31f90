package spec

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/sys/signal"
)

// setDefaults fills what does not depend on the context.
func (f *File) setDefaults() {
	for _, u := range f.users() {
		u.setDefaults()
	}
	if f.CacheBoundary.StableFiles == nil {
		f.CacheBoundary.StableFiles = []Text{{Value: "setup/**"}}
	}
	if f.CacheBoundary.VolatileFiles == nil {
		f.CacheBoundary.VolatileFiles = []Text{{Value: "entrypoint.d/**"}, {Value: "config/**"}}
	}
	for i := range f.Tests {
		if f.Tests[i].Timeout.Duration == 0 {
			f.Tests[i].Timeout.Duration = time.Minute
		}
	}
}

// validate reports what is wrong in the values themselves, and brings paths
// into their clean form.
func (f *File) validate(p *Problems, args map[string]string) {
	if v := f.Version; v.Value != "" && v.Value != "1" {
		p.Addf(v.At, "version must be 1, the only format that this pgstrata reads, not %q: for a newer one, name a newer frontend image in the first line", v.Value)
	}
	f.validateBase(p)
	for _, a := range f.Args {
		if !IsIdentifier(a.Name.Value) {
			p.Addf(a.Name.At, "%q cannot be an argument's name: letters, digits and _, not starting with a digit", a.Name.Value)
		}
	}
	f.validateUsers(p)
	f.validateSetupBase(p)
	validateRepositories(p, f.Setup.Repositories)
	f.validateSources(p)
	validateNetwork(p, f.Setup.Network)
	switch s := f.Setup.DebugSymbols; s.Value {
	case "", "kept", "apart":
	default:
		p.Addf(s.At, "debug_symbols are kept or apart, not %q", s.Value)
	}
	f.validatePackages(p)
	for i := range f.Setup.Scripts {
		f.Setup.Scripts[i].validate(p, f, args)
	}
	for i := range f.Setup.FinalCleanup {
		s := &f.Setup.FinalCleanup[i]
		s.validate(p, f, args)
		if s.Outputs != nil || s.Needs != nil {
			p.Addf(s.At, "a final_cleanup script runs after all others, on the whole setup; outputs and needs have no meaning for it")
		}
	}
	for i := range f.Setup.BuildArtifacts {
		absolute(p, &f.Setup.BuildArtifacts[i], "a build artifact directory")
	}
	f.validateFilesystem(p)
	f.Entrypoint.validate(p, f)
	for _, list := range [][]Text{f.CacheBoundary.StableFiles, f.CacheBoundary.VolatileFiles} {
		for i := range list {
			relative(p, &list[i], "a file pattern")
		}
	}
	for _, r := range f.CacheBoundary.Rules {
		r.validate(p, f)
	}
	f.Image.validate(p)
	for i := range f.Tests {
		t := &f.Tests[i]
		if t.Name.Value == "" || t.Run.Value == "" {
			p.Addf(t.At, "a test needs a name and a script to run")
			continue
		}
		relative(p, &t.Run, "a test script")
	}
}

func (f *File) validateBase(p *Problems) {
	switch f.Base.Value {
	case "":
		p.Addf(f.Base.At, "base is missing: name the image to build on, such as `base: debian:bookworm-slim`")
	case "scratch":
		p.Addf(f.Base.At, "base scratch has no shell to run setup scripts with; name a distribution's image")
	default:
		if _, err := reference.ParseNormalizedNamed(f.Base.Value); err != nil {
			p.Addf(f.Base.At, "base %q is not an image reference: %v%s", f.Base.Value, err, curly(f.Base.Value))
		}
	}
}

// curly tells of quotes that YAML does not take for some.
func curly(s string) string {
	if strings.ContainsAny(s, "“”„‘’") {
		return "; YAML's quotes are \" and '"
	}
	return ""
}

func (f *File) validateSetupBase(p *Problems) {
	s := f.Setup
	if s.Base.Value != "" {
		if _, err := reference.ParseNormalizedNamed(s.Base.Value); err != nil {
			p.Addf(s.Base.At, "setup.base %q is not an image reference: %v", s.Base.Value, err)
		}
	}
	switch s.OnMissingLibrary.Value {
	case "", "fail", "rebuild":
	default:
		p.Addf(s.OnMissingLibrary.At, "on_missing_library must be fail or rebuild, not %q", s.OnMissingLibrary.Value)
	}
}

func (t *Script) validate(p *Problems, f *File, args map[string]string) {
	if t.Path.Value == "" {
		p.Addf(t.At, "a script needs a path")
		return
	}
	args = t.args(args)
	relative(p, &t.Path, "a setup script")
	t.validateIsolation(p, f)
	for i := range t.Inputs {
		relative(p, &t.Inputs[i], "an input")
	}
	for i := range t.When {
		t.When[i].validate(p)
	}
	for _, a := range t.Args {
		if _, ok := args[a.Value]; !ok {
			p.Addf(a.At, "%s is not declared under args%s", a, Meant(a.Value, slices.Sorted(maps.Keys(args))))
		}
	}
	validateNetwork(p, t.Network)
	t.validateSecrets(p, args)
}

func validateNetwork(p *Problems, t Text) {
	switch t.Value {
	case "", "default", "none", "host":
	default:
		p.Addf(t.At, "network must be default, none or host, not %q", t.Value)
	}
}

// validateSecrets settles where the script finds its secrets.
func (t *Script) validateSecrets(p *Problems, args map[string]string) {
	places := map[string]bool{}
	taken := func(at Range, place string) {
		if place != "" && places[place] {
			p.Addf(at, "two secrets of one script are at %s", place)
		}
		places[place] = true
	}
	for i := range t.Secrets {
		s := &t.Secrets[i]
		if !isFileName(s.ID.Value) {
			p.Addf(s.At, "a secret is named by its id, which is also its file name, not %q", s.ID.Value)
			continue
		}
		if e := s.Env; e.Value != "" {
			_, isArg := args[e.Value]
			switch {
			case !IsIdentifier(e.Value):
				p.Addf(e.At, "%q cannot be an environment variable's name: letters, digits and _, not starting with a digit", e.Value)
			case isArg:
				p.Addf(e.At, "%s is a build argument; a secret needs a variable of its own", e.Value)
			}
			taken(e.At, "$"+e.Value)
		}
		switch {
		case s.Target.Value != "":
			absolute(p, &s.Target, "a secret's target")
		case s.Env.Value == "":
			s.Target.Value = "/run/secrets/" + s.ID.Value
		}
		taken(s.At, s.Target.Value)
	}
}

func (e *Entrypoint) validate(p *Problems, f *File) {
	if e.Script != nil && e.Script.Value != "" {
		relative(p, e.Script, "the entrypoint script")
	}
	for _, list := range [][]Text{e.RuntimeScripts, e.UtilityScripts} {
		for i := range list {
			relative(p, &list[i], "an entrypoint file")
		}
	}
	for i := range e.ConfigurationFiles {
		c := &e.ConfigurationFiles[i]
		if c.Source.Value == "" || c.Target.Value == "" {
			p.Addf(c.At, "a configuration file needs a source and a target")
			continue
		}
		relative(p, &c.Source, "a source")
		c.Tree = strings.HasSuffix(c.Target.Value, "/")
		absolute(p, &c.Target, "a target")
		if c.Owner.Value != "" {
			if _, _, err := f.ParseOwner(c.Owner.Value); err != nil {
				p.Addf(c.Owner.At, "%v", err)
			}
		}
	}
}

// published is what the rest of a port as `docker run --publish` has it is for.
func published(port string) string {
	_, inside, ok := strings.Cut(port, ":")
	if !ok {
		return ""
	}
	return ": write " + inside + "; the host's port is docker run's --publish"
}

// meantSignal is a signal whose name a word is like.
func meantSignal(word string) string {
	var names []string
	for name := range signal.SignalMap {
		names = append(names, "SIG"+name)
	}
	slices.Sort(names)
	return Meant(strings.ToUpper(word), names)
}

func (m *Image) validate(p *Problems) {
	for _, t := range m.Env {
		if t.Key.Value == "" || strings.ContainsAny(t.Key.Value, "= \t\n") {
			p.Addf(t.Key.At, "%q cannot be an environment variable's name", t.Key.Value)
		}
	}
	for i, t := range m.Expose {
		port, proto, ok := strings.Cut(t.Value, "/")
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 || ok && proto != "tcp" && proto != "udp" && proto != "sctp" {
			p.Addf(t.At, "a port is a number from 1 to 65535, with /udp or /sctp behind it where it is not tcp; not %q%s", t.Value, published(t.Value))
			continue
		}
		if !ok {
			m.Expose[i].Value += "/tcp"
		}
	}
	for i := range m.Volumes {
		absolute(p, &m.Volumes[i], "a volume")
	}
	if s := m.StopSignal; s.Value != "" {
		if _, err := signal.ParseSignal(s.Value); err != nil {
			p.Addf(s.At, "stop_signal %q is not a signal%s", s.Value, cmp.Or(meantSignal(s.Value), "; use a name such as SIGINT"))
		}
	}
	if !strings.Contains(m.User.Value, "$") {
		m.User.isUser(p)
	}
	if m.WorkingDir.Value != "" {
		absolute(p, &m.WorkingDir, "the working directory")
	}
	if h := m.Healthcheck; h != nil && h.Command == nil {
		p.Addf(h.At, "healthcheck needs a command: the program and its arguments, as a list")
	}
}

// isUser reports a text that is not as whom a process can start.
func (t Text) isUser(p *Problems) {
	if user, group, ok := strings.Cut(t.Value, ":"); t.Value != "" && (!isAccount(user) || ok && !isAccount(group)) {
		p.Addf(t.At, "image.user is `user` or `user:group`, names or numbers, not %q", t.Value)
	}
}

// StartsAs is image.user with its variables replaced, or as it is written where env
// lacks one: the base's are not known before a build.
func (f *File) StartsAs(p *Problems, env map[string]string) string {
	user := f.Image.User
	value, missing, err := Expand(user.Value, env)
	if err != nil || missing != "" {
		return user.Value
	}
	user.Value = value
	user.isUser(p)
	return value
}

func (r Rule) validate(p *Problems, f *File) {
	if r.Layer.Value == "" || r.MaxAge.Duration == 0 && len(r.WhenChanged) == 0 {
		p.Addf(r.At, "a cache invalidation rule needs a layer, and max_age or when_changed")
		return
	}
	if age := r.MaxAge; age.Duration != 0 && age.Duration < time.Minute {
		p.Addf(age.At, "max_age is a minute at the least; to run a layer in every build there is --no-cache-filter")
	}
	for _, t := range r.WhenChanged {
		kind, name, _ := strings.Cut(t.Value, ":")
		switch {
		case t.Value == "base":
		case kind == "file" && name != "":
			clean := Text{Value: name, At: t.At}
			relative(p, &clean, "a watched file")
		case kind == "package":
			validatePackage(p, Text{Value: name, At: t.At})
		case kind == "arg":
			if !slices.ContainsFunc(f.Args, func(a Arg) bool { return a.Name.Value == name }) {
				p.Addf(t.At, "%q is not declared under args", name)
			}
		default:
			p.Addf(t.At, "when_changed lists base, arg:NAME, file:GLOB and package:NAME, not %q", t.Value)
		}
	}
}

// maxPath is how long a path can be on Linux, in bytes.
const maxPath = 4095

// relative brings a context path into its clean form and reports one that
// leaves the context.
func relative(p *Problems, t *Text, what string) {
	clean := path.Clean(t.Value)
	switch {
	case t.Value == "":
		p.Addf(t.At, "%s needs a path", what)
	case path.IsAbs(clean):
		p.Addf(t.At, "%s is a path in the build context, so it does not start with /: %q", what, t.Value)
	case clean == ".." || strings.HasPrefix(clean, "../"):
		p.Addf(t.At, "%s leaves the build context: %q", what, t.Value)
	case len(clean) > maxPath:
		p.Addf(t.At, "%s is longer than the %d bytes that a path can have", what, maxPath)
	case quotesOther(clean):
		p.Addf(t.At, "%s has a backslash that quotes none of * ? [ ] { }: %q; a ? matches any character, a backslash too", what, t.Value)
	case strings.Contains(clean, "{}"):
		p.Addf(t.At, "%s has braces with nothing in them: %q", what, t.Value)
	default:
		t.Value = clean
	}
}

// quotesOther tells whether a backslash stands before something that needs no
// quoting: a pattern would then match other names than it finds.
func quotesOther(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		i++
		if i == len(s) || !strings.ContainsRune("*?[]{}", rune(s[i])) {
			return true
		}
	}
	return false
}

// absolute brings an image path into its clean form and reports one that is
// not absolute, or is the root itself.
func absolute(p *Problems, t *Text, what string) {
	clean := path.Clean(t.Value)
	switch {
	case !path.IsAbs(t.Value):
		p.Addf(t.At, "%s is an absolute path in the image, not %q", what, t.Value)
	case clean == "/":
		p.Addf(t.At, "%s cannot be the root directory", what)
	case len(clean) > maxPath:
		p.Addf(t.At, "%s is longer than the %d bytes that a path can have", what, maxPath)
	default:
		t.Value = clean
	}
}

// IsIdentifier tells whether s can be the name of a variable.
func IsIdentifier(s string) bool {
	return s != "" && (s[0] < '0' || s[0] > '9') &&
		allOf(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
}

// IsUserName tells whether an account can have a name, by useradd's own rule.
func IsUserName(s string) bool {
	return s != "" && len(s) <= 32 && s[0] != '-' && (s[0] < '0' || s[0] > '9') &&
		allOf(s, "abcdefghijklmnopqrstuvwxyz0123456789_-")
}

// isAccount tells whether s can be the name or number of a user or group that
// an image has.
func isAccount(s string) bool {
	return s != "" && s[0] != '-' && allOf(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
}

func isFileName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/\x00\n")
}

func allOf(s, chars string) bool {
	for _, r := range s {
		if !strings.ContainsRune(chars, r) {
			return false
		}
	}
	return true
}
