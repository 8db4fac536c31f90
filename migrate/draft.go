package migrate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// draft is a build file in the making, with the Dockerfile that it is made of.
type draft struct {
	*lines
	*buildContext
	opt     dockerfile.Options
	reading *dockerfile.Reading
	out     build
	// chain are the instructions of the target and of the stages that it builds
	// on, order their places; end is what holds after them. flat are those of
	// stages of which it takes all files, and not the configuration.
	chain []*dockerfile.Step
	flat  map[*dockerfile.Step]bool
	// ground is the stage at the bottom.
	ground *dockerfile.StageReading
	order  map[*dockerfile.Step]int
	end    *dockerfile.Scope
	// baseEnv is the base image's environment, as far as it is known.
	baseEnv map[string]string
	// base is the base image's configuration, nil if it is not known.
	base       *ocispecs.ImageConfig
	conditions *conditions
	accounts   accountIDs
	// seen are the variables that scripts of the build file read.
	seen map[string]bool
}

// newDraft reads a Dockerfile, and what every build file needs of it. The build file
// gets a name.
func newDraft(f *dockerfile.File, opt dockerfile.Options, name string) (*draft, error) {
	l, err := readLines(f, name)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(opt.Predefined)
	if values == nil {
		values = map[string]string{}
	}
	m := &draft{
		lines: l, buildContext: newContext(opt.Context, values), opt: opt,
		order: map[*dockerfile.Step]int{}, baseEnv: map[string]string{}, flat: map[*dockerfile.Step]bool{}, seen: map[string]bool{},
	}
	m.out.notes = map[string][]string{}
	return m, m.read()
}

// read reads the Dockerfile.
func (m *draft) read() error {
	m.conditions = &conditions{args: func(name string) (string, bool) {
		_, ok := m.opt.Predefined[name]
		if ok || m.isArg(name) {
			return "${" + name + "}", true
		}
		return "", false
	}}
	var err error
	if m.reading, err = dockerfile.Read(m.file, m.opt, m.conditions.keep); err != nil {
		return err
	}
	target := m.reading.Target()
	m.end = target.End
	root := m.flatten(target)
	for i, step := range m.chain {
		m.order[step] = i
	}
	if root.Image == "scratch" {
		return errors.New("it builds on scratch: a build file's scripts need a base with a shell")
	}
	m.declare()
	base, _ := m.text(root.Base, m.reading.Global, m.globalNames())
	unset := func(a *arg) bool { return a.unset && strings.Contains(base, "${"+a.name+"}") }
	if v, known := value(base, m.values); known && !slices.ContainsFunc(m.out.args, unset) {
		if _, err := reference.ParseNormalizedNamed(v); err != nil {
			return fmt.Errorf("its base %q is no image: %w", v, err)
		}
	}
	m.out.base = base
	m.report.went(root.From.Start, Carried, "base")
	m.out.notes["base"] = m.comments(root.From)
	if root.Platform != "" {
		m.report.note(m.where(root.From.Start), "--platform=%s is the client's to say: --platform of the build", root.Platform)
	}
	m.accounts = knownAccounts(root.Image)
	if m.opt.Base != nil {
		m.base = m.opt.Base(root.Image)
	}
	if m.base != nil {
		for _, e := range m.base.Env {
			name, v, _ := strings.Cut(e, "=")
			m.baseEnv[name] = v
		}
	}
	m.report.differ("the base image's name and digest are labels", nil, []string{"Labels"})
	m.stages()
	return nil
}

// isArg reports whether an ARG of the Dockerfile declares a name.
func (m *draft) isArg(name string) bool {
	return slices.ContainsFunc(m.instructions(), func(in *dockerfile.Instruction) bool { return slices.Contains(argsOf(in), name) })
}
