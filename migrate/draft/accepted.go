package draft

import (
	"maps"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/buildfile"
	"github.com/pgstrata/pgstrata/migrate/notation"
	"github.com/pgstrata/pgstrata/migrate/report"
	"github.com/pgstrata/pgstrata/spec"
)

// mostUnset is how many args without default are tried with values of both
// kinds.
const mostUnset = 6

// Accepted loads a build file. Where that takes values of args that have none, it
// finds some, and returns them.
func (m *Draft) Accepted(text []byte) (f *spec.File, given map[string]string, err error) {
	load := func(more map[string]string) (*spec.File, error) {
		args := map[string]string{}
		maps.Copy(args, m.Opt.Args)
		maps.Copy(args, more)
		return spec.Load(m.Report.BuildFile, text, spec.Options{BuildArgs: args, Predefined: m.Opt.Predefined})
	}
	if f, err = load(nil); err == nil {
		return f, nil, nil
	}
	var unset []string
	for _, a := range m.Out.Args {
		if _, is := m.Opt.Args[a.Name]; a.Unset && a.Text == "" && !is {
			unset = append(unset, a.Name)
		}
	}
	for bits := range 1 << min(len(unset), mostUnset) {
		given = map[string]string{}
		for i, name := range unset {
			given[name] = "1"
			if bits>>i&1 == 1 {
				given[name] = "/1" // it is a path
			}
		}
		f, second := load(given)
		if second != nil && bits == 0 {
			err = second
		}
		if second == nil {
			for _, name := range unset { // those that are needed
				v := given[name]
				delete(given, name)
				if _, err := load(given); err != nil {
					given[name] = v
				}
			}
			return f, given, nil
		}
	}
	return nil, nil, err
}

// Fits reports whether pgstrata takes a key of image as it is; what it refuses is
// lost, and told.
func (m *Draft) Fits(step *dockerfile.Step, i buildfile.Image) bool {
	b := buildfile.Build{Base: "scratch.invalid/base", Args: m.Out.Args, Image: i}
	_, _, err := m.Accepted([]byte(b.Document()))
	if err == nil {
		return true
	}
	why := err.Error()
	if list := spec.AsErrors(err); len(list) > 0 {
		why = list[0].Msg
	}
	m.Report.Record(step.Start, report.Lost, "pgstrata refuses it: %s", why)
	return false
}

// Discover says that there is nothing where the convention would find files that
// the Dockerfile does not copy or run.
func (m *Draft) Discover() {
	f, err := spec.Load("", []byte("base: scratch.invalid/x\n"), spec.Options{})
	if err != nil {
		return
	}
	for _, e := range m.Out.Scripts { // those that are listed are found by no convention
		f.Setup.Scripts = append(f.Setup.Scripts, spec.Script{Path: spec.Text{Value: notation.EscapedGlob(e.Path)}})
	}
	if err := f.Discover(m.FS()); err != nil {
		return
	}
	o, e := &m.Out, f.Entrypoint
	if o.Entrypoint == nil && e.Script != nil {
		none := ""
		o.Entrypoint = &none
	}
	if o.Runtimes == nil && len(e.RuntimeScripts) > 0 {
		o.Runtimes = []string{}
	}
	if o.Utilities == nil && len(e.UtilityScripts) > 0 {
		o.Utilities = []string{}
	}
	if o.Configs == nil && len(e.ConfigurationFiles) > 0 {
		o.Configs = []*buildfile.Config{}
	}
	o.NoCleanup = len(o.Cleanup) == 0 && len(f.Setup.FinalCleanup) == 0
}
