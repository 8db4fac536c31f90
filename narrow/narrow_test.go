package narrow_test

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/compile"
	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/trace"
)

const baseImage = "docker-image://docker.io/library/debian:12@sha256:1111111111111111111111111111111111111111111111111111111111111111"

// subject is a build: a context, and what a Dockerfile comes to.
type subject struct {
	files fstest.MapFS
	def   func(context llb.State) llb.State
}

func (s *subject) clone() *subject { return &subject{maps.Clone(s.files), s.def} }

func (s *subject) write(name, text string) {
	s.files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
}

func (s *subject) definition(t *testing.T, opts ...llb.LocalOption) *pb.Definition {
	t.Helper()
	def, err := s.def(llb.Local("context", opts...)).Marshal(context.Background(), llb.LinuxAmd64, llb.LocalUniqueID("x"))
	require.NoError(t, err)
	return def.ToPB()
}

func (s *subject) options(record *narrow.Record) narrow.Options {
	return narrow.Options{Context: s.files, Source: "local://context", Record: record, Name: "Dockerfile.observed"}
}

// copyAll is COPY . /app and two steps.
func copyAll(context llb.State) llb.State {
	return twoSteps(copied(llb.Image(strings.TrimPrefix(baseImage, "docker-image://")).File(llb.Mkdir("/app", 0o755)), context, "/", "/app/"))
}

func copied(on, context llb.State, src, dest string, opts ...llb.CopyOption) llb.State {
	return on.File(llb.Copy(context, src, dest, append([]llb.CopyOption{&llb.CopyInfo{
		FollowSymlinks: true, CopyDirContentsOnly: true, CreateDestPath: true, AllowWildcard: true, AllowEmptyWildcard: true,
	}}, opts...)...), llb.WithCustomName("[2/4] COPY . ."))
}

func twoSteps(on llb.State) llb.State {
	first := on.Run(llb.Args([]string{"sh", "-c", "npm ci"}), llb.Dir("/app"), llb.WithCustomName("[3/4] RUN npm ci")).Root()
	return first.Run(llb.Args([]string{"sh", "-c", "make"}), llb.Dir("/app"), llb.WithCustomName("[4/4] RUN make")).Root()
}

func project() *subject {
	s := &subject{files: fstest.MapFS{}, def: copyAll}
	for name, text := range map[string]string{
		"package.json": "{}", "README": "r", "src/a.c": "a", "src/b.c": "b", "src/sub/c.c": "c", "data/x": "x", "moved/y": "y",
	} {
		s.write(name, text)
	}
	s.files["link"] = &fstest.MapFile{Data: []byte("README"), Mode: fs.ModeSymlink | 0o777}
	return s
}

// did are what the two steps did.
func did() []*trace.Record {
	return []*trace.Record{
		{Version: trace.Version, Paths: []trace.Path{
			{Name: "/app/.npmrc", Did: trace.Absent, Was: trace.Nothing},
			{Name: "/app/node_modules", Did: trace.Absent | trace.Created, Was: trace.Nothing},
			{Name: "/app/package.json", Did: trace.Read, Was: trace.File},
			{Name: "/usr/bin/npm", Did: trace.Executed, Was: trace.File},
		}},
		{Version: trace.Version, Paths: []trace.Path{
			{Name: "/app/link", Did: trace.Read, Was: trace.Link},
			{Name: "/app/moved", Did: trace.Read | trace.Deleted | trace.Renamed, Was: trace.Directory},
			{Name: "/app/moved/y", Did: trace.Read | trace.Deleted | trace.Renamed, Was: trace.File},
			{Name: "/app/src", Did: trace.Listed, Was: trace.Directory},
			{Name: "/app/src/a.c", Did: trace.Read, Was: trace.File},
			{Name: "/app/src/a.h", Did: trace.Absent, Was: trace.Nothing},
			{Name: "/run/pgstrata/record/record", Did: trace.Written, Was: trace.File},
		}},
	}
}

