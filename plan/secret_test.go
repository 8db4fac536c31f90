package plan_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// How a script sees a secret counts; nothing of what is in it is in a record.
func TestSecretsCountByTheirPlace(t *testing.T) {
	in := newInput(t)
	in.edit("- setup/scripts/01-locales.sh", "- {path: setup/scripts/01-locales.sh, secrets: [token]}")
	before := in.record()
	in.edit("secrets: [token]", "secrets: [{id: token, env: TOKEN, required: false}]")
	p := plan.Compare(before, in.record())
	for _, s := range p.Steps {
		if s.Node == "setup/01-locales" {
			require.Len(t, s.Causes, 1)
			assert.Equal(t, "secret token /run/secrets/token (0400) → $TOKEN, optional", s.Causes[0].Text)
			return
		}
	}
	require.Fail(t, "the script is planned to run again")
}
