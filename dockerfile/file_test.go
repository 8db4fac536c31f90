package dockerfile_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
)

func TestContextPaths(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		paths []string
		all   bool
	}{
		"sources":              {"FROM a\nARG D=conf\nCOPY $D/x setup/ /y/\nADD https://example.com/f z.tar /\nCOPY --from=b /q /q\n", []string{"conf/x", "setup", "z.tar"}, false},
		"everything":           {"FROM a\nCOPY . /x\n", []string{""}, true},
		"a variable of a base": {"FROM a\nCOPY conf/$PG_MAJOR /x\n", []string{""}, true},
		"mounts":               {"FROM a\nRUN --mount=type=bind,source=setup,target=/s --mount=type=cache,target=/c true\n", []string{"setup"}, false},
		"a whole mount":        {"FROM a\nRUN --mount=target=/s true\n", []string{""}, true},
		"triggers":             {"FROM a\nONBUILD COPY x /x\n", nil, true},
		"nothing":              {"FROM a\nRUN true\n", nil, false},
		"only what is built":   {"FROM a\nCOPY one /\nFROM a\nCOPY two /\n", []string{"one", "two"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := dockerfile.Parse("Dockerfile", []byte(c.text))
			require.NoError(t, err)
			paths, all := f.ContextPaths(dockerfile.Options{})
			assert.Equal(t, c.all, all)
			assert.Equal(t, c.paths, paths)
		})
	}
}

func TestDetect(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		kind dockerfile.Kind
		err  string
	}{
		"a build file":       {"# syntax=x\nbase: debian\n", dockerfile.BuildFile, ""},
		"a list":             {"- a\n- b\n", dockerfile.BuildFile, "neither"},
		"broken YAML":        {"base: [\n", dockerfile.BuildFile, ""},
		"a Dockerfile":       {"# syntax=x\nFROM debian\nRUN echo a: b\n", dockerfile.Dockerfile, ""},
		"args first":         {"arg A=1\nfrom debian\n", dockerfile.Dockerfile, ""},
		"a here-document":    {"FROM debian\nCOPY <<EOF /x.yml\nbase: debian\nEOF\n", dockerfile.Dockerfile, ""},
		"an escape":          {"# escape=`\nFROM debian\nRUN a `\n b: c\n", dockerfile.Dockerfile, ""},
		"empty":              {"", 0, "is empty"},
		"comments":           {"# syntax=x\n\n# nothing\n", 0, "is empty"},
		"a byte order mark":  {"\xef\xbb\xbfFROM debian\n", dockerfile.Dockerfile, ""},
		"both":               {"base: debian\nFROM debian\n", 0, "line 1 is a key of the one, line 2 an instruction of the other"},
		"both the other way": {"FROM debian\nsetup:\n  scripts: []\n", 0, "line 2 is a key of the one, line 1 an instruction of the other"},
		"ENV without value":  {"FROM debian\nENV PATH\n", dockerfile.Dockerfile, ""},
		"LABEL without":      {"# syntax=x\nARG A\nFROM debian\nLABEL a\n", dockerfile.Dockerfile, ""},
		"nested JSON":        {"FROM debian\nCMD [\"echo\", [\"nested\"]]\n", dockerfile.Dockerfile, ""},
		"an open here-text":  {"FROM debian\nRUN <<EOF\necho a: b\n", dockerfile.Dockerfile, ""},
		"a wrong escape":     {"# escape=x\nFROM debian\n", dockerfile.Dockerfile, ""},
		"a broken build file that speaks of FROM": {"base: [\nFROM debian\nENV PATH\n", dockerfile.BuildFile, ""},
		"prose": {"Hello world\n", 0, "neither a build file nor a Dockerfile"},
	} {
		t.Run(name, func(t *testing.T) {
			kind, err := dockerfile.Detect("Dockerfile", []byte(c.text))
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.kind, kind)
		})
	}
}