func (s *subject) observe(t *testing.T, did []*trace.Record) (*narrow.Observation, *narrow.Record) {
	t.Helper()
	tool, err := llb.Local("tool").Marshal(context.Background())
	require.NoError(t, err)
	o, err := narrow.Observe(s.definition(t), s.options(nil), narrow.Tracer{Program: tool.ToPB(), Path: "/tool"})
	require.NoError(t, err)
	for i, name := range o.Names() {
		require.NoError(t, o.Learn(name, "linux/amd64", did[i]))
	}
	return o, &narrow.Record{Steps: o.Learnt()}
}

func (s *subject) apply(t *testing.T, record *narrow.Record) *narrow.Result {
	t.Helper()
	res, err := narrow.Apply(s.definition(t), s.options(record))
	require.NoError(t, err)
	return res
}

func texts(list []narrow.Decision) string {
	var out []string
	for _, d := range list {
		out = append(out, d.Title+": "+d.Text)
	}
	return strings.Join(out, "\n")
}

const (
	installs = "RUN npm ci: sees only what it was observed to read (4 paths)\n"
	makes    = "RUN make: sees only what it was observed to read (9 paths)"
	anew     = "RUN make: sees all files: it runs after RUN npm ci, which does"
)

// Each change of the context is one of the steps that see what changed, and of
// those after them alone.
func TestChangesOfTheContext(t *testing.T) {
	s := project()
	_, record := s.observe(t, did())
	for name, tc := range map[string]struct {
		change func(s *subject)
		want   string
	}{
		"nothing":              {func(*subject) {}, installs + makes},
		"an unread file":       {func(s *subject) { s.write("README", "edited") }, installs + makes},
		"a new unread file":    {func(s *subject) { s.write("data/new", ""); s.write("other/new", "") }, installs + makes},
		"an unread file gone":  {func(s *subject) { delete(s.files, "data/x") }, installs + makes},
		"below a listed place": {func(s *subject) { s.write("src/sub/c.c", "edited"); s.write("src/sub/d.c", "") }, installs + makes},
		"a file that is listed, and not read": {
			func(s *subject) { s.write("src/b.c", "edited") }, installs + makes,
		},
		"a file that is read": {func(s *subject) { s.write("src/a.c", "edited") }, installs + "RUN make: sees all files: /app/src/a.c, which it reads, has changed"},
		"of the same size":    {func(s *subject) { s.write("src/a.c", "b") }, installs + "RUN make: sees all files: /app/src/a.c, which it reads, has changed"},
		"its mode": {
			func(s *subject) { s.files["src/a.c"] = &fstest.MapFile{Data: []byte("a"), Mode: 0o755} }, installs + "RUN make: sees all files: /app/src/a.c, which it reads, has changed",
		},
		"a file that is gone": {func(s *subject) { delete(s.files, "src/a.c") }, installs + "RUN make: sees all files: /app/src/a.c, which it reads, is gone"},
		"a directory in its place": {
			func(s *subject) { delete(s.files, "src/a.c"); s.write("src/a.c/x", "") }, installs + "RUN make: sees all files: /app/src/a.c, which it reads, has changed",
		},
		"a link in its place": {
			func(s *subject) {
				s.files["src/a.c"] = &fstest.MapFile{Data: []byte("b.c"), Mode: fs.ModeSymlink | 0o777}
			},
			installs + "RUN make: sees all files: /app/src/a.c, which it reads, has changed",
		},
		"a link in a directory's place": {
			func(s *subject) {
				s.write("else/a.c", "a")
				s.write("else/b.c", "b")
				s.write("else/sub/c.c", "c")
				for _, name := range []string{"src/a.c", "src/b.c", "src/sub/c.c"} {
					delete(s.files, name)
				}
				s.files["src"] = &fstest.MapFile{Data: []byte("else"), Mode: fs.ModeSymlink | 0o777}
			},
			installs + "RUN make: sees all files: /app/src, which it reads, has changed",
		},
		"a link that leads elsewhere": {
			func(s *subject) {
				s.files["link"] = &fstest.MapFile{Data: []byte("data/x"), Mode: fs.ModeSymlink | 0o777}
			},
			installs + "RUN make: sees all files: /app/link, which it reads, has changed",
		},
		"a new name in a listed directory": {func(s *subject) { s.write("src/new.c", "") }, installs + "RUN make: sees all files: the names in /app/src, which it lists, have changed"},
		"a name that is gone from it":      {func(s *subject) { delete(s.files, "src/b.c") }, installs + "RUN make: sees all files: the names in /app/src, which it lists, have changed"},
		"another kind of a name":           {func(s *subject) { delete(s.files, "src/b.c"); s.write("src/b.c/x", "") }, installs + "RUN make: sees all files: the names in /app/src, which it lists, have changed"},
		"what was looked for in vain":      {func(s *subject) { s.write("src/a.h", "") }, installs + "RUN make: sees all files: /app/src/a.h, which it looked for in vain, is there"},
		"a new file in a moved directory":  {func(s *subject) { s.write("moved/z", "") }, installs + "RUN make: sees all files: the names in /app/moved, which it lists, have changed"},
		"the mode of a directory on the way": {
			func(s *subject) { s.files["src"] = &fstest.MapFile{Mode: fs.ModeDir | 0o700} }, installs + "RUN make: sees all files: /app/src, which it reads, has changed",
		},
		"what the first step reads":          {func(s *subject) { s.write("package.json", "[]") }, "RUN npm ci: sees all files: /app/package.json, which it reads, has changed\n" + anew},
		"what it looked for":                 {func(s *subject) { s.write(".npmrc", "") }, "RUN npm ci: sees all files: /app/.npmrc, which it looked for in vain, is there\n" + anew},
		"something below what it looked for": {func(s *subject) { s.write("node_modules/a/b", "") }, "RUN npm ci: sees all files: /app/node_modules, which it looked for in vain, is there\n" + anew},
		"the base": {
			func(s *subject) {
				s.def = func(context llb.State) llb.State {
					return twoSteps(copied(llb.Image("debian:12@sha256:"+strings.Repeat("2", 64)).File(llb.Mkdir("/app", 0o755)), context, "/", "/app/"))
				}
			},
			"RUN npm ci: sees all files: nothing was observed of it\n" + anew,
		},
		"a base that is not pinned": {
			func(s *subject) {
				s.def = func(context llb.State) llb.State {
					return twoSteps(copied(llb.Image("debian:12"), context, "/", "/app/"))
				}
			},
			"RUN npm ci: sees all files: docker.io/library/debian:12, on which it runs, is not pinned by a digest\nRUN make: sees all files: docker.io/library/debian:12, on which it runs, is not pinned by a digest",
		},
	} {
		t.Run(name, func(t *testing.T) {
			after := s.clone()
			tc.change(after)
			assert.Equal(t, tc.want, texts(after.apply(t, record).Decisions))
		})
	}
}

