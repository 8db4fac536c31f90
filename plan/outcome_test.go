package plan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// unsettled are those of all steps that are no hits, but for housekeeping.
func unsettled(p *plan.Plan) map[string]plan.Cache {
	out := map[string]plan.Cache{}
	for _, s := range p.Steps {
		if s.Cache != plan.Hit && !s.Kind.Housekeeping() {
			out[s.Node] = s.Cache
		}
	}
	return out
}

// A build settles what its plan left open.
func TestSettle(t *testing.T) {
	before, in := newInput(t).record(), newInput(t)
	in.arg("POSTGRESQL_VERSION", "15.18")
	after := in.record()
	p := plan.Compare(before, after)
	require.Equal(t, map[string]plan.Cache{
		"setup/02-install-postgresql":                    plan.Invalidated,
		"setup/02-install-postgresql/outputs":            plan.Conditional,
		"setup/02-install-postgresql/outputs/08-patroni": plan.Conditional,
		"setup/08-patroni":                               plan.Conditional,
		"setup/08-patroni/outputs":                       plan.Conditional,
		"setup/linker":                                   plan.Conditional,
		"entrypoint/configuration":                       plan.Conditional,
		"entrypoint/runtime":                             plan.Conditional,
		"entrypoint/entrypoint":                          plan.Conditional,
		"image":                                          plan.Conditional,
	}, unsettled(p))
	ran := func(nodes ...string) map[string]time.Duration {
		out := map[string]time.Duration{}
		for _, n := range nodes {
			out[n] = time.Second
		}
		return out
	}

	// The script made the same files: nothing after it ran.
	same := p.WithOutcome(after, plan.Outcome{Ran: ran("setup/02-install-postgresql", "setup/02-install-postgresql/outputs")})
	assert.Equal(t, map[string]plan.Cache{
		"setup/02-install-postgresql":         plan.Invalidated,
		"setup/02-install-postgresql/outputs": plan.Invalidated,
	}, unsettled(same))
	assert.Equal(t, "what it is made from came out the same", same.Step("setup/linker").Why())

	// It made others: all of them ran, and the image is another one.
	others := p.WithOutcome(after, plan.Outcome{Ran: ran("setup/02-install-postgresql", "setup/02-install-postgresql/outputs", "setup/08-patroni", "setup/linker")})
	assert.Equal(t, plan.Invalidated, others.Step("setup/08-patroni").Cache)
	assert.Equal(t, "the outputs of 02-install-postgresql changed", others.Step("setup/08-patroni").Why())
	assert.Equal(t, plan.Hit, others.Step("setup/08-patroni/outputs").Cache)
	assert.Equal(t, "the outputs of 02-install-postgresql changed", others.Step("setup/linker").Why(), "those of 08-patroni did not")
	assert.Equal(t, plan.Invalidated, others.Step("image").Cache)

	// The daemon had lost a step, and had one that nobody knew of.
	lost := p.WithOutcome(after, plan.Outcome{Ran: ran("setup/01-locales")})
	assert.Equal(t, plan.Miss, lost.Step("setup/01-locales").Cache)
	assert.Equal(t, "it was not in the daemon's cache", lost.Step("setup/01-locales").Why())
	assert.Equal(t, plan.Hit, lost.Step("setup/02-install-postgresql").Cache)
	assert.Equal(t, "it was in the daemon's cache all the same", lost.Step("setup/02-install-postgresql").Why())

	// Of a build that failed, what did not run is as it was planned.
	failed := p.WithOutcome(after, plan.Outcome{Ran: ran(), Failed: true})
	assert.Equal(t, unsettled(p), unsettled(failed))
}

func TestMaker(t *testing.T) {
	in := newInput(t)
	record := in.record()
	for by, want := range map[string]string{
		"setup: 02-install-postgresql.sh":               "setup/02-install-postgresql/outputs",
		"setup: user, packages and 1 scripts":           "setup/squash",
		"setup: ldconfig":                               "setup/linker",
		"toolchain: user postgres (999:999)":            "toolchain/user",
		"entrypoint: entrypoint: /entrypoint.sh":        "entrypoint/entrypoint",
		"entrypoint: configuration: /etc/pg.conf":       "entrypoint/configuration",
		"entrypoint: something else":                    "",
		"debuerreotype 0.15":                            "",
		"":                                              "",
		"RUN /bin/sh -c echo setup: 01-locales.sh #():": "",
	} {
		n := record.Maker(plan.Layer{By: by})
		if want == "" {
			assert.Nil(t, n, by)
		} else if assert.NotNil(t, n, by) {
			assert.Equal(t, want, n.ID, by)
		}
	}
}
