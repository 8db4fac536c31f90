package dockerfile

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	dfshell "github.com/moby/buildkit/frontend/dockerfile/shell"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// scope is what holds at one place of a stage.
type scope struct {
	escape rune
	// env and args are the variables whose values are known.
	env, args map[string]string
	// open says that the base's environment is not known.
	open bool
	// dir is the working directory, user the user; both as far as ENV and ARG
	// are known, else "".
	dir, user string
	// shell is what runs a RUN line.
	shell []string
}

// newScope returns the scope at a stage's start, on a base image.
func newScope(escape rune, base *ocispecs.ImageConfig) *scope {
	s := &scope{escape: escape, env: map[string]string{}, args: map[string]string{}, dir: "/", user: "root", shell: []string{"/bin/sh", "-c"}}
	if base == nil {
		s.open = true
		return s
	}
	for _, e := range base.Env {
		name, value, _ := strings.Cut(e, "=")
		s.env[name] = value
	}
	if base.WorkingDir != "" {
		s.dir = base.WorkingDir
	}
	if base.User != "" {
		s.user = base.User
	}
	return s
}

// clone returns a copy. Args reach the stages that build on this one, as the
// environment does.
func (s *scope) clone() *scope {
	n := *s
	n.env, n.args = maps.Clone(s.env), maps.Clone(s.args)
	return &n
}

// vars are all variables that a RUN line sees, as far as they are known.
func (s *scope) vars() map[string]string {
	out := maps.Clone(s.args)
	maps.Copy(out, s.env)
	return out
}

// Get and Keys implement BuildKit's EnvGetter.
func (s *scope) Get(name string) (string, bool) {
	if v, ok := s.env[name]; ok {
		return v, true
	}
	v, ok := s.args[name]
	return v, ok
}

func (s *scope) Keys() []string { return slices.Sorted(maps.Keys(s.vars())) }

// expand replaces the variables of a word; ok is false when one of them is not
// known.
func (s *scope) expand(word string) (string, bool) {
	res, err := dfshell.NewLex(s.escape).ProcessWordWithMatches(word, s)
	if err != nil || s.open && len(res.Unmatched) > 0 {
		return "", false
	}
	return res.Result, true
}

// mentions reports whether expanding the text would read a variable.
func (s *scope) mentions(text, name string) bool {
	lex := dfshell.NewLex(s.escape)
	lex.RawQuotes, lex.RawEscapes, lex.SkipUnsetEnv = true, true, true
	res, err := lex.ProcessWordWithMatches(text, only(name))
	if err != nil {
		return true
	}
	_, ok := res.Matched[name]
	return ok
}

// only is an environment with one variable.
type only string

func (o only) Get(name string) (string, bool) { return "x", name == string(o) }
func (o only) Keys() []string                 { return []string{string(o)} }

// apply carries the scope over an instruction.
func (s *scope) apply(cmd any, global *scope, args map[string]string) {
	switch cmd := cmd.(type) {
	case *instructions.EnvCommand:
		values := map[string]string{}
		for _, kv := range cmd.Env { // each sees the state before the instruction
			v, ok := s.expand(kv.Value)
			if !ok {
				delete(s.env, kv.Key)
				s.open = true
				continue
			}
			values[kv.Key] = v
		}
		maps.Copy(s.env, values)
	case *instructions.ArgCommand:
		for _, a := range cmd.Args {
			s.declare(a, global, args)
		}
	case *instructions.WorkdirCommand:
		s.chdir(cmd.Path)
	case *instructions.UserCommand:
		if u, ok := s.expand(cmd.User); ok {
			s.user = u
		} else {
			s.user = ""
		}
	case *instructions.ShellCommand:
		s.shell = cmd.Shell
	}
}

func (s *scope) declare(a instructions.KeyValuePairOptional, global *scope, args map[string]string) {
	defer func() {
		if _, ok := s.args[a.Key]; ok { // whichever of ENV and ARG comes last is seen
			delete(s.env, a.Key)
		}
	}()
	if v, ok := args[a.Key]; ok {
		s.args[a.Key] = v
		return
	}
	if a.Value != nil {
		if v, ok := s.expand(*a.Value); ok {
			s.args[a.Key] = v
		} else {
			delete(s.args, a.Key)
		}
		return
	}
	if global != nil {
		if v, ok := global.args[a.Key]; ok {
			s.args[a.Key] = v
		}
	}
}

func (s *scope) chdir(to string) {
	dir, ok := s.expand(to)
	switch {
	case !ok:
		s.dir = ""
	case path.IsAbs(dir):
		s.dir = path.Clean(dir)
	case s.dir != "":
		s.dir = path.Join(s.dir, dir)
	}
}

// root reports whether steps run as root.
func (s *scope) root() bool {
	name, _, _ := strings.Cut(s.user, ":")
	return name == "root" || name == "0"
}
