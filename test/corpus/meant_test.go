package corpus

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/imagediff"
)

func TestDocumentationIsTrue(t *testing.T) {
	page, err := os.ReadFile("../../docs/dockerfile-equivalence.md")
	require.NoError(t, err)
	for _, d := range imagediff.Meant() {
		assert.Contains(t, string(page), "| "+d.What+" | "+d.Why+" |")
	}
	assert.Contains(t, string(page), fmt.Sprintf("has %d Dockerfiles", len(specimens(t, "testdata"))))
}