// Of a copy of one file, nothing else of its directory is asked; that it becomes a
// directory makes the record void.
func TestCopyOfOneFile(t *testing.T) {
	s := project()
	s.def = func(context llb.State) llb.State {
		return twoSteps(copied(llb.Image(strings.TrimPrefix(baseImage, "docker-image://")), context, "/README", "/"))
	}
	list := []*trace.Record{
		{Version: trace.Version, Paths: []trace.Path{{Name: "/usr/bin/npm", Did: trace.Executed, Was: trace.File}, {Name: "/", Did: trace.Listed, Was: trace.Directory}}},
		{Version: trace.Version, Paths: []trace.Path{{Name: "/README", Did: trace.Read, Was: trace.File}}},
	}
	_, record := s.observe(t, list)
	assert.Empty(t, record.Steps[0].Seen)
	assert.Equal(t, []narrow.Seen{{Kind: narrow.At, Value: record.Steps[1].Seen[0].Value, Path: "/README"}}, record.Steps[1].Seen)
	assert.Equal(t, []string{"name /README"}, given(t, s.apply(t, record).Definition, "RUN npm ci"), "whoever lists the directory sees it")
	s.write("README", "edited")
	assert.Equal(t, "RUN npm ci: sees only what it was observed to read (0 paths)\nRUN make: sees all files: /README, which it reads, has changed", texts(s.apply(t, record).Decisions))
	delete(s.files, "README")
	s.write("README/usr/bin/npm", "other")
	assert.Equal(t, "RUN npm ci: sees all files: nothing was observed of it\n"+anew, texts(s.apply(t, record).Decisions))
}

