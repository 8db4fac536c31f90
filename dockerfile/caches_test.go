package dockerfile_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// steps returns the RUN lines of the rewritten Dockerfile, and what was decided.
func steps(t *testing.T, text string, tree fstest.MapFS) (runs []string, decisions string) {
	t.Helper()
	f, err := dockerfile.Parse("Dockerfile", []byte(text))
	require.NoError(t, err)
	r, err := dockerfile.Rewrite(f, dockerfile.Options{
		Context: tree, Platform: "linux/amd64", Args: map[string]string{},
		Base: func(string) *ocispecs.ImageConfig { return &ocispecs.ImageConfig{Env: []string{"PATH=/usr/bin:/bin"}} },
	})
	require.NoError(t, err)
	for line := range strings.Lines(string(r.Text)) {
		if strings.HasPrefix(line, "RUN ") {
			runs = append(runs, strings.TrimSpace(line))
		}
	}
	for _, d := range r.Decisions {
		decisions += d.Text + "\n"
	}
	return runs, decisions
}

// mounted are the targets of a step's cache mounts.
func mounted(run string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`--mount=type=cache,[^ ]*target=([^, ]*)`).FindAllStringSubmatch(run, -1) {
		out = append(out, m[1])
	}
	return out
}

const (
	from     = "FROM debian:bookworm-slim AS one\n"
	install  = "RUN apt-get update && apt-get install -y less\n"
	archives = "/var/cache/apt/archives"
)

// A step has a mount where nobody else looks, and no lists: those are what a
// later step installs by.
func TestCachesOfSteps(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string // of the last step of stage one
	}{
		"install":                  {from + install, []string{archives}},
		"lists stay in the layer":  {from + "RUN apt-get update\nRUN frobnicate\n" + install, []string{archives}},
		"docker-clean went before": {from + "RUN rm -f /etc/apt/apt.conf.d/docker-clean\n" + install, nil},
		"docker-clean goes":        {from + "RUN rm -f /etc/apt/apt.conf.d/docker-clean && apt-get update && apt-get install -y less\n", nil},
		"archives are left":        {from + "RUN apt-get update && apt-get install -yd less\n" + install, nil},
		"archives are left before, by a stage": {
			"FROM debian AS zero\nRUN apt-get update && apt-get install --download-only -y less\nFROM zero AS one\n" + install, nil,
		},
		"archives are put there": {from + "RUN cp /srv/*.deb /var/cache/apt/archives/\n" + install, nil},
		"a setting is copied":    {from + "COPY keep /etc/apt/apt.conf.d/keep\n" + install, nil},
		"settings of another stage": {
			"FROM x AS conf\n" + from + "COPY --from=conf /etc/apt /etc/apt\n" + install, nil,
		},
		"sources are copied": {from + "COPY keep /etc/apt/sources.list.d/keep.list\n" + install, []string{archives}},
		"its own mount":      {from + strings.Replace(install, "RUN ", "RUN --mount=type=cache,target=/var/cache/apt ", 1), []string{"/var/cache/apt"}},
		"its own settings":   {from + strings.Replace(install, "RUN ", "RUN --mount=type=bind,source=keep,target=/etc/apt/apt.conf.d/docker-clean ", 1), nil},
		"of a user":          {from + "USER postgres\nRUN pip install x\n", nil},
		"pip":                {from + "RUN pip install x\n", []string{"/root/.cache/pip/http", "/root/.cache/pip/http-v2"}},
		"pip, moved":         {from + "ENV PIP_CACHE_DIR=/pip\nRUN pip install x\n", []string{"/pip/http", "/pip/http-v2"}},
		"pip, moved by an arg": {
			from + "ARG PIP_CACHE_DIR=/pip\nRUN pip install x\n", []string{"/pip/http", "/pip/http-v2"},
		},
		"files were copied there": {from + "COPY keep /root/.cache/pip/http/keep\nRUN pip install x\n", []string{"/root/.cache/pip/http-v2"}},
		"copied out":              {from + install + "FROM debian\nCOPY --from=one /var/cache/apt/archives /debs\n", nil},
		"copied out by a pattern": {from + install + "FROM debian\nCOPY --from=one /var/cache/*/archives/*.deb /debs\n", nil},
		"copied out from above":   {from + install + "FROM debian\nCOPY --from=one /var/cache /cache\n", nil},
		"copied out by number":    {from + install + "FROM debian\nCOPY --from=0 /var/cache/apt /debs\n", nil},
		"copied out by a variable": {
			from + install + "FROM debian\nARG D\nCOPY --from=one $D /debs\n", nil,
		},
		"mounted":                {from + install + "FROM debian\nRUN --mount=from=one,source=/var/cache/apt/archives,target=/debs ls /debs\n", nil},
		"another copy":           {from + install + "FROM debian\nARG D\nCOPY --from=one /usr/$D /usr\n", []string{archives}},
		"of another stage":       {from + install + "FROM debian AS two\nFROM debian\nCOPY --from=two /var/cache/apt/archives /debs\n", []string{archives}},
		"the root as a whole":    {from + install + "FROM scratch\nCOPY --from=one / /\n", []string{archives}},
		"a stage is built on it": {from + install + "FROM one\nRUN frobnicate\n", []string{archives}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{"keep": {Data: []byte("x"), Mode: 0o644}}
			text := c.text
			if !strings.Contains(text, "COPY --from=one") && !strings.Contains(text, "FROM one") && !strings.Contains(text, "from=one") && strings.Count(text, "FROM ") > 2 {
				text += "COPY --from=one /usr/bin/less /usr/bin/less\n"
			}
			runs, _ := steps(t, text, tree)
			var own []string
			for _, run := range runs {
				if strings.Contains(run, "apt-get install") || strings.Contains(run, "pip install") {
					own = mounted(run)
				}
				assert.NotContains(t, run, "target=/var/lib/apt")
			}
			assert.Equal(t, c.want, own, "%s", strings.Join(runs, "\n"))
		})
	}
}

