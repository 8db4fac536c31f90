package plan_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/plan"
)

const buildFile = `base: debian:bookworm-slim
args: {POSTGRESQL_VERSION: "15.17", PATRONI_VERSION: "3.0.2"}
user: {name: postgres, uid: 999, gid: 999}
setup:
  dependencies: {runtime: [locales], build: [gcc]}
  scripts:
    - setup/scripts/01-locales.sh
    - {path: setup/scripts/02-install-postgresql.sh, outputs: [/usr/local/pgsql], inputs: [setup/patches/]}
    - {path: setup/scripts/08-patroni.sh, outputs: [/opt/patroni], needs: [02-install-postgresql]}
image: {env: {LANG: C}}
entrypoint:
  configuration_files: [{source: config/pg.conf, target: /etc/pg.conf, mode: "0640"}]
`

// input is one build's.
type input struct {
	t       *testing.T
	file    string
	tree    fstest.MapFS
	options map[string]string
	bases   map[string]plan.Base
	lacks   []string
	git     bool
	now     time.Time
}

func tree() fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range map[string]string{
		"setup/scripts/01-locales.sh":            "#!/bin/sh\nlocale-gen\n",
		"setup/scripts/02-install-postgresql.sh": "#!/bin/sh\nmake VERSION=$POSTGRESQL_VERSION\n",
		"setup/scripts/08-patroni.sh":            "#!/bin/sh\npip install patroni==$PATRONI_VERSION\n",
		"setup/scripts/99-cleanup.sh":            "#!/bin/sh\nrm -rf /tmp/x\n",
		"setup/patches/deep/a.patch":             "a\n",
		"config/pg.conf":                         "port = 5432\n",
		"entrypoint.d/entrypoint.sh":             "#!/bin/sh\n",
		"entrypoint.d/scripts/runtime/start.sh":  "#!/bin/sh\n",
		"README.md":                              "text\n",
	} {
		out[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	out["setup/patches/deep"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	return out
}

const debian = "docker.io/library/debian:bookworm-slim"

func newInput(t *testing.T) *input {
	t.Helper()
	return &input{
		t: t, file: buildFile, tree: tree(), options: map[string]string{}, now: time.Unix(1_800_000_000, 0),
		bases: map[string]plan.Base{debian: {Digest: "sha256:" + strings.Repeat("1", 64), Layers: "sha256:aa"}},
	}
}

func (in *input) write(name, text string) {
	in.tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
}

// edit replaces a text of the build file, which has to be there.
func (in *input) edit(old, replacement string) {
	in.t.Helper()
	require.Contains(in.t, in.file, old)
	in.file = strings.Replace(in.file, old, replacement, 1)
}

func (in *input) arg(name, value string) { in.options["build-arg:"+name] = value }

// build compiles the build file, as without a daemon.
func (in *input) build() frontend.Resolved {
	in.t.Helper()
	last := &plan.Record{Bases: in.bases, Lacks: in.lacks}
	builds, err := frontend.Offline{
		Name: "Dockerfile", Data: []byte(in.file), Options: in.options, Now: in.now,
		Context: func(_, _ []string) (fs.FS, error) { return in.tree, nil },
		Last:    func(string) *plan.Record { return last },
	}.Resolve()
	require.NoError(in.t, err)
	builds[0].Options.Git = in.git
	return builds[0]
}

func (in *input) record() *plan.Record {
	in.t.Helper()
	b := in.build()
	r, err := b.Record()
	require.NoError(in.t, err)
	return r
}

// states are the steps that are no hits, nor slight.
func states(p *plan.Plan) map[string]plan.Cache {
	out := map[string]plan.Cache{}
	for _, s := range p.Runs() {
		if !s.Slight() {
			out[s.Node] = s.Cache
		}
	}
	return out
}

func TestCompare(t *testing.T) {
	const (
		again   = plan.Invalidated
		perhaps = plan.Conditional
		fresh   = plan.Miss
	)
	type want map[string]plan.Cache
	chain := want{"setup/01-locales": again, "setup/purge": again, "setup/99-cleanup": again, "setup/squash": perhaps, "setup/linker": perhaps}
	postgresql := want{"setup/02-install-postgresql": again, "setup/02-install-postgresql/outputs": perhaps, "setup/02-install-postgresql/outputs/08-patroni": perhaps, "setup/08-patroni": perhaps, "setup/08-patroni/outputs": perhaps, "setup/linker": perhaps}
	with := func(base want, more want) want {
		out := maps.Clone(base)
		maps.Copy(out, more)
		return out
	}
	toolchain := with(with(chain, postgresql), want{
		"toolchain/user": again, "toolchain/runtime": again, "toolchain/build": again, "setup/08-patroni": again, "setup/squash": again, "setup/linker": again,
	})
	for name, tc := range map[string]struct {
		change func(in *input)
		want   want
		chain  string
		image  string // causes of the image's own
	}{
		"nothing": {change: func(*input) {}},
		"an arg": {
			change: func(in *input) { in.arg("POSTGRESQL_VERSION", "15.18") },
			want:   postgresql,
			chain:  "02-install-postgresql.sh: arg POSTGRESQL_VERSION 15.17 → 15.18; 08-patroni.sh: if the outputs of 02-install-postgresql change; linker's cache: if the outputs of 02-install-postgresql, 08-patroni change",
		},
		"an arg that nobody reads": {change: func(in *input) { in.edit("args: {", "args: {OTHER: x, ") }},
		"an entrypoint script": {
			change: func(in *input) { in.write("entrypoint.d/entrypoint.sh", "#!/bin/sh\n:\n") },
			want:   want{"entrypoint/entrypoint": again},
			chain:  "entrypoint: entrypoint.d/entrypoint.sh changed",
		},
		"a new entrypoint script": {
			change: func(in *input) { in.write("entrypoint.d/scripts/runtime/new.sh", "#!/bin/sh\n") },
			want:   want{"entrypoint/runtime": again},
			chain:  "runtime: entrypoint.d/scripts/runtime/new.sh is new",
		},
		"a new class": {
			change: func(in *input) { in.write("entrypoint.d/scripts/utils/log.sh", "#!/bin/sh\n") },
			want:   want{"entrypoint/utilities": fresh},
			chain:  "utilities: never built before",
		},
		"a moved configuration file with its name and place": {
			change: func(in *input) {
				in.tree["config/moved/pg.conf"] = in.tree["config/pg.conf"]
				in.edit("config/pg.conf", "config/moved/pg.conf")
			},
		},
		"owner and mode of a configuration file": {
			change: func(in *input) { in.edit(`mode: "0640"`, `mode: "0600", owner: "5:6"`) },
			want:   want{"entrypoint/configuration": again},
			chain:  "configuration: place of config/pg.conf /etc/pg.conf 0640 0:999 → /etc/pg.conf 0600 5:6",
		},
		"a script's mode and time": {change: func(in *input) {
			f := in.tree["setup/scripts/01-locales.sh"]
			f.Mode, f.ModTime = 0o700, time.Unix(1, 0)
		}},
		"an input's mode": {
			change: func(in *input) { in.tree["setup/patches/deep/a.patch"].Mode = 0o600 },
			want:   postgresql,
		},
		"a directory's mode": {
			change: func(in *input) { in.tree["setup/patches/deep"].Mode = fs.ModeDir | 0o700 },
			want:   postgresql,
		},
		"an input's time": {change: func(in *input) { in.tree["setup/patches/deep/a.patch"].ModTime = time.Unix(1, 0) }},
		"an unrelated file": {change: func(in *input) {
			in.write("README.md", "other\n")
			in.write("setup/notes.txt", "other\n")
		}},
		"the image's environment": {
			change: func(in *input) { in.edit("LANG: C", `LANG: "${PATRONI_VERSION}"`) },
			image:  "env LANG C → 3.0.2",
		},
		"a runtime package": {
			change: func(in *input) { in.edit("[locales]", "[locales, gosu=1.14]") },
			want: func() want {
				w := maps.Clone(toolchain)
				delete(w, "toolchain/user")
				return w
			}(),
		},
		"the base": {
			change: func(in *input) {
				in.bases = map[string]plan.Base{debian: {Digest: "sha256:" + strings.Repeat("2", 64), Layers: "sha256:aa"}}
			},
			want:  with(toolchain, want{"setup/linker": again}), // its layers are the lower ones
			image: "label org.opencontainers.image.base.digest sha256:111111111111 → sha256:222222222222",
		},
		"a network for all steps": {
			change: func(in *input) { in.options["force-network-mode"] = "host" },
			want:   with(toolchain, want{"setup/linker": again}),
		},
		"the cache mounts' ids": {change: func(in *input) { in.edit("setup:\n", "setup:\n  cache_prefix: team-\n") }},
		"the id of a cache mount that is named like its target": {
			change: func(in *input) {
				in.edit("needs: [02", "caches: [/var/cache/x], needs: [02")
				in.arg("BUILDKIT_CACHE_MOUNT_NS", "team")
			},
			want: want{"setup/08-patroni": again, "setup/08-patroni/outputs": perhaps, "setup/linker": perhaps},
		},
		"the cache mounts' namespace": {change: func(in *input) { in.arg("BUILDKIT_CACHE_MOUNT_NS", "team") }},
		"another cache mount": {
			change: func(in *input) { in.edit("needs: [02", "caches: [/var/cache/x], needs: [02") },
			want:   want{"setup/08-patroni": again, "setup/08-patroni/outputs": perhaps, "setup/linker": perhaps},
			chain:  "08-patroni.sh: cache /var/cache/x is new; linker's cache: if the outputs of 08-patroni change",
		},
		"a need less": {
			change: func(in *input) { in.edit(", needs: [02-install-postgresql]", "") },
			want:   want{"setup/08-patroni": again, "setup/08-patroni/outputs": perhaps, "setup/linker": perhaps},
			chain:  "08-patroni.sh: no longer needs outputs of 02-install-postgresql; linker's cache: if the outputs of 08-patroni change",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, in := newInput(t).record(), newInput(t)
			tc.change(in)
			p := plan.Compare(before, in.record())
			if diff := cmp.Diff(map[string]plan.Cache(tc.want), states(p)); diff != "" && len(tc.want)+len(states(p)) > 0 {
				t.Errorf("%s\n%s", diff, p.Chain())
			}
			if tc.chain != "" {
				assert.Equal(t, tc.chain, p.Chain())
			}
			var own []string
			for _, c := range p.Step("image").Causes {
				if c.Node == "" {
					own = append(own, c.Text)
				}
			}
			assert.Equal(t, tc.image, strings.Join(own, ", "))
		})
	}
}

func TestRules(t *testing.T) {
	rule := func(in *input, rule string) {
		in.file += "cache_boundary: {cache_invalidation_rules: [" + rule + "]}\n"
	}
	in := newInput(t)
	rule(in, `{layer: setup/02-install-postgresql, max_age: 24h}`)
	before := in.record()
	in.now = in.now.Add(24 * time.Hour)
	p := plan.Compare(before, in.record())
	assert.Equal(t, "02-install-postgresql.sh: fresh since 2027-01-15T00:00:00Z → 2027-01-16T00:00:00Z", strings.Split(p.Chain(), ";")[0])

	in = newInput(t)
	rule(in, `{layer: setup/02-install-postgresql, when_changed: ["package:libc6"]}`)
	before = in.record()
	in.now = in.now.Add(24 * time.Hour)
	p = plan.Compare(before, in.record())
	assert.Equal(t, plan.Invalidated, p.Step("toolchain/versions-libc6").Cache, "the archive is asked again")
	assert.Equal(t, plan.Conditional, p.Step("setup/02-install-postgresql").Cache)
	assert.Equal(t, "if the archive has other versions of libc6", p.Step("setup/02-install-postgresql").Causes[0].Text)
}

// Without a daemon nobody knows the base's digest.
func TestUnknownBase(t *testing.T) {
	in := newInput(t)
	in.bases = nil
	before := in.record()
	assert.Empty(t, states(plan.Compare(before, in.record())))
	in.edit("debian:bookworm-slim", "debian:trixie-slim")
	p := plan.Compare(before, in.record())
	assert.Equal(t, "image debian:bookworm-slim → debian:trixie-slim", p.Step("base").Causes[0].Text)
	assert.Equal(t, plan.Invalidated, p.Step("setup/01-locales").Cache)
}

func TestTakingAChangeBack(t *testing.T) {
	first, in := newInput(t).record(), newInput(t)
	in.arg("POSTGRESQL_VERSION", "16")
	second := in.record()
	second.Took = map[string]time.Duration{"setup/02-install-postgresql": time.Minute}
	second.Carry(first)
	assert.Empty(t, states(plan.Compare(second, newInput(t).record())), "the daemon still has it")

	third := newInput(t).record()
	third.Carry(second)
	assert.Equal(t, time.Minute, third.Took["setup/02-install-postgresql"])
	assert.Empty(t, states(plan.Compare(third, in.record())))
}

func TestWithoutRecord(t *testing.T) {
	r := newInput(t).record()
	older, newer := *r, *r
	older.Format--
	newer.Format++
	for why, before := range map[string]*plan.Record{
		"no earlier build is recorded":             nil,
		"the record was made by an older pgstrata": &older,
		"the record was made by a newer pgstrata":  &newer,
	} {
		p := plan.Compare(before, r)
		for _, s := range p.Steps {
			assert.Equal(t, plan.Unknown, s.Cache, s.Node)
			assert.Equal(t, why, s.Causes[0].Text, s.Node)
		}
		assert.Equal(t, "13 steps, and unknown which of them are cached", p.Verdict())
	}
}

func TestTargets(t *testing.T) {
	in := newInput(t)
	for target, want := range map[string][]string{
		"entrypoint":                  {"entrypoint/configuration", "entrypoint/runtime", "entrypoint/entrypoint"},
		"setup/02-install-postgresql": {"toolchain/user", "toolchain/runtime", "toolchain/build", "setup/02-install-postgresql", "setup/02-install-postgresql/outputs"},
	} {
		in.options["target"] = target
		var got []string
		for _, s := range plan.Compare(nil, in.record()).Runs() {
			got = append(got, s.Node)
		}
		assert.Equal(t, want, got, target)
	}
}

func TestRecordIsDeterministicJSON(t *testing.T) {
	first, err := json.Marshal(newInput(t).record())
	require.NoError(t, err)
	for range 20 {
		again, err := json.Marshal(newInput(t).record())
		require.NoError(t, err)
		require.Equal(t, string(first), string(again))
	}
	var read plan.Record
	require.NoError(t, json.Unmarshal(first, &read))
	assert.Empty(t, cmp.Diff(newInput(t).record(), &read))
}

func TestGitKnowsOnlyWhetherAFileIsExecutable(t *testing.T) {
	in := newInput(t)
	in.git = true
	before := in.record()
	in.tree["setup/patches/deep/a.patch"].Mode = 0o600
	in.tree["setup/patches/deep"].Mode = fs.ModeDir | 0o700
	assert.Empty(t, states(plan.Compare(before, in.record())))
	in.tree["setup/patches/deep/a.patch"].Mode = 0o755
	assert.NotEmpty(t, states(plan.Compare(before, in.record())))
}

// What a git server is known by is no part of what it serves.
func TestKnownHostsAreNoCause(t *testing.T) {
	in := newInput(t)
	in.edit("  scripts:\n", "  sources: {tool: {git: 'git@example.com:team/tool.git', ref: v1, known_hosts: setup/known_hosts}}\n  scripts:\n")
	in.edit("needs: [02-install-postgresql]", "needs: [02-install-postgresql], sources: [tool]")
	in.write("setup/known_hosts", "example.com ssh-ed25519 AAAA\n")
	before := in.record()
	in.write("setup/known_hosts", "example.com ssh-ed25519 AAAB\n")
	assert.Empty(t, states(plan.Compare(before, in.record())))
	in.edit("ref: v1", "ref: v2")
	assert.Contains(t, states(plan.Compare(before, in.record())), "setup/08-patroni")
}