// A step whose copies cannot be told path by path sees all.
func TestWhatKeepsAStepWide(t *testing.T) {
	image := llb.Image(strings.TrimPrefix(baseImage, "docker-image://"))
	for want, def := range map[string]func(context llb.State) llb.State{
		"its cache mount /root/.cache/go-build may hold what was made of the files": func(context llb.State) llb.State {
			return copied(image, context, "/", "/app/").Run(llb.Args([]string{"go"}), llb.AddMount("/root/.cache/go-build", llb.Scratch(), llb.AsPersistentCacheDir("x", llb.CacheMountShared))).Root()
		},
		"it mounts the build context": func(context llb.State) llb.State {
			return copied(image, context, "/", "/app/").Run(llb.Args([]string{"go"}), llb.AddMount("/src", context, llb.Readonly)).Root()
		},
		"a COPY above it has --parents": func(context llb.State) llb.State {
			return copied(image, context, "/", "/app/", &llb.CopyInfo{IncludePatterns: []string{"src"}, Mode: nil}).Run(llb.Args([]string{"go"})).Root()
		},
		"link, which it is given, is a link": func(context llb.State) llb.State {
			return copied(image, context, "/link", "/app/").Run(llb.Args([]string{"go"})).Root()
		},
		"it runs on a layer that is made of others": func(context llb.State) llb.State {
			return llb.Merge([]llb.State{image, llb.Diff(image, copied(image, context, "/", "/app/"))}).Run(llb.Args([]string{"go"})).Root()
		},
		"what https://example.com/a is may change": func(context llb.State) llb.State {
			return copied(image.File(llb.Copy(llb.HTTP("https://example.com/a"), "/a", "/a")), context, "/", "/app/").Run(llb.Args([]string{"go"})).Root()
		},
		"it is to be built without cache": func(context llb.State) llb.State {
			return copied(image, context, "/", "/app/").Run(llb.Args([]string{"go"}), llb.IgnoreCache).Root()
		},
		"a copy above it goes to /app/link/x through a link": func(context llb.State) llb.State {
			return copied(copied(image, context, "/", "/app/"), context, "/src", "/app/link/x/").Run(llb.Args([]string{"go"})).Root()
		},
	} {
		s := project()
		s.def = def
		decisions := s.apply(t, &narrow.Record{Steps: []narrow.Recorded{{Key: "x"}}}).Decisions
		if assert.Len(t, decisions, 1, want) {
			assert.Equal(t, "sees all files: "+want, decisions[0].Text)
		}
	}
}

