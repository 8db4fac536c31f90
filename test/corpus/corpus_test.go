// Package corpus proves that a Dockerfile means the same through pgstrata as
// without it: it builds each by dockerfile.v0 and by pgstrata, on one daemon
// with equal options, and compares the images file by file.
//
// The Dockerfiles are those of testdata, and random ones.
package corpus

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestCorpus(t *testing.T) { newProver(testenv.Shared(t)).proveAll(t, "testdata") }

// TestAsOthersWriteThem builds trees of the kinds that public ones have.
func TestAsOthersWriteThem(t *testing.T) {
	p := newProver(testenv.Shared(t))
	p.standins(t)
	p.proveAll(t, "testdata/others")
}

// proveAll proves each specimen of a folder.
func (p *prover) proveAll(t *testing.T, dir string) {
	t.Helper()
	for _, s := range specimens(t, dir) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			v, err := p.prove(t.Context(), s)
			require.NoError(t, err)
			t.Log(strings.Join(v.decisions, "\n"))
			if len(v.mismatches) > 0 {
				t.Errorf("%s\n%s\n%s", s.about, strings.Join(v.mismatches, "\n"), v.traces)
			}
		})
	}
}
