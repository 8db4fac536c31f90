package compile

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
)

const buildFile = `base: debian:bookworm-slim
args: {PG: "15", PATRONI: "3"}
user: {name: postgres, uid: 999, gid: 999, home: /var/lib/postgresql}
setup:
  dependencies: {runtime: [libicu72], build: [gcc]}
  scripts:
    - setup/scripts/01-a.sh
    - {path: setup/scripts/02-pg.sh, outputs: [/opt/pg, /usr/lib/x.so]}
    - setup/scripts/03-patroni.sh
  build_artifacts: [/temp]
  final_cleanup: [setup/scripts/99-cleanup.sh]
image:
  env: {PATH: "/opt/pg/bin:${PATH}", V: "${PG}"}
  labels: {l: "${PG}"}
  expose: [5432]
tests: [{name: smoke, run: test/smoke.sh}]
`

func testFiles() fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range map[string]string{
		"setup/scripts/01-a.sh":              "apt-get update\n",
		"setup/scripts/02-pg.sh":             "make PG=$PG\n",
		"setup/scripts/03-patroni.sh":        "pip install patroni==$PATRONI\n",
		"setup/scripts/99-cleanup.sh":        "rm -rf /usr/share/doc\n",
		"entrypoint.d/entrypoint.sh":         "exec postgres\n",
		"entrypoint.d/scripts/utils/log.sh":  "true\n",
		"entrypoint.d/scripts/runtime/up.sh": "true\n",
		"config/patroni.yml":                 "",
		"test/smoke.sh":                      "true\n",
	} {
		if strings.HasSuffix(name, ".sh") {
			text = "#!/bin/sh\n" + text
		}
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func testGraph(t *testing.T, text string, args map[string]string) *graph.Graph {
	t.Helper()
	f, err := spec.Load("build.yaml", []byte(text), spec.Options{BuildArgs: args})
	require.NoError(t, err)
	require.NoError(t, f.Discover(testFiles()))
	g, err := graph.New(f, testFiles(), graph.Options{Platform: "linux/amd64", Now: time.Unix(1_800_000_000, 0)})
	require.NoError(t, err)
	return g
}

// daemon returns the capabilities of a daemon, but for those withheld.
func daemon(without ...apicaps.CapID) *apicaps.CapSet {
	caps := pb.Caps.All()
	for i := range caps {
		if slices.Contains(without, apicaps.CapID(caps[i].ID)) {
			caps[i].Enabled = false
		}
	}
	set := pb.Caps.CapSet(caps)
	return &set
}

func testOptions() Options {
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	return Options{
		Caps:     daemon(),
		Platform: platform,
		Context:  llb.Local("context", llb.LocalUniqueID("test")),
		Base: Base{
			State: llb.Image("debian:bookworm-slim"),
			Image: dockerspec.DockerOCIImage{
				Image: ocispecs.Image{
					RootFS:  ocispecs.RootFS{Type: "layers", DiffIDs: []digest.Digest{"sha256:1", "sha256:2"}},
					History: []ocispecs.History{{CreatedBy: "base"}, {CreatedBy: "CMD", EmptyLayer: true}},
				},
				Config: dockerspec.DockerOCIImageConfig{
					ImageConfig: ocispecs.ImageConfig{
						Env:    []string{"PATH=/usr/bin:/bin"},
						Cmd:    []string{"bash"},
						Labels: map[string]string{"from": "base", ocispecs.AnnotationBaseImageDigest: "sha256:older"},
					},
				},
			},
			Digest: "sha256:abc",
		},
	}
}

func compile(t *testing.T, text string, args map[string]string, opt Options) *States {
	t.Helper()
	states, err := Graph(testGraph(t, text, args), opt)
	require.NoError(t, err)
	return states
}

// vertex is one decoded vertex of a definition.
type vertex struct {
	digest digest.Digest
	op     *pb.Op
	meta   llb.OpMetadata
	below  map[string]bool // names of everything that it depends on
}

// decode returns the vertices of a state by their progress names.
func decode(t *testing.T, st State) map[string]vertex {
	t.Helper()
	def, err := st.Marshal(context.Background(), llb.LinuxAmd64)
	require.NoError(t, err)
	byDigest := map[digest.Digest]vertex{}
	out := map[string]vertex{}
	for _, dt := range def.Def { // inputs come before what uses them
		op := &pb.Op{}
		require.NoError(t, op.UnmarshalVT(dt))
		if op.Op == nil { // the end of the definition, which only points at the result
			continue
		}
		v := vertex{digest: digest.FromBytes(dt), op: op, below: map[string]bool{}}
		v.meta = def.Metadata[v.digest]
		for _, in := range op.Inputs {
			parent := byDigest[digest.Digest(in.Digest)]
			v.below[parent.name()] = true
			for name := range parent.below {
				v.below[name] = true
			}
		}
		byDigest[v.digest] = v
		out[v.name()] = v
	}
	return out
}

func (v vertex) name() string {
	if s := v.op.GetSource(); s != nil && v.meta.Description[NameKey] == "" {
		return s.Identifier
	}
	return v.meta.Description[NameKey]
}

func names(vertices map[string]vertex, prefix string) []string {
	var out []string
	for name := range vertices {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func TestCompileIsDeterministic(t *testing.T) {
	var first []byte
	for i := range 25 {
		states := compile(t, buildFile, nil, testOptions())
		def, err := states.Image.Marshal(context.Background(), llb.LinuxAmd64)
		require.NoError(t, err)
		data, err := def.ToPB().MarshalVT()
		require.NoError(t, err)
		// Metadata is a map, which protobuf writes in any order: compare the vertices.
		data = data[:0]
		for _, dt := range def.Def {
			data = append(data, dt...)
		}
		if i == 0 {
			first = data
		}
		require.Equal(t, first, data)
	}
}

func TestVerticesHaveReadableNames(t *testing.T) {
	v := decode(t, compile(t, buildFile, nil, testOptions()).Image)
	assert.Equal(t, []string{
		"[setup 1/4] 01-a.sh", "[setup 2/4] 02-pg.sh", "[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh",
	}, names(v, "[setup "))
	assert.Equal(t, []string{
		"[entrypoint] configuration: /opt/container/config/patroni.yml",
		"[entrypoint] entrypoint: /entrypoint.sh",
		"[entrypoint] runtime: /opt/container/entrypoint.d/scripts/runtime/up.sh",
		"[entrypoint] utilities: /opt/container/entrypoint.d/scripts/utils/log.sh",
	}, names(v, "[entrypoint]"))
	assert.Equal(t, []string{
		"[toolchain] build packages: gcc", "[toolchain] runtime packages: libicu72", "[toolchain] user postgres (999:999)",
	}, names(v, "[toolchain]"))
	for name := range v {
		assert.NotEmpty(t, strings.TrimSpace(name))
	}
}

func TestSetupAndEntrypointDoNotDependOnEachOther(t *testing.T) {
	states := compile(t, buildFile, nil, testOptions())
	for name, v := range decode(t, states.Entrypoint) {
		assert.Nil(t, v.op.GetExec(), "%s: the entrypoint state executes nothing", name)
		assert.False(t, v.below["docker-image://docker.io/library/debian:bookworm-slim"], "%s depends on the base", name)
	}
	for name := range decode(t, states.Setup) {
		assert.NotContains(t, name, "[entrypoint]")
	}
}

func TestScriptDependsOnItsOwnInputsAlone(t *testing.T) {
	v := decode(t, compile(t, buildFile, nil, testOptions()).Setup)
	below := v["[setup 1/4] 01-a.sh"].below
	assert.True(t, below["[internal] inputs of 01-a.sh"])
	assert.False(t, below["[internal] inputs of 02-pg.sh"])
	assert.False(t, v["[setup 2/4] 02-pg.sh"].below["[setup 1/4] 01-a.sh"], "an isolated script runs beside its siblings")
	assert.True(t, v["[setup 3/4] 03-patroni.sh"].below["[setup 1/4] 01-a.sh"], "the others are a chain")
	copies := v["[internal] inputs of 02-pg.sh"].op.GetFile().Actions
	require.Len(t, copies, 1)
	assert.Equal(t, "/setup/scripts/02-pg.sh", copies[0].GetCopy().Src)
	for name, vx := range v {
		if exec := vx.op.GetExec(); exec != nil {
			assert.False(t, directlyOn(vx, v["local://context"]), "%s mounts the whole context", name)
		}
	}
}

func directlyOn(v, input vertex) bool {
	return slices.ContainsFunc(v.op.Inputs, func(in *pb.Input) bool { return in.Digest == string(input.digest) })
}

func TestArgChangesOnlyTheScriptsThatReadIt(t *testing.T) {
	before := decode(t, compile(t, buildFile, nil, testOptions()).Image)
	after := decode(t, compile(t, buildFile, map[string]string{"PATRONI": "4"}, testOptions()).Image)
	var changed []string
	for _, name := range names(before, "[setup ") {
		if before[name].digest != after[name].digest {
			changed = append(changed, name)
		}
	}
	assert.Equal(t, []string{"[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh"}, changed)
	for _, name := range names(before, "[toolchain]") {
		assert.Equal(t, before[name].digest, after[name].digest, name)
	}
	for _, name := range names(before, "[entrypoint]") { // on the directories of setup, by their content
		assert.Equal(t, before[name].op.GetFile().String(), after[name].op.GetFile().String(), name)
	}
}

// What only the container sees must not reach a definition.
func TestRuntimeConfigurationIsNotInTheDefinition(t *testing.T) {
	before := decode(t, compile(t, buildFile, nil, testOptions()).Image)
	changed := strings.Replace(buildFile, "expose: [5432]", "expose: [5433]\n  stop_signal: SIGINT\n  cmd: [x]", 1)
	changed = strings.Replace(changed, `V: "${PG}"`, `V: other, W: more`, 1)
	after := decode(t, compile(t, changed, nil, testOptions()).Image)
	for name, v := range before {
		assert.Equal(t, v.digest, after[name].digest, name)
	}
}

func TestWithoutMergeAndDiff(t *testing.T) {
	for _, withheld := range []apicaps.CapID{pb.CapMergeOp, pb.CapDiffOp} {
		opt := testOptions()
		opt.Caps = daemon(withheld)
		states := compile(t, buildFile, nil, opt)
		for name, v := range decode(t, states.Image) {
			assert.Nil(t, v.op.GetMerge(), name)
			assert.Nil(t, v.op.GetDiff(), name)
		}
	}
}

func TestLayersAreNamed(t *testing.T) {
	created := func(s State) []string {
		var out []string
		for _, h := range s.Layers {
			if !h.EmptyLayer {
				out = append(out, h.CreatedBy)
			}
		}
		return out
	}
	entrypoint := []string{
		"entrypoint: configuration: /opt/container/config/patroni.yml",
		"entrypoint: utilities: /opt/container/entrypoint.d/scripts/utils/log.sh",
		"entrypoint: runtime: /opt/container/entrypoint.d/scripts/runtime/up.sh",
		"entrypoint: entrypoint: /entrypoint.sh",
	}
	base := []string{"base", "layer of debian:bookworm-slim"}
	states := compile(t, buildFile, nil, testOptions())
	setup := []string{"removed by setup: user, packages and 3 scripts", "setup: user, packages and 3 scripts", "setup: 02-pg.sh", "setup: ldconfig"}
	assert.Equal(t, slices.Concat(base, setup, entrypoint), created(states.Image))

	opt := testOptions()
	opt.Caps = daemon(pb.CapMergeOp)
	states = compile(t, buildFile, nil, opt)
	assert.Equal(t, slices.Concat(setup[1:], entrypoint), created(states.Image), "one flat layer in place of the base's")

	plain := "base: debian:bookworm-slim\nsetup: {final_cleanup: []}\n"
	states = compile(t, plain, nil, testOptions())
	assert.Equal(t, slices.Concat(base, []string{"setup: 01-a.sh", "setup: 02-pg.sh", "setup: 03-patroni.sh", "setup: 99-cleanup.sh"}, entrypoint), created(states.Image))
}

func TestImageConfig(t *testing.T) {
	opt := testOptions()
	epoch := time.Unix(1_700_000_000, 0).UTC()
	opt.Epoch = &epoch
	opt.Config.Labels = map[string]string{"l": "command line"}
	img := compile(t, buildFile, nil, opt).Config
	assert.Equal(t, []string{"PATH=/opt/pg/bin:/usr/bin:/bin", "V=15"}, img.Config.Env)
	assert.Equal(t, map[string]string{
		"from":                             "base",
		"l":                                "command line",
		ocispecs.AnnotationBaseImageName:   "docker.io/library/debian:bookworm-slim",
		ocispecs.AnnotationBaseImageDigest: "sha256:abc",
	}, img.Config.Labels)
	assert.Equal(t, []string{"/entrypoint.sh"}, img.Config.Entrypoint)
	assert.Nil(t, img.Config.Cmd, "the base's arguments were for the base's entry point")
	assert.Equal(t, "999", img.Config.User)
	assert.Equal(t, map[string]struct{}{"5432/tcp": {}}, img.Config.ExposedPorts)
	assert.Equal(t, &epoch, img.Created)
	for _, h := range img.History[2:] {
		if h.Comment == historyComment {
			assert.Equal(t, &epoch, h.Created)
		}
	}
	assert.Equal(t, []string{"PATH=/usr/bin:/bin"}, opt.Base.Image.Config.Env, "the base's own is untouched")

	opt = testOptions()
	opt.Base.Image.Config.Env = []string{"PATH=/bin", "APP=app", "V=base"}
	img = compile(t, "base: a\nargs: {W: '2'}\nimage: {user: '${APP}:${W}', env: {V: mine}, labels: {v: '${V} ${W} ${NONE:-none}', money: '\\$5'}}", nil, opt).Config
	assert.Equal(t, "app:2", img.Config.User)
	assert.Equal(t, "base 2 none", img.Config.Labels["v"], "it sees the base's variables, and none of the image's own")
	assert.Equal(t, "$5", img.Config.Labels["money"])
	_, err := Graph(testGraph(t, "base: a\nimage: {labels: {v: '${NONE}'}}", nil), testOptions())
	require.ErrorContains(t, err, "${NONE} is neither a build argument nor a variable of the base image")

	img = compile(t, "base: a\nimage: {entrypoint: [], healthcheck: {command: []}}", nil, testOptions()).Config
	assert.Empty(t, img.Config.Entrypoint)
	assert.Equal(t, []string{"NONE"}, img.Config.Healthcheck.Test)

	_, err = Graph(testGraph(t, "base: a\nimage: {env: {A: \"${NOPE}\"}}", nil), testOptions())
	assert.EqualError(t, err, "build.yaml:2:18: ${NOPE} is neither a build argument nor a variable of the base image; write \\${NOPE} for a dollar sign")
}

func TestIgnoreCache(t *testing.T) {
	for filter, want := range map[string][]string{
		"setup":          {"[setup 1/4] 01-a.sh", "[setup 2/4] 02-pg.sh", "[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh"},
		"setup/01-a":     {"[setup 1/4] 01-a.sh", "[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh"},
		"02-pg":          {"[setup 2/4] 02-pg.sh"},
		"03-patroni":     {"[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh"},
		"toolchain":      {"[setup 1/4] 01-a.sh", "[setup 2/4] 02-pg.sh", "[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh"},
		"something-else": nil,
	} {
		opt := testOptions()
		opt.IgnoreCache = func(node string) bool { return node == filter }
		v := decode(t, compile(t, buildFile, nil, opt).Image)
		var got []string
		for _, name := range names(v, "[setup ") {
			if v[name].meta.IgnoreCache {
				got = append(got, name)
			}
		}
		assert.Equal(t, want, got, filter)
		assert.Equal(t, filter == "toolchain", v["[toolchain] build packages: gcc"].meta.IgnoreCache)
	}
}

func TestCacheNamespaceIsThatOfTheDockerfileFrontend(t *testing.T) {
	opt := testOptions()
	opt.Config.CacheIDNamespace = "team"
	v := decode(t, compile(t, buildFile, nil, opt).Image)
	var ids []string
	for _, m := range v["[toolchain] runtime packages: libicu72"].op.GetExec().Mounts {
		if m.CacheOpt != nil {
			ids = append(ids, m.CacheOpt.ID)
		}
	}
	assert.Equal(t, []string{"team/apt-archives-bookworm-linux-amd64"}, ids)
}

func TestStepsCarryWhatTheClientAskedFor(t *testing.T) {
	opt := testOptions()
	opt.Config = dockerui.Config{
		NetworkMode: pb.NetMode_HOST,
		ShmSize:     1 << 20,
		BuildArgs:   map[string]string{"http_proxy": "http://proxy"},
		Ulimits:     []*pb.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}},
	}
	exec := decode(t, compile(t, buildFile, nil, opt).Image)["[setup 1/4] 01-a.sh"].op.GetExec()
	assert.Equal(t, pb.NetMode_HOST, exec.Network)
	assert.Equal(t, "http://proxy", exec.Meta.ProxyEnv.HttpProxy)
	assert.Equal(t, "nofile", exec.Meta.Ulimit[0].Name)
	var tmpfs []string
	for _, m := range exec.Mounts {
		if m.TmpfsOpt != nil || m.MountType == pb.MountType_TMPFS {
			tmpfs = append(tmpfs, m.Dest)
		}
	}
	assert.ElementsMatch(t, []string{"/dev/shm", "/temp"}, tmpfs)
}

// Outputs and entrypoint files come with the directories that are there, and with nothing else of them.
func TestDirectoriesOfTheRootStay(t *testing.T) {
	vertices := decode(t, compile(t, buildFile, nil, testOptions()).Image)
	copies := func(name string) []string {
		var did []string
		for _, action := range vertices[name].op.GetFile().Actions {
			require.NotNil(t, action.GetCopy(), "no directory is made by an operation")
			did = append(did, action.GetCopy().Src+" to "+action.GetCopy().Dest)
		}
		return did
	}
	assert.Equal(t, []string{"/ to /", "/opt/pg to /opt/", "/usr/lib/x.so to /usr/lib/", "/ to /"}, copies("[setup] outputs of 02-pg.sh"))
	assert.Equal(t, []string{"/configuration to /", "/config/patroni.yml to /opt/container/config/patroni.yml"}, copies("[entrypoint] configuration: /opt/container/config/patroni.yml"))
	asked := vertices["[internal] directories above entrypoint files"].op.GetExec()
	assert.Equal(t, []string{"/context/outline.sh", "files", "configuration", "/opt/container/config/patroni.yml"}, asked.Meta.Args[:4])
	for _, m := range asked.Mounts {
		if m.Dest == rootMount {
			assert.Equal(t, pb.MountContentCache_OFF, m.ContentCache, "its key would be the content of the whole root")
		}
	}
}

// A glob's matches are copied at once, for the sake of hard links, where the daemon knows how.
func TestGlobOutputs(t *testing.T) {
	text := strings.Replace(buildFile, "/usr/lib/x.so", "/usr/lib/x*.so", 1)
	copies := func(opt Options) []string {
		var did []string
		for _, action := range decode(t, compile(t, text, nil, opt).Image)["[setup] outputs of 02-pg.sh"].op.GetFile().Actions {
			if from := action.GetCopy(); from.Src != "/" {
				did = append(did, fmt.Sprintf("%s to %s, only %v", from.Src, from.Dest, from.IncludePatterns))
			}
		}
		return did
	}
	assert.Equal(t, []string{"/opt/pg to /opt/, only []", "/usr/lib/x*.so to /usr/lib/, only []", "/usr/lib to /usr/lib, only [x*.so]"}, copies(testOptions()))
	old := testOptions()
	old.Caps = daemon(pb.CapFileCopyIncludeExcludePatterns)
	assert.Equal(t, []string{"/opt/pg to /opt/, only []", "/usr/lib/x*.so to /usr/lib/, only []"}, copies(old))
}

// A toolchain is that of a set of packages: what one script is built with is no reason to run another.
func TestToolchainOfAScript(t *testing.T) {
	const text = `base: debian:bookworm-slim
setup:
  dependencies: {runtime: [libicu72], build: [gcc, make]IMAGE}
  scripts:
    - {path: setup/scripts/01-a.sh, outputs: [/a]}
    - {path: setup/scripts/02-pg.sh, outputs: [/pg], build: [make, gcc]}
    - {path: setup/scripts/03-patroni.sh, outputs: [/patroni], build: [pythonMORE]}
    - {path: setup/scripts/99-cleanup.sh, outputs: [/other], build: [pythonMORE]}
  final_cleanup: []
`
	of := func(image, more string) map[string]vertex {
		return decode(t, compile(t, strings.NewReplacer("IMAGE", image, "MORE", more).Replace(text), nil, testOptions()).Image)
	}
	before := of("", "")
	assert.Equal(t, []string{
		"[toolchain] build packages: gcc make", "[toolchain] build packages: python", "[toolchain] runtime packages: libicu72",
	}, names(before, "[toolchain]"))
	changed := func(after map[string]vertex) []string {
		var out []string
		for _, name := range names(before, "[setup ") {
			if before[name].digest != after[name].digest {
				out = append(out, name)
			}
		}
		return out
	}
	assert.Empty(t, changed(of(", image: [less]", "")), "an image package compiles nothing")
	assert.Equal(t, []string{"[setup 3/4] 03-patroni.sh", "[setup 4/4] 99-cleanup.sh"}, changed(of("", ", ruby")))
}

// A script's own base has neither the build file's user and packages nor the versions that are locked for them.
func TestBaseOfAScript(t *testing.T) {
	const text = `base: debian:bookworm-slim
user: {name: postgres, uid: 999}
setup:
  dependencies: {runtime: [libicu72], build: [gcc]}
  scripts:
    - {path: setup/scripts/02-pg.sh, outputs: [/pg]}
    - {path: setup/scripts/03-patroni.sh, base: "golang:1", build: [make], needs: [02-pg], outputs: [/patroni]}
  final_cleanup: []
`
	g := testGraph(t, text, nil)
	g.Pins = []graph.Package{{Spec: "gcc=1"}}
	g.BasePins = map[string][]graph.Package{"golang:1": {{Spec: "make=2"}}}
	opt := testOptions()
	opt.ScriptBases = map[string]Base{"golang:1": {State: llb.Image("golang:1")}}
	states, err := Graph(g, opt)
	require.NoError(t, err)
	v := decode(t, states.Image)
	script := v["[setup 2/2] 03-patroni.sh"]
	assert.True(t, script.below["docker-image://docker.io/library/golang:1"])
	assert.True(t, script.below["[setup] outputs of 02-pg.sh for 03-patroni.sh"])
	def, err := states.Image.Marshal(context.Background(), llb.LinuxAmd64)
	require.NoError(t, err)
	pins := func(name string) string {
		op := v[name].op
		for _, m := range op.GetExec().Mounts {
			if m.Dest != lockedVersions {
				continue
			}
			for _, dt := range def.Def {
				file := &pb.Op{}
				require.NoError(t, file.UnmarshalVT(dt))
				if string(digest.FromBytes(dt)) == op.Inputs[m.Input].Digest {
					return string(file.GetFile().Actions[0].GetMkfile().Data)
				}
			}
		}
		return ""
	}
	assert.Contains(t, pins("[toolchain] build packages: gcc"), "Package: gcc\nPin: version 1\n")
	assert.Equal(t, "Package: make\nPin: version 2\nPin-Priority: 1001\n\n", pins("[toolchain] build packages: make"))
	assert.Equal(t, "golang:1", states.Toolchains[1].Own)
}

// The linker's step looks at the content of the whole root only where nothing else ends what a script made again as before.
func TestLinkerAndItsRoot(t *testing.T) {
	content := func(text string, opt Options) pb.MountContentCache {
		t.Helper()
		step := decode(t, compile(t, text, nil, opt).Image)["[setup] refresh the linker's cache, find every library"]
		require.NotNil(t, step.op)
		mounts := step.op.GetExec().Mounts
		return mounts[len(mounts)-1].ContentCache
	}
	const (
		isolated = "base: debian:bookworm-slim\nsetup:\n  scripts:\n    - {path: setup/scripts/02-pg.sh, outputs: [/pg]}\n"
		chain    = isolated + "    - {path: setup/scripts/01-a.sh}\n"
		none     = "  final_cleanup: []\n"
	)
	assert.Equal(t, pb.MountContentCache_OFF, content(isolated+none, testOptions()), "outputs alone")
	assert.Equal(t, pb.MountContentCache_DEFAULT, content(chain+none, testOptions()), "layers of a chain")
	assert.Equal(t, pb.MountContentCache_OFF, content(chain, testOptions()), "a squash")
	old := testOptions()
	old.Caps = daemon(pb.CapExecMountContentCache)
	assert.Equal(t, pb.MountContentCache_DEFAULT, content(isolated+none, old), "a daemon that cannot tell")
}
