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

// Scope is what holds at one place of a stage.
type Scope struct {
	escape rune
	// Env and Args are the variables whose values are known.
	Env, Args map[string]string
	// Open says that the base's environment is not known.
	Open bool
	// Dir is the working directory, User the User; both as far as ENV and ARG
	// are known, else "".
	Dir, User string
	// Shell is what runs a RUN line.
	Shell []string
}

// newScope returns the scope at a stage's start, on a base image.
func newScope(escape rune, base *ocispecs.ImageConfig) *Scope {
	s := &Scope{escape: escape, Env: map[string]string{}, Args: map[string]string{}, Dir: "/", User: "root", Shell: []string{"/bin/sh", "-c"}}
	if base == nil {
		s.Open = true
		return s
	}
	for _, e := range base.Env {
		name, value, _ := strings.Cut(e, "=")
		s.Env[name] = value
	}
	if base.WorkingDir != "" {
		s.Dir = base.WorkingDir
	}
	if base.User != "" {
		s.User = base.User
	}
	return s
}

// clone returns a copy. Args reach the stages that build on this one, as the
// environment does.
func (s *Scope) clone() *Scope {
	n := *s
	n.Env, n.Args = maps.Clone(s.Env), maps.Clone(s.Args)
	return &n
}

// vars are all variables that a RUN line sees, as far as they are known.
func (s *Scope) vars() map[string]string {
	out := maps.Clone(s.Args)
	maps.Copy(out, s.Env)
	return out
}

// Get is the value of a variable; with Keys it implements BuildKit's EnvGetter.
func (s *Scope) Get(name string) (string, bool) {
	if v, ok := s.Env[name]; ok {
		return v, true
	}
	v, ok := s.Args[name]
	return v, ok
}

// Keys are the names of all variables.
func (s *Scope) Keys() []string { return slices.Sorted(maps.Keys(s.vars())) }

// Expand replaces the variables of a word; ok is false when one of them is not
// known.
func (s *Scope) Expand(word string) (string, bool) {
	res, err := dfshell.NewLex(s.escape).ProcessWordWithMatches(word, s)
	if err != nil || s.Open && len(res.Unmatched) > 0 {
		return "", false
	}
	return res.Result, true
}

// Mentions reports whether expanding the text would read a variable.
func (s *Scope) Mentions(text, name string) bool {
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
func (s *Scope) apply(cmd any, global *Scope, args map[string]string) {
	switch cmd := cmd.(type) {
	case *instructions.EnvCommand:
		values := map[string]string{}
		for _, kv := range cmd.Env { // each sees the state before the instruction
			v, ok := s.Expand(kv.Value)
			if !ok {
				delete(s.Env, kv.Key)
				s.Open = true
				continue
			}
			values[kv.Key] = v
		}
		maps.Copy(s.Env, values)
	case *instructions.ArgCommand:
		for _, a := range cmd.Args {
			s.declare(a, global, args)
		}
	case *instructions.WorkdirCommand:
		s.chdir(cmd.Path)
	case *instructions.UserCommand:
		if u, ok := s.Expand(cmd.User); ok {
			s.User = u
		} else {
			s.User = ""
		}
	case *instructions.ShellCommand:
		s.Shell = cmd.Shell
	}
}

func (s *Scope) declare(a instructions.KeyValuePairOptional, global *Scope, args map[string]string) {
	defer func() {
		if _, ok := s.Args[a.Key]; ok { // whichever of ENV and ARG comes last is seen
			delete(s.Env, a.Key)
		}
	}()
	if v, ok := args[a.Key]; ok {
		s.Args[a.Key] = v
		return
	}
	if a.Value != nil {
		if v, ok := s.Expand(*a.Value); ok {
			s.Args[a.Key] = v
		} else {
			delete(s.Args, a.Key)
		}
		return
	}
	if global != nil {
		if v, ok := global.Args[a.Key]; ok {
			s.Args[a.Key] = v
		}
	}
}

func (s *Scope) chdir(to string) {
	dir, ok := s.Expand(to)
	switch {
	case !ok:
		s.Dir = ""
	case path.IsAbs(dir):
		s.Dir = path.Clean(dir)
	case s.Dir != "":
		s.Dir = path.Join(s.Dir, dir)
	}
}

// Root reports whether steps run as Root.
func (s *Scope) Root() bool {
	name, _, _ := strings.Cut(s.User, ":")
	return name == "root" || name == "0"
}
