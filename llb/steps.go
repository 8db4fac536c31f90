package llb

import (
	"path"

	digest "github.com/opencontainers/go-digest"
)

// Steps returns the digests of pgstrata's own steps, by their file names: what
// they do is a part of what a build depends on.
func Steps() map[string]string {
	entries, err := scripts.ReadDir("scripts")
	if err != nil {
		panic(err) // it is embedded
	}
	out := map[string]string{}
	for _, e := range entries {
		data, err := scripts.ReadFile(path.Join("scripts", e.Name()))
		if err != nil {
			panic(err) // it is embedded
		}
		out[e.Name()] = digest.FromBytes(data).Encoded()
	}
	return out
}
