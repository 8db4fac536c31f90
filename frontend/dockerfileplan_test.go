package frontend

import (
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// dockerfileTree is a tree, its Dockerfile included, and what a client sends.
type dockerfileTree struct {
	files    fstest.MapFS
	options  map[string]string
	last     *plan.Record
	whole    bool
	observed []byte
}

func newDockerfileTree(text string) *dockerfileTree {
	d := &dockerfileTree{files: fstest.MapFS{}, options: map[string]string{}}
	d.write("Dockerfile", text)
	for name, text := range map[string]string{
		"setup/setup.sh": "#!/bin/sh\nset -e\nsh /setup/a.sh\nsh /setup/b.sh\n",
		"setup/a.sh":     "#!/bin/sh\nset -e\necho a\n",
		"setup/b.sh":     "#!/bin/sh\nset -e\necho $VERSION\ncat /setup/data\n",
		"setup/data":     "data\n",
		"config/x.conf":  "x\n",
		"config/y.conf":  "y\n",
		"config/z.txt":   "z\n",
		"run.sh":         "#!/bin/sh\n",
	} {
		d.write(name, text)
	}
	return d
}

func (d *dockerfileTree) write(name, text string) {
	mode := fs.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	d.files[name] = &fstest.MapFile{Data: []byte(text), Mode: mode}
}

func (d *dockerfileTree) edit(old, replacement string) {
	d.write("Dockerfile", strings.Replace(string(d.files["Dockerfile"].Data), old, replacement, 1))
}

func (d *dockerfileTree) clone() *dockerfileTree {
	return &dockerfileTree{files: maps.Clone(d.files), options: maps.Clone(d.options), last: d.last, whole: d.whole}
}

func (d *dockerfileTree) record(t *testing.T) *plan.Record {
	t.Helper()
	builds, err := Offline{
		Name: "Dockerfile", Data: d.files["Dockerfile"].Data, Options: d.options, Now: time.Unix(0, 0), Whole: d.whole,
		Context: func(_, _ []string) (fs.FS, error) { return d.files, nil },
		Last:    func(string) *plan.Record { return d.last },
	}.Resolve()
	require.NoError(t, err)
	require.Len(t, builds, 1)
	record, err := builds[0].Record()
	require.NoError(t, err)
	return record
}

const setupDockerfile = `FROM debian:bookworm-slim
ARG VERSION=1
ARG UNUSED=1
ENV LANG=C
COPY setup /setup
RUN /setup/setup.sh
COPY run.sh /run.sh
`

// Each edit of a Dockerfile, or of what it copies, runs again what BuildKit's
// cache makes it run, for the reason that is given.
func TestDockerfilePlan(t *testing.T) {
	const all = "Dockerfile:1: base debian:bookworm-slim: "
	for name, tc := range map[string]struct {
		text string
		edit func(d *dockerfileTree)
		want string
	}{
		"nothing":  {setupDockerfile, func(*dockerfileTree) {}, ""},
		"unread":   {setupDockerfile, func(d *dockerfileTree) { d.write("README", "x"); d.write("config/x.conf", "edited") }, ""},
		"metadata": {setupDockerfile, func(d *dockerfileTree) { d.edit("ENV", "LABEL a=b\nEXPOSE 1\nENV") }, ""},
		"comment":  {setupDockerfile, func(d *dockerfileTree) { d.edit("FROM", "# a\n\nFROM") }, ""},
		"unread arg": {
			setupDockerfile, func(d *dockerfileTree) { d.options["build-arg:UNUSED"] = "2" },
			"Dockerfile:6: a.sh: arg UNUSED 1 → 2; Dockerfile:6: b.sh: arg UNUSED 1 → 2, runs after a.sh; Dockerfile:6: setup's layer: if the files that b.sh makes change; Dockerfile:5: COPY setup /setup: if setup's layer changes; Dockerfile:7: COPY run.sh /run.sh: if COPY setup /setup changes",
		},
		"script": {
			setupDockerfile, func(d *dockerfileTree) {
				d.write("setup/b.sh", "#!/bin/sh\nset -e\necho $VERSION\ncat /setup/data\n: edited\n")
			},
			"Dockerfile:6: b.sh: setup/b.sh changed; Dockerfile:6: setup's layer: if the files that b.sh makes change; Dockerfile:5: COPY setup /setup: setup/b.sh changed, runs on setup's layer; Dockerfile:7: COPY run.sh /run.sh: COPY setup /setup copied again",
		},
		"what it reads": {
			setupDockerfile, func(d *dockerfileTree) { d.write("setup/data", "edited") },
			"Dockerfile:6: b.sh: setup/data changed; Dockerfile:6: setup's layer: if the files that b.sh makes change; Dockerfile:5: COPY setup /setup: setup/data changed, runs on setup's layer; Dockerfile:7: COPY run.sh /run.sh: COPY setup /setup copied again",
		},
		"arg": {
			setupDockerfile, func(d *dockerfileTree) { d.options["build-arg:VERSION"] = "2" },
			"Dockerfile:6: b.sh: arg VERSION 1 → 2; Dockerfile:6: setup's layer: if the files that b.sh makes change; Dockerfile:5: COPY setup /setup: if setup's layer changes; Dockerfile:7: COPY run.sh /run.sh: if COPY setup /setup changes",
		},
		"last copy": {setupDockerfile, func(d *dockerfileTree) { d.write("run.sh", "#!/bin/sh\n:\n") }, "Dockerfile:7: COPY run.sh /run.sh: run.sh changed"},
		"mode":      {setupDockerfile, func(d *dockerfileTree) { d.files["run.sh"] = &fstest.MapFile{Data: []byte("#!/bin/sh\n"), Mode: 0o700} }, "Dockerfile:7: COPY run.sh /run.sh: mode of run.sh 0755 → 0700"},
		"base": {
			"FROM debian:bookworm-slim\nCOPY run.sh /\n", func(d *dockerfileTree) { d.edit("bookworm", "trixie") },
			"Dockerfile:1: base debian:trixie-slim: never built before; Dockerfile:2: COPY run.sh /: now runs on base debian:trixie-slim, no longer runs on base debian:bookworm-slim",
		},
		"pattern": {
			"FROM scratch\nCOPY config/*.conf /etc/\n", func(d *dockerfileTree) { d.write("config/z.txt", "edited"); d.write("config/new.conf", "") },
			"Dockerfile:2: COPY config/*.conf /etc/: config/new.conf is new",
		},
		"exclude": {
			"FROM scratch\nCOPY --exclude=*.conf config /etc/\n", func(d *dockerfileTree) { d.write("config/x.conf", "edited") }, "",
		},
		"not excluded": {
			"FROM scratch\nCOPY --exclude=*.conf config /etc/\n", func(d *dockerfileTree) { d.write("config/z.txt", "edited") },
			"Dockerfile:2: COPY config /etc/: config/z.txt changed",
		},
		"link": {
			"FROM scratch\nCOPY --link run.sh /a\nCOPY --link config /b\n", func(d *dockerfileTree) { d.write("run.sh", "#!/bin/sh\n:\n") },
			"Dockerfile:2: COPY run.sh /a: run.sh changed",
		},
		"moved in the context": {
			"FROM scratch\nCOPY config/x.conf /etc/\n", func(d *dockerfileTree) { d.write("other/x.conf", "x\n"); d.edit("config/", "other/") },
			"",
		},
		"here-document": {
			"FROM scratch\nCOPY <<END /a\ntext\nEND\n", func(d *dockerfileTree) { d.edit("text", "other") },
			"Dockerfile:2: COPY <<END /a: inline document changed",
		},
		"workdir": {
			"FROM debian:bookworm-slim\nWORKDIR /a\nRUN true\n", func(d *dockerfileTree) { d.edit("/a", "/b") },
			"Dockerfile:2: WORKDIR /b: never built before; Dockerfile:3: RUN true: working directory /a → /b, now runs on WORKDIR /b, no longer runs on WORKDIR /a",
		},
		"env": {
			"FROM debian:bookworm-slim\nENV A=1\nRUN true\nCOPY run.sh /\n", func(d *dockerfileTree) { d.edit("A=1", "A=2") },
			"Dockerfile:3: RUN true: env A 1 → 2; Dockerfile:4: COPY run.sh /: runs after RUN true",
		},
		"user and shell": {
			"FROM debian:bookworm-slim\nRUN true\n", func(d *dockerfileTree) { d.edit("RUN", "SHELL [\"/bin/bash\", \"-c\"]\nUSER 5\nRUN") },
			"Dockerfile:4: RUN true: command /bin/sh -c true → /bin/bash -c true, user is new",
		},
		"caches and secrets": {
			"FROM debian:bookworm-slim\nRUN --mount=type=cache,id=a,target=/cache --mount=type=secret,id=s true\n",
			func(d *dockerfileTree) { d.edit("id=a", "id=b"); d.edit("id=s", "id=other") },
			"Dockerfile:2: RUN true: secret other is new, secret s is gone",
		},
		"a cache without an id": {
			"FROM debian:bookworm-slim\nRUN --mount=type=cache,target=/a true\n", func(d *dockerfileTree) { d.options["build-arg:BUILDKIT_CACHE_MOUNT_NS"] = "x" },
			"Dockerfile:2: RUN true: cache /a /" + "/a → x//a",
		},
		"network and hosts": {
			"FROM debian:bookworm-slim\nRUN true\n", func(d *dockerfileTree) {
				d.options["add-hosts"] = "a=1.2.3.4"
				d.options["force-network-mode"] = "none"
			},
			"Dockerfile:2: RUN true: network is new, host is new",
		},
		"an address of a host": {
			"FROM debian:bookworm-slim\nRUN true\n", func(d *dockerfileTree) { d.options["build-arg:HTTP_PROXY"] = "http://a" }, "",
		},
		"stages": {
			"FROM debian:bookworm-slim AS one\nRUN make\nFROM debian:bookworm-slim\nCOPY --from=one /out /out\nRUN --mount=from=one,source=/lib,target=/lib true\n",
			func(d *dockerfileTree) { d.edit("RUN make", "RUN make all") },
			"Dockerfile:2: RUN make all: never built before; Dockerfile:4: COPY /out /out: if the files that RUN make all makes change; Dockerfile:5: RUN true: if COPY /out /out changes, if the files that RUN make all makes change",
		},
		"a stage that is not needed": {
			"FROM debian:bookworm-slim AS one\nRUN make\nFROM debian:bookworm-slim\nRUN true\n", func(d *dockerfileTree) { d.edit("RUN make", "RUN make all") }, "",
		},
		"a bind mount": {
			"FROM debian:bookworm-slim\nRUN --mount=source=config,target=/config ls /config\n", func(d *dockerfileTree) { d.write("config/y.conf", "edited") },
			"Dockerfile:2: RUN ls /config: config/y.conf changed",
		},
		"fetched": {
			"FROM debian:bookworm-slim\nADD https://example.org/a /a\n", func(d *dockerfileTree) { d.edit("org/a", "org/b") },
			"https://example.org/b: never built before; Dockerfile:2: ADD https://example.org/b /a: never built before",
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := newDockerfileTree(tc.text)
			was := before.record(t)
			if diff := cmp.Diff(was, before.record(t)); diff != "" {
				t.Fatal("two records of one tree differ:", diff)
			}
			after := before.clone()
			tc.edit(after)
			got := strings.TrimPrefix(plan.Compare(was, after.record(t)).Chain(), all)
			assert.Equal(t, tc.want, got)
			assert.Empty(t, plan.Compare(was, before.record(t)).Chain())
		})
	}
}

