package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
	"github.com/pgstrata/pgstrata/terminal"
)

func TestWrite(t *testing.T) {
	before, in := newInput(t).record(), newInput(t)
	before.Took = map[string]time.Duration{"setup/02-install-postgresql": 256 * time.Second, "toolchain/runtime": 12 * time.Second}
	in.arg("POSTGRESQL_VERSION", "15.18")
	in.edit("LANG: C", "LANG: C.UTF-8")
	p := plan.Compare(before, in.record())
	p.Since = "HEAD~1"
	var text strings.Builder
	require.NoError(t, p.Write(&text, terminal.Style{}))
	assert.Equal(t, `compared with HEAD~1
setup/02-install-postgresql  invalidated  arg POSTGRESQL_VERSION 15.17 → 15.18 (took 4 min)
setup/08-patroni             conditional  if the outputs of 02-install-postgresql change
setup/linker                 conditional  if the outputs of 02-install-postgresql, 08-patroni change
image configuration: env LANG C → C.UTF-8
1 step built again, at most 2 more, 10 cached (saves 12 s)
`, text.String())

	text.Reset()
	require.NoError(t, p.Write(&text, terminal.Style{Width: 72, Colored: true}))
	assert.Equal(t, `compared with HEAD~1
setup/02-install-postgresql  `+"\x1b[33m\x1b[1minvalidated\x1b[0m"+`  arg POSTGRESQL_VERSION 15.17 →
                                          15.18 (took 4 min)
setup/08-patroni             `+"\x1b[36mconditional\x1b[0m"+`  if the outputs of
                                          02-install-postgresql change
setup/linker                 `+"\x1b[36mconditional\x1b[0m"+`  if the outputs of
                                          02-install-postgresql,
                                          08-patroni change
image configuration: env LANG C → C.UTF-8
1 step built again, at most 2 more, 10 cached (saves 12 s)
`, text.String())
}

func TestSummary(t *testing.T) {
	second := time.Second
	record := newInput(t).record()
	record.Took = map[string]time.Duration{"setup/02-install-postgresql": 256 * second, "toolchain/runtime": 100 * second}
	record.Layers = []plan.Layer{{Digest: "a", Size: 50_000_000}, {Digest: "b", Size: 9000}}
	all := map[string]time.Duration{}
	for _, s := range plan.Compare(nil, record).Runs() {
		all[s.Node] = second
	}
	for name, tc := range map[string]struct {
		before  *plan.Record
		change  func(in *input)
		outcome plan.Outcome
		want    string
	}{
		"first": {
			outcome: plan.Outcome{Ran: all, Layers: record.Layers},
			want:    "setup built (9 steps, 9.0 s) · entrypoint built · 2 layers, 50.0 MB",
		},
		"entrypoint": {
			before: record,
			change: func(in *input) { in.write("entrypoint.d/scripts/runtime/start.sh", "#!/bin/sh\n:\n") },
			outcome: plan.Outcome{
				Ran:    map[string]time.Duration{"entrypoint/runtime": second},
				Layers: []plan.Layer{record.Layers[0], {Digest: "c", Size: 4100}},
			},
			want: "setup cached (9 steps, saved ~6 min) · entrypoint rebuilt: start.sh changed · 1 layer, 4.1 kB to push",
		},
		"setup, pushed": {
			before: record,
			change: func(in *input) { in.arg("POSTGRESQL_VERSION", "16") },
			outcome: plan.Outcome{
				Ran:    map[string]time.Duration{"setup/02-install-postgresql": 200 * second, "setup/02-install-postgresql/outputs": second},
				Layers: []plan.Layer{record.Layers[0], {Digest: "c", Size: 120_000_000}}, Pushed: true,
			},
			want: "setup: 1 of 9 steps ran (3 min, saved ~2 min): 02-install-postgresql.sh: arg POSTGRESQL_VERSION 15.17 → 16 · entrypoint cached · 1 new layer, 120 MB",
		},
		"nothing, and nobody told of layers": {
			before: record,
			want:   "setup cached (9 steps, saved ~6 min) · entrypoint cached",
		},
		"the same layers": {
			before:  record,
			outcome: plan.Outcome{Layers: record.Layers},
			want:    "setup cached (9 steps, saved ~6 min) · entrypoint cached · no new layer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := newInput(t)
			if tc.change != nil {
				tc.change(in)
			}
			assert.Equal(t, tc.want, plan.Compare(tc.before, in.record()).Summary(tc.before, tc.outcome))
		})
	}
}

func TestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		900 * time.Millisecond: "0.9 s", 12 * time.Second: "12 s", 99 * time.Second: "99 s", 5 * time.Minute: "5 min", 3 * time.Hour: "3.0 h",
	} {
		assert.Equal(t, want, plan.Duration(d))
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 4100: "4.1 kB", 120_000_000: "120 MB", 2_500_000_000: "2.5 GB"} {
		assert.Equal(t, want, plan.Size(n))
	}
}
