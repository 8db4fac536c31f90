package spec

import (
	"io/fs"
	"slices"
)

// DropMissing drops from the lists of the file what the context does not have, for
// a context that is older than the file. It comes before [File.Discover].
func (f *File) DropMissing(context fs.FS) {
	missing := func(t Text) bool {
		if isGlob(t.Value) {
			names, _ := find(context, t.Value)
			return len(names) == 0
		}
		_, err := fs.Stat(context, t.Value)
		return err != nil
	}
	f.drop(func(s Script) bool { return missing(s.Path) })
	for _, list := range [][]Script{f.Setup.Scripts, f.Setup.FinalCleanup} {
		for i := range list {
			list[i].Inputs = slices.DeleteFunc(list[i].Inputs, missing)
		}
	}
	e := &f.Entrypoint
	e.RuntimeScripts, e.UtilityScripts = slices.DeleteFunc(e.RuntimeScripts, missing), slices.DeleteFunc(e.UtilityScripts, missing)
	e.ConfigurationFiles = slices.DeleteFunc(e.ConfigurationFiles, func(c ConfigFile) bool { return missing(c.Source) })
	if e.Script != nil && missing(*e.Script) {
		e.Script = &Text{}
	}
	f.Tests = slices.DeleteFunc(f.Tests, func(t Test) bool { return missing(t.Run) })
}