// The states of a Dockerfile's steps, with and without taking it apart.
func TestDockerfileStates(t *testing.T) {
	d := newDockerfileTree(setupDockerfile)
	states := func() string {
		var out []string
		for _, n := range d.record(t).Nodes {
			out = append(out, n.State+" "+string(n.Kind)+" "+n.ID)
		}
		return strings.Join(out, "\n")
	}
	assert.Equal(t, `base base base/debian:bookworm-slim
setup script stage-0/a.sh
setup script stage-0/b.sh
setup internal stage-0/compare with what was there before
setup internal stage-0/remove what is gone
setup internal internal/nothing
setup squash stage-0/setup's layer
entrypoint files stage-0/COPY setup /setup
entrypoint files stage-0/COPY run.sh /run.sh
image image image`, states())
	d.whole = true
	assert.Equal(t, `base base base/debian:bookworm-slim
setup files stage-0/COPY setup /setup
setup script stage-0/setup.sh
entrypoint files stage-0/COPY run.sh /run.sh
image image image`, states())
	d.whole = false
	d.last = &plan.Record{Lacks: []string{string(pb.CapMergeOp), string(pb.CapDiffOp)}}
	assert.NotContains(t, states(), "layer", "a daemon that can neither merge nor diff copies")
}

// A base is what it was in the last build: its digest counts, and its
// environment is that of the steps.
func TestDockerfileBase(t *testing.T) {
	d := newDockerfileTree("FROM debian:bookworm-slim\nRUN true\n")
	base := plan.Base{Digest: "sha256:" + strings.Repeat("1", 64), Config: []byte(`{"Env":["PATH=/own","A=1"],"WorkingDir":"/work"}`)}
	d.last = &plan.Record{Bases: map[string]plan.Base{"docker.io/library/debian:bookworm-slim": base}}
	was := d.record(t)
	assert.Equal(t, base.Digest, was.Bases["docker.io/library/debian:bookworm-slim"].Digest)
	run := was.Node("stage-0/RUN true")
	assert.Contains(t, run.Parts, plan.Part{Kind: "env", Name: "A", Value: "1", Silent: true})
	assert.Contains(t, run.Parts, plan.Part{Kind: "working directory", Value: "/work"})

	again := d.clone()
	again.last = was
	assert.Empty(t, plan.Compare(was, again.record(t)).Chain(), "a record says all that the next one has to know")
	base.Digest = "sha256:" + strings.Repeat("2", 64)
	d.last = &plan.Record{Bases: map[string]plan.Base{"docker.io/library/debian:bookworm-slim": base}}
	assert.Contains(t, plan.Compare(was, d.record(t)).Chain(), "digest sha256:111111111111 → sha256:222222222222")
}

