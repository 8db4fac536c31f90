package notation

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
	"github.com/pgstrata/pgstrata/migrate/bases"
	"github.com/pgstrata/pgstrata/spec"
)

// A word of a Dockerfile means the same in a build file, whatever its quotes and
// escapes, and follows the args that it refers to.
func TestWordsMeanTheSame(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{`plain`, `plain`},
		{`$A`, `${A}`},
		{`${A}.1`, `${A}.1`},
		{`"${A} and '$A'"`, `${A} and '${A}'`},
		{`'$A'`, `\$A`},
		{`\$A`, `\$A`},
		{`"a\"b\\c\d"`, `a"b\\c\\d`},
		{`a\ b`, `a b`},
		{"back`tick", "back\\`tick"},
		{`${A:-x}`, `${A:-x}`},
		{`${A:+set}`, `${A:+set}`},
		{`${MISSING:-none}`, `none`},
		{`$MISSING`, ``},
		{`${B}`, `two`},
		{`${A#1}`, `${A#1}`},
		{`${A%5}`, `${A%5}`},
		{`a$`, `a\$`},
		{`""`, ``},
		{`C:\dir`, `C:dir`},
	} {
		f, err := dockerfile.Parse("Dockerfile", []byte("FROM debian\nARG A=15\nENV B=two\nLABEL x="+c.word+"\n"))
		require.NoError(t, err, c.word)
		r, err := dockerfile.Read(f, dockerfile.Options{Context: fstest.MapFS{}, Base: bases.Known}, nil)
		require.NoError(t, err)
		sc := r.Target().End
		known := func(name string) (string, bool) { return "${" + name + "}", name == "A" }
		got, ok := FromDockerfile(c.word, sc, '\\', known)
		require.True(t, ok, c.word)
		assert.Equal(t, c.want, got, c.word)

		want, ok := sc.Expand(c.word)
		require.True(t, ok)
		value, missing, err := spec.Expand(got, map[string]string{"A": "15"})
		require.NoError(t, err, got)
		assert.Empty(t, missing)
		assert.Equal(t, want, value, c.word)
	}
}

func TestShellWords(t *testing.T) {
	known := func(name string) (string, bool) { return "${" + name + "}", name == "PG" }
	for word, want := range map[string]string{
		`postgresql-$PG`:     `postgresql-${PG}`,
		`"a ${PG:-15}"`:      `a ${PG:-15}`,
		`'$PG'`:              `\$PG`,
		`$OTHER`:             "",
		`$(date)`:            "",
		`a*`:                 "",
		`${PG%.*}`:           "",
		`${#PG}`:             "",
		`pre"mid$PG"'post'x`: `premid${PG}postx`,
	} {
		w := ShellWord(word)
		require.NotNil(t, w, word)
		got, ok := FromShell(w, known)
		assert.Equal(t, want != "", ok, word)
		if ok {
			assert.Equal(t, want, got, word)
		}
	}
}
