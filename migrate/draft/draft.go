// Package draft holds a build file in the making with the Dockerfile that it is
// made of, and writes words of the one for the other.
package draft

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/accounts"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
)

// Draft is a build file in the making, with the Dockerfile that it is made of.
type Draft struct {
	*report.Lines
	*Context
	Opt     dockerfile.Options
	Reading *dockerfile.Reading
	Out     buildfile.Build
	// Chain are the instructions of the target and of the stages that it builds
	// on, order their places; End is what holds after them. flat are those of
	// stages of which it takes all files, and not the configuration.
	Chain []*dockerfile.Step
	flat  map[*dockerfile.Step]bool
	// Ground is the stage at the bottom.
	Ground *dockerfile.StageReading
	Order  map[*dockerfile.Step]int
	End    *dockerfile.Scope
	// BaseEnv is the base image's environment, as far as it is known.
	BaseEnv map[string]string
	// Base is the base image's configuration, nil if it is not known.
	Base       *ocispecs.ImageConfig
	Conditions *notation.Conditions
	Accounts   accounts.IDs
	// Seen are the variables that scripts of the build file read.
	Seen map[string]bool
}

// New reads a Dockerfile, and what every build file needs of it. The build file
// gets a name.
func New(f *dockerfile.File, opt dockerfile.Options, name string) (*Draft, error) {
	l, err := report.Read(f, name)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(opt.Predefined)
	if values == nil {
		values = map[string]string{}
	}
	m := &Draft{
		Lines: l, Context: NewContext(opt.Context, values), Opt: opt,
		Order: map[*dockerfile.Step]int{}, BaseEnv: map[string]string{}, flat: map[*dockerfile.Step]bool{}, Seen: map[string]bool{},
	}
	m.Out.Notes = map[string][]string{}
	return m, m.read()
}

// read reads the Dockerfile.
func (m *Draft) read() error {
	m.Conditions = &notation.Conditions{Args: func(name string) (string, bool) {
		_, ok := m.Opt.Predefined[name]
		if ok || m.isArg(name) {
			return "${" + name + "}", true
		}
		return "", false
	}}
	var err error
	if m.Reading, err = dockerfile.Read(m.File, m.Opt, m.Conditions.Keep); err != nil {
		return err
	}
	target := m.Reading.Target()
	m.End = target.End
	root := m.flatten(target)
	for i, step := range m.Chain {
		m.Order[step] = i
	}
	if root.Image == "scratch" {
		return errors.New("it builds on scratch: a build file's scripts need a base with a shell")
	}
	m.declare()
	base, _ := m.Text(root.Base, m.Reading.Global, m.GlobalNames())
	unset := func(a *buildfile.Arg) bool { return a.Unset && strings.Contains(base, "${"+a.Name+"}") }
	if v, known := notation.Value(base, m.Values); known && !slices.ContainsFunc(m.Out.Args, unset) {
		if _, err := reference.ParseNormalizedNamed(v); err != nil {
			return fmt.Errorf("its base %q is no image: %w", v, err)
		}
	}
	m.Out.Base = base
	m.Report.Record(root.From.Start, report.Carried, "base")
	m.Out.Notes["base"] = m.Comments(root.From)
	if root.Platform != "" {
		m.Report.Note(m.Where(root.From.Start), "--platform=%s is the client's to say: --platform of the build", root.Platform)
	}
	m.Accounts = bases.Accounts(root.Image)
	if m.Opt.Base != nil {
		m.Base = m.Opt.Base(root.Image)
	}
	if m.Base != nil {
		for _, e := range m.Base.Env {
			name, v, _ := strings.Cut(e, "=")
			m.BaseEnv[name] = v
		}
	}
	m.Report.Differ("the base image's name and digest are labels", nil, []string{"Labels"})
	m.stages()
	return nil
}

// isArg reports whether an ARG of the Dockerfile declares a name.
func (m *Draft) isArg(name string) bool {
	return slices.ContainsFunc(m.Instructions(), func(in *dockerfile.Instruction) bool { return slices.Contains(ArgsOf(in), name) })
}

// OwnerText is an owner as the build file has it.
func (m *Draft) OwnerText(uid, gid int) string {
	for _, u := range m.Out.Users() {
		if uid == u.UID && gid == u.GID {
			return u.Name
		}
	}
	if uid == 0 && gid == 0 {
		return "root"
	}
	return strconv.Itoa(uid) + ":" + strconv.Itoa(gid)
}

// RootsFolders tells that folders above a file are root's, whatever --chown says,
// but for those that are there anyway.
func (m *Draft) RootsFolders(name string, there func(dir string) bool) {
	for dir := path.Dir(name); path.IsAbs(dir) && !there(dir); dir = path.Dir(dir) {
		m.RootsFolder(dir)
	}
}

// RootsFolder tells that a folder is root's.
func (m *Draft) RootsFolder(dir string) {
	m.Report.Differ("folders above copied files are root's, with mode 0755", []string{dir}, nil)
}