// Steps inside a squash and after it see no more than what they read: those after it
// see what the squash was made of.
func TestSquash(t *testing.T) {
	s := project()
	s.def = func(context llb.State) llb.State {
		below := llb.Image(strings.TrimPrefix(baseImage, "docker-image://")).File(llb.Mkdir("/app", 0o755))
		steps := twoSteps(copied(below, context, "/", "/app/"))
		caps := pb.Caps.CapSet(pb.Caps.All())
		named := func(name string) llb.ConstraintsOpt { return llb.WithCustomName("[internal] " + name) }
		squash := compile.Squash(compile.State{State: below}, steps, []compile.Change{{Before: below, After: steps}}, "RUN setup.sh", &caps, compile.SquashOptions{
			Compare: named(compile.Comparison), Remove: named(compile.Removal), Copy: llb.WithCustomName("[stage-0] " + compile.Squashed),
			Tools: below, Shell: []string{"/bin/sh"},
		})
		return copied(squash.State, context, "/src", "/again/").Run(llb.Args([]string{"sh", "-c", "test"}), llb.WithCustomName("[6/6] RUN test")).Root()
	}
	list := append(did(), &trace.Record{Version: trace.Version, Paths: []trace.Path{
		{Name: "/again/a.c", Did: trace.Read, Was: trace.File}, {Name: "/app/package.json", Did: trace.Read, Was: trace.File},
	}})
	_, record := s.observe(t, list)
	const tests = "\nRUN test: sees only what it was observed to read (4 paths)"
	res := s.apply(t, record)
	assert.Equal(t, installs+makes+tests, texts(res.Decisions))
	assert.Equal(t, []string{"dir /app", "copy package.json", "dir /again", "copy a.c"}, given(t, res.Definition, "RUN test"))
	squashes := 0
	for _, meta := range res.Definition.Metadata {
		if meta.Description["llb.customname"] == "[stage-0] "+compile.Squashed {
			squashes++
		}
	}
	assert.Equal(t, 1, squashes, "the image has the squash")
	s.write("data/x", "edited")
	assert.Equal(t, installs+makes+tests, texts(s.apply(t, record).Decisions))
	s.write("src/a.c", "edited")
	assert.Equal(t, installs+"RUN make: sees all files: /app/src/a.c, which it reads, has changed\nRUN test: sees all files: it runs after RUN make, which does", texts(s.apply(t, record).Decisions))
}

// A step that could not be followed counts as one that reads all.
func TestStepThatWasNotFollowed(t *testing.T) {
	s := project()
	list := did()
	list[0] = &trace.Record{Version: trace.Version, Unknown: []string{"everything"}}
	_, record := s.observe(t, list)
	assert.Equal(t, "RUN npm ci: sees all files, which have not changed: it was observed to read them all\n"+makes, texts(s.apply(t, record).Decisions))
	s.write("README", "edited")
	assert.Equal(t, "RUN npm ci: sees all files: files have changed, of which it was observed to read all\n"+anew, texts(s.apply(t, record).Decisions))
}

// What is too large to be read in each build is never taken to be what it was.
func TestAllOfALargeContext(t *testing.T) {
	s := project()
	s.files["large"] = &fstest.MapFile{Data: make([]byte, 128<<20+1), Mode: 0o644}
	list := did()
	list[0] = &trace.Record{Version: trace.Version, Unknown: []string{"everything"}}
	_, record := s.observe(t, list)
	assert.Equal(t, "RUN npm ci: sees all files: it was observed to read all files, which are too many to be compared\n"+anew, texts(s.apply(t, record).Decisions))
}

// A step that reads its own record would never have one that holds.
func TestStepThatReadsItsRecord(t *testing.T) {
	s := project()
	s.write("Dockerfile.observed", "")
	list := did()
	list[1].Paths = append(list[1].Paths, trace.Path{Name: "/app/Dockerfile.observed", Did: trace.Read, Was: trace.File})
	o, record := s.observe(t, list)
	require.Len(t, record.Steps, 2)
	res, err := o.Proposed()
	require.NoError(t, err)
	assert.Equal(t, installs+"RUN make: sees all files: it reads Dockerfile.observed itself: name that in .dockerignore", texts(res.Decisions))
}

