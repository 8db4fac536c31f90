package check

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/spec"
)

// Dockerfile is what rules ask of a Dockerfile that a build file has no
// place for.
type Dockerfile struct {
	// Roots are the images that programs run on, by the programs' names.
	Roots map[string]string
	// Errexit are the RUNs whose shell ends at the first error by itself, by their
	// programs' names.
	Errexit map[string]bool
	// Platforms are the values of --platform of its stages, as they are written.
	Platforms []string
	// Bases are the images that its stages build on.
	Bases []spec.Text
	// Unused are args that nothing reads.
	Unused []spec.Text
	// Volatile are copies of what changes often in front of steps.
	Volatile []VolatileCopy
	// Filled are the folders of the target that files of the build context fill,
	// and nothing else: no image has them by itself, and no other stage's files
	// go there.
	Filled []string
	// Stages are those of programs, by the programs' names.
	Stages map[string]*dockerfile.StageReading
	// Target are the programs whose stages the target is made on, by their names.
	Target map[string]bool
	// Copied are the files of the build context in the target, by their paths
	// there.
	Copied map[string]*dockerfile.CopiedFile
	// Skips are rules that the comment above an instruction skips there.
	Skips []Skip
}

// VolatileCopy is a file, or what stands for many, at the line that copies it,
// and the line of the step after it.
type VolatileCopy struct {
	spec.Text
	Run int
}

// Skip is a rule that a comment skips at an instruction.
type Skip struct {
	First, Last int
	Config      *linter.Config
}

// skipped tells whether a comment skips what was found in the Dockerfile.
func (d *Dockerfile) skipped(f *Finding) bool {
	return slices.ContainsFunc(d.Skips, func(s Skip) bool {
		return f.Range.Start.Line >= s.First && f.Range.Start.Line <= s.Last && skipped(s.Config, f.Rule)
	})
}