// A later step that looks into a cache's directory finds what the step before it
// left; one that empties it finds nothing either way.
func TestCachesAreRead(t *testing.T) {
	for later, want := range map[string]int{
		"ls /root/.cache/pip/http-v2":     1,
		"cp -r /root/.cache /home/x":      0,
		"tar cf /x.tar /root":             0,
		"rm -rf /root/.cache":             2,
		"rm -rf /root/.cache/pip/*":       2,
		"ls /root":                        2,
		"find /root -name '*.pyc'":        0,
		"find / -name '*.pyc' -delete":    0,
		"python3 -c 'import x'":           2,
		"pip config set global.x y":       2,
		"test -d /root/.cache && ls /srv": 2,
	} {
		runs, _ := steps(t, from+"RUN pip install x\nRUN "+later+"\n", fstest.MapFS{})
		assert.Len(t, mounted(runs[0]), want, later)
	}
}

// The steps of a stage are the same whatever is built on it (as BuildKit has it).
func TestCachesDoNotDependOnStagesAbove(t *testing.T) {
	one, _ := steps(t, from+install+"RUN pip install x && pip cache purge\n", fstest.MapFS{})
	more, _ := steps(t, from+install+"RUN pip install x && pip cache purge\nFROM one AS two\nRUN apt-get install -y bc\n", fstest.MapFS{})
	assert.Equal(t, one, more[:len(one)])
}

// A RUN is divided only if its steps can do without what its mounts hold.
func TestMountsOfADriver(t *testing.T) {
	for name, c := range map[string]struct{ flags, script, why string }{
		"archives":       {"--mount=type=cache,target=/var/cache/apt", "apt-get install -y x", ""},
		"pip":            {"--mount=type=cache,target=/root/.cache/pip", "pip install x", ""},
		"secret":         {"--mount=type=secret,id=x", "cat /run/secrets/x", ""},
		"ssh":            {"--mount=type=ssh", "git clone x", ""},
		"another image":  {"--mount=from=debian,target=/other", "ls /other", ""},
		"state of apt":   {"--mount=type=cache,target=/var/lib/apt", "apt-get install -y x", "its mount of /var/lib/apt holds what one step leaves for the next"},
		"lists":          {"--mount=type=cache,target=/var/lib/apt/lists", "apt-get install -y x", "its mount of /var/lib/apt/lists holds what one step leaves for the next"},
		"files":          {"--mount=type=cache,target=/work", "echo x >/work/x", "its mount of /work holds what one step leaves for the next"},
		"relative":       {"--mount=type=cache,target=work", "true", "its mount of /work holds what one step leaves for the next"},
		"memory":         {"--mount=type=tmpfs,target=/work", "true", "its tmpfs at /work would be empty for each step"},
		"writable":       {"--mount=type=bind,rw,source=setup,target=/src", "echo x >/src/x", "what a step writes to its mount of /src would be gone for the next"},
		"from an image":  {"--mount=type=cache,from=debian,target=/root/.cache/pip", "pip install x", "its mount of /root/.cache/pip holds what one step leaves for the next"},
		"looked into":    {"--mount=type=cache,target=/var/cache/apt", "dpkg -i /var/cache/apt/archives/*.deb", "it looks into its mount of /var/cache/apt"},
		"offline":        {"--mount=type=cache,target=/root/.npm", "npm ci --offline", "it looks into its mount of /root/.npm"},
		"not downloaded": {"--mount=type=cache,target=/var/cache/apt", "apt-get install --no-download -y x", "it looks into its mount of /var/cache/apt"},
		"unknown":        {"--mount=type=cache,target=/var/cache/apt", "frobnicate", "frobnicate may look into its mount of /var/cache/apt"},
	} {
		t.Run(name, func(t *testing.T) {
			script := func(text string) *fstest.MapFile {
				return &fstest.MapFile{Data: []byte("#!/bin/bash\nset -e\n" + text + "\n"), Mode: 0o755}
			}
			tree := fstest.MapFS{
				"setup/setup.sh": script("/setup/1.sh\n/setup/2.sh"), "setup/1.sh": script("echo one >/one"), "setup/2.sh": script(c.script),
			}
			runs, decisions := steps(t, "FROM debian\nCOPY setup /setup\nRUN "+c.flags+" /setup/setup.sh\n", tree)
			if c.why == "" {
				assert.Contains(t, decisions, "setup.sh split into 2 steps\n")
				for _, run := range runs {
					assert.Contains(t, run, c.flags)
				}
				return
			}
			assert.Contains(t, decisions, "kept whole: "+c.why+"; to split it, ")
		})
	}
}