// given is what the definition gives a narrow step of the context.
func given(t *testing.T, def *pb.Definition, title string) []string {
	t.Helper()
	var out []string
	for _, data := range def.Def {
		op := &pb.Op{}
		require.NoError(t, op.UnmarshalVT(data))
		if def.Metadata[digest.FromBytes(data).String()].GetDescription()["llb.customname"] != "[internal] what "+title+" reads" {
			continue
		}
		for _, a := range op.GetFile().GetActions() {
			switch {
			case a.GetCopy() != nil:
				out = append(out, "copy "+strings.Join(a.GetCopy().IncludePatterns, " "))
			case a.GetMkdir() != nil:
				out = append(out, "dir "+a.GetMkdir().Path)
			case a.GetMkfile() != nil:
				out = append(out, "name "+a.GetMkfile().Path)
			}
		}
	}
	return out
}

// What a narrow step is given is exactly what it saw, and what the build comes to is
// the same each time.
func TestNarrowDefinition(t *testing.T) {
	s := project()
	_, record := s.observe(t, did())
	res := s.apply(t, record)
	for range 10 {
		again := s.apply(t, record)
		require.Equal(t, len(res.Definition.Def), len(again.Definition.Def))
		for i, data := range res.Definition.Def {
			require.True(t, bytes.Equal(data, again.Definition.Def[i]))
		}
	}
	assert.Equal(t, []string{
		"dir /app", "dir /app/moved", "dir /app/src", "dir /app/src/sub", "copy link moved src/a.c", "name /app/src/b.c",
	}, given(t, res.Definition, "RUN make"))
	assert.Equal(t, s.definition(t), s.apply(t, &narrow.Record{}).Definition, "nothing changes where nothing was observed")
	one, err := narrow.Apply(s.definition(t, llb.SessionID("1"), llb.FollowPaths([]string{"src"})), s.options(record))
	require.NoError(t, err)
	assert.Equal(t, installs+makes, texts(one.Decisions), "who sends the context does not count")
}

// What a check tells.
func TestDifferences(t *testing.T) {
	s := project()
	o, record := s.observe(t, did())
	assert.Empty(t, o.Differences(record))
	list := did()
	list[1].Paths = slices.Insert(list[1].Paths, 0, trace.Path{Name: "/app/README", Did: trace.Read, Was: trace.File})
	o, _ = s.observe(t, list)
	assert.Equal(t, "RUN make: the record does not have what it sees at /app/README", texts(o.Differences(record)))
	assert.Equal(t, "RUN npm ci: it is not in the record, or something above it was another\nRUN make: it is not in the record, or something above it was another", texts(o.Differences(nil)))
}

// What a step is given is older than all that steps make: a step that sees all after a
// narrow one is given what that was given as old files, too, and the image gets them as
// they are.
func TestTimes(t *testing.T) {
	s := project()
	_, record := s.observe(t, did())
	old := func(at int64) bool { return at >= 946684800e9 && at < 1577836800e9 }
	ages := map[int64]bool{}
	for _, text := range []string{"a", "edited"} {
		s.write("src/a.c", text)
		var copies []string
		res := s.apply(t, record)
		for _, data := range res.Definition.Def {
			op := &pb.Op{}
			require.NoError(t, op.UnmarshalVT(data))
			name := res.Definition.Metadata[digest.FromBytes(data).String()].GetDescription()["llb.customname"]
			for _, a := range op.GetFile().GetActions() {
				if c := a.GetCopy(); c != nil {
					if old(c.Timestamp) {
						ages[c.Timestamp] = true
					}
					copies = append(copies, strings.TrimSpace(name+": "+map[bool]string{true: "old ", false: "all "}[old(c.Timestamp)]+strings.Join(c.IncludePatterns, " ")))
				}
			}
		}
		slices.Sort(copies)
		want := []string{"[2/4] COPY . .: all", "[internal] what RUN make reads: old link moved src/a.c", "[internal] what RUN npm ci reads: old package.json"}
		if text == "edited" { // make sees all
			want = []string{"[2/4] COPY . .: all", "[internal] what RUN make reads: all", "[internal] what RUN make reads: old package.json", "[internal] what RUN npm ci reads: old package.json"}
		}
		assert.Equal(t, want, copies)
	}
	assert.Len(t, ages, 3, "what a step sees decides")
}
