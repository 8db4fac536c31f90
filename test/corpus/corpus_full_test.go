//go:build full

package corpus

import (
	"testing"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// TestCorpusWithArchive builds what installs packages.
func TestCorpusWithArchive(t *testing.T) { newProver(testenv.Shared(t)).proveAll(t, "testdata/full") }

func TestCorpusWithoutMerge(t *testing.T) {
	newProver(testenv.Shared(t)).withoutMerge().proveAll(t, "testdata")
}
