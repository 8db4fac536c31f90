package migrate

import (
	"maps"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/spec"
)

// mostUnset is how many args without default are tried with values of both
// kinds.
const mostUnset = 6

// accepted loads a build file. Where that takes values of args that have none, it
// finds some, and returns them.
func (m *draft) accepted(text []byte) (f *spec.File, given map[string]string, err error) {
	load := func(more map[string]string) (*spec.File, error) {
		args := map[string]string{}
		maps.Copy(args, m.opt.Args)
		maps.Copy(args, more)
		return spec.Load(m.report.BuildFile, text, spec.Options{BuildArgs: args, Predefined: m.opt.Predefined})
	}
	if f, err = load(nil); err == nil {
		return f, nil, nil
	}
	var unset []string
	for _, a := range m.out.args {
		if _, is := m.opt.Args[a.name]; a.unset && a.text == "" && !is {
			unset = append(unset, a.name)
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

// fits reports whether pgstrata takes a key of image as it is; what it refuses is
// lost, and told.
func (m *draft) fits(step *dockerfile.Step, i image) bool {
	b := build{base: "scratch.invalid/base", args: m.out.args, image: i}
	_, _, err := m.accepted([]byte(b.document()))
	if err == nil {
		return true
	}
	why := err.Error()
	if list := spec.AsErrors(err); len(list) > 0 {
		why = list[0].Msg
	}
	m.report.went(step.Start, Lost, "pgstrata refuses it: %s", why)
	return false
}

// discover says that there is nothing where the convention would find files that
// the Dockerfile does not copy or run.
func (m *draft) discover() {
	f, err := spec.Load("", []byte("base: scratch.invalid/x\n"), spec.Options{})
	if err != nil {
		return
	}
	for _, e := range m.out.scripts { // those that are listed are found by no convention
		f.Setup.Scripts = append(f.Setup.Scripts, spec.Script{Path: spec.Text{Value: escapedGlob(e.path)}})
	}
	if err := f.Discover(m.fs()); err != nil {
		return
	}
	o, e := &m.out, f.Entrypoint
	if o.entrypoint == nil && e.Script != nil {
		none := ""
		o.entrypoint = &none
	}
	if o.runtimes == nil && len(e.RuntimeScripts) > 0 {
		o.runtimes = []string{}
	}
	if o.utilities == nil && len(e.UtilityScripts) > 0 {
		o.utilities = []string{}
	}
	if o.configs == nil && len(e.ConfigurationFiles) > 0 {
		o.configs = []*config{}
	}
	o.noCleanup = len(o.cleanup) == 0 && len(f.Setup.FinalCleanup) == 0
}