// FuzzDockerfile: whatever the Dockerfile and the scripts, reading it ends in a
// plan and findings, the same twice, or in an error that says why.
func FuzzDockerfile(f *testing.F) {
	f.Add([]byte(setupDockerfile), []byte("#!/bin/sh\nset -e\nsh /setup/a.sh\nsh /setup/b.sh\n"))
	f.Add([]byte("FROM a AS b\n# check=skip=all\nRUN <<E\nx\nE\nFROM b\nCOPY --from=b . .\nADD a* /b/\nENTRYPOINT /x\n"), []byte("set -e\n"))
	f.Fuzz(func(t *testing.T, text, script []byte) {
		d := newDockerfileTree(string(text))
		d.write("setup/setup.sh", string(script))
		o := Offline{
			Name: "Dockerfile", Data: text, Options: map[string]string{}, Now: time.Unix(0, 0),
			Context: func(_, _ []string) (fs.FS, error) { return d.files, nil },
		}
		var first []*plan.Record
		for range 2 {
			var records []*plan.Record
			builds, err := o.Resolve()
			noBug(t, err)
			for _, b := range builds {
				record, err := b.Record()
				noBug(t, err)
				records = append(records, record)
			}
			if first == nil {
				first = records
			} else if diff := cmp.Diff(first, records); diff != "" {
				t.Fatal("two records differ:", diff)
			}
		}
		_, _, err := o.CheckDockerfile(t.Context())
		noBug(t, err)
	})
}
