package interp

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

func TestSources(t *testing.T) {
	files := context(`-- main.sh --
D=$(dirname "$0")
. "$D/lib/a.sh"
source $D/lib/c.sh
for f in "$D"/lib/x/*.sh; do . "$f"; done
[ -f /etc/default/pg ] && . /etc/default/pg
. "$unknown"
. lib/missing.sh
. "$D/lib/broken.sh"
if [ -r ./maybe.sh ]; then . ./maybe.sh; fi
f() { . lib/a.sh; }
see "$FROM_A" "$FROM_B" "$FROM_X"
fromb 1
-- lib/a.sh --
FROM_A=$(dirname "${BASH_SOURCE[0]}")
. "$(dirname "${BASH_SOURCE[0]}")/b.sh"
-- lib/b.sh --
FROM_B=$0
fromb() { see "$1"; }
. lib/a.sh
-- lib/c.sh --
return 0
-- lib/x/1.sh --
FROM_X=1
-- lib/x/2.sh --
FROM_X=2
-- lib/broken.sh --
if
`)
	p := load(t, files, Options{Dir: "/context"})
	var helpers []string
	for _, h := range p.Helpers {
		helpers = append(helpers, fmt.Sprintf("%s<-%s:%d", h.Script.Path, h.From, h.Pos.Line))
	}
	require.Equal(t, []string{
		"lib/a.sh<-main.sh:2", "lib/b.sh<-lib/a.sh:2", "lib/c.sh<-main.sh:3", "lib/x/1.sh<-main.sh:4", "lib/x/2.sh<-main.sh:4",
		"lib/broken.sh<-main.sh:8",
	}, helpers)
	var unresolved []string
	for _, s := range p.Unresolved {
		unresolved = append(unresolved, fmt.Sprintf("%d %s optional=%v", s.Pos.Line, s.Absolute, s.Optional))
	}
	require.Equal(t, []string{
		"5 /etc/default/pg optional=true", "6  optional=false", "7 /context/lib/missing.sh optional=false",
		"8 /context/lib/broken.sh optional=false", "9 /context/maybe.sh optional=true",
	}, unresolved)
	require.ErrorIs(t, p.Unresolved[0].Err, ErrOutsideContext)
	require.ErrorIs(t, p.Unresolved[1].Err, ErrUnknownPath)
	require.ErrorIs(t, p.Unresolved[2].Err, fs.ErrNotExist)
	var serr *shell.SyntaxError
	require.ErrorAs(t, p.Unresolved[3].Err, &serr)
	require.Equal(t, "lib/broken.sh", serr.Path)
	require.ErrorIs(t, p.Unresolved[4].Err, fs.ErrNotExist)

	// What a helper sets and defines is known to the script.
	require.Equal(t, "see /context/lib /context/main.sh *", render(find(t, p.Main, "see")), "an unseen file may have changed the last")
	require.Equal(t, "see 1", render(find(t, p.Helpers[1].Script, "see")))
	require.Equal(t, shell.CallFunction, find(t, p.Main, "fromb").Kind)

	// Parsed alone, nobody tries.
	src, err := fs.ReadFile(files, "main.sh")
	require.NoError(t, err)
	s, err := parseWith("main.sh", src, Options{Dir: "/context"})
	require.NoError(t, err)
	require.Len(t, s.Sources, 9)
	require.Equal(t, "lib/a.sh", s.Sources[0].Path)
	require.NoError(t, s.Sources[0].Err)
}

func TestHelperValues(t *testing.T) {
	p := load(t, context(`-- main.sh --
. ./lib.sh "$0"
see "$HERE" "$ME" "$PREFIX"
setup
see "$LATER"
-- lib.sh --
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ME=$0
PREFIX=${PREFIX:-/usr/local}
setup() { LATER=$1; log "$LATER"; }
log() { echo "$@"; }
if [ -n "$STOP" ]; then return; fi
`), Options{Dir: "/context"})
	require.Equal(t, `/context /context/main.sh /usr/local | ""`, seen(p.Main))
}

func TestMounts(t *testing.T) {
	opts := Options{Dir: "/", Mounts: []Mount{
		{Source: "setup", Target: "/tmp/setup"},
		{Source: "setup/lib", Target: "/opt/lib"},
		{Source: "entrypoint.sh", Target: "/entrypoint.sh"},
	}}
	for _, tc := range []struct{ context, absolute string }{
		{"setup/a.sh", "/tmp/setup/a.sh"},
		{"setup/lib/b.sh", "/opt/lib/b.sh"},
		{"entrypoint.sh", "/entrypoint.sh"},
		{"setup", "/tmp/setup"},
	} {
		abs, ok := opts.Absolute(tc.context)
		require.True(t, ok)
		require.Equal(t, tc.absolute, abs)
		back, ok := opts.Context(tc.absolute)
		require.True(t, ok)
		require.Equal(t, tc.context, back)
	}
	for _, absolute := range []string{"/tmp", "/tmp/setup2", "/", "/entrypoint.sh.bak"} {
		_, ok := opts.Context(absolute)
		require.False(t, ok, absolute)
	}
	_, ok := opts.Absolute("config/x")
	require.False(t, ok)

	p, err := NewFSLoader(context("-- setup/main.sh --\n. /opt/lib/b.sh\n\"$(dirname \"$0\")/a.sh\"\n-- setup/lib/b.sh --\nx=1\n")).Load("setup/main.sh", opts)
	require.NoError(t, err)
	require.Len(t, p.Helpers, 1)
	require.Equal(t, []string{"setup/a.sh"}, children(p))

	// A script that is nowhere does not know its folder.
	s, err := parseWith("config/x.sh", []byte(`see "$0"`), opts)
	require.NoError(t, err)
	require.Equal(t, "*", seen(s))
}

func TestFollow(t *testing.T) {
	files := context(`-- main.sh --
export V=1 W="$x"
./a.sh
for f in s/*.sh; do bash "$f"; done
python3 p.py
./missing.sh
bash broken.sh
-- a.sh --
see "$V" "${W:-d}" "${X:-d}" "$1"
. ./lib.sh
./b.sh
-- b.sh --
./a.sh
IN_B
-- s/1.sh --
see "$IN_GLOB"
-- s/2.sh --
2
-- p.py --
import os; os.environ["IN_PYTHON"]
-- lib.sh --
echo "$IN_LIB"
-- broken.sh --
(
`)
	p := load(t, files, Options{Dir: "/context", Follow: true})
	var paths []string
	for _, q := range p.Programs {
		paths = append(paths, q.Main.Path)
	}
	require.Equal(t, []string{"a.sh", "s/1.sh", "s/2.sh", "p.py", "broken.sh", "b.sh"}, paths)
	require.Equal(t, "1 * d *", seen(p.Programs[0].Main), "what is exported is known to a child")
	require.Len(t, p.Broken, 1)
	require.Equal(t, "broken.sh", p.Broken[0].Path)
	for _, name := range []string{"IN_B", "IN_GLOB", "IN_PYTHON", "IN_LIB"} {
		_, _, ok := p.Mentions(name)
		require.True(t, ok, name)
	}
	path, pos, ok := p.Mentions("IN_PYTHON")
	require.True(t, ok)
	require.Equal(t, "p.py", path)
	require.Equal(t, shell.Pos{Line: 1, Column: 24}, pos)
	_, _, ok = p.Mentions("NOWHERE")
	require.False(t, ok)
	require.Len(t, p.Closure(), 8)
}

func TestLoadText(t *testing.T) {
	l := NewFSLoader(context("-- a.sh --\nprintenv\n"))
	p, err := l.LoadText("Dockerfile:7", []byte("set -ex; apt-get update && ./a.sh; needle $X"), Options{Dir: "/context", Interpreter: "sh", Follow: true})
	require.NoError(t, err)
	require.Equal(t, "posix", p.Main.Dialect)
	require.Equal(t, []string{"a.sh +if"}, children(p))
	find(t, p.Main, "needle")
	path, pos, ok := p.ReadsAll()
	require.True(t, ok)
	require.Equal(t, "a.sh", path)
	require.Equal(t, shell.Pos{Line: 1, Column: 1}, pos)

	_, err = l.LoadText("x", []byte("("), Options{})
	require.Error(t, err)
	p, err = l.LoadText("x", []byte("aaaa"), Options{MaxSize: 2})
	require.Error(t, err)
	require.Nil(t, p)
}

func TestFollowDynamic(t *testing.T) {
	files := context(`-- main.sh --
one() { ./a.sh; }
"$1"
-- a.sh --
IN_A
`)
	p := load(t, files, Options{Dir: "/context", Follow: true})
	require.Empty(t, p.Children)
	_, _, ok := p.Mentions("IN_A")
	require.True(t, ok, "the name may be that of any function")
}

func TestFollowDeep(t *testing.T) {
	files := context(`-- main.sh --
find s -name '*.sh' -exec bash {} \;
find s -name '*.sh' | sort | while read -r f; do bash "$f"; done
-- s/1.sh --
-- s/a/2.sh --
-- s/a/b/3.sh --
`)
	p := load(t, files, Options{Dir: "/context", Follow: true})
	require.Len(t, p.Programs, 3)
	require.Len(t, p.Children, 2)
	require.True(t, p.Children[0].Unordered)
	require.False(t, p.Children[1].Unordered)
}

func TestLoadErrors(t *testing.T) {
	_, err := NewLoader(func(string) ([]byte, error) { return nil, fs.ErrPermission }, nil).Load("a.sh", Options{})
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "a.sh")
	_, err = NewLoader(func(string) ([]byte, error) { return []byte("("), nil }, nil).Load("a.sh", Options{})
	var serr *shell.SyntaxError
	require.True(t, errors.As(err, &serr))
}

func TestLoaderParsesOnce(t *testing.T) {
	files := context("-- main.sh --\n. ./lib.sh\n-- lib.sh --\na\n")
	count := map[string]int{}
	l := NewLoader(func(name string) ([]byte, error) {
		count[name]++
		return fs.ReadFile(files, name)
	}, nil)
	for range 3 {
		_, err := l.Load("main.sh", Options{Dir: "/context"})
		require.NoError(t, err)
	}
	require.Equal(t, map[string]int{"main.sh": 1, "lib.sh": 1}, count)
}

// One loader serves many goroutines, and the result is the same every time.
func TestLoaderConcurrently(t *testing.T) {
	l := NewFSLoader(os.DirFS("testdata/pg"))
	opts := Options{Dir: "/", Follow: true}
	p, err := l.Load("setup/setup.sh", opts)
	require.NoError(t, err)
	want := dump(p)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			p, err := l.Load("setup/setup.sh", opts)
			if err != nil || dump(p) != want {
				t.Error("a different result", err)
			}
		})
	}
	wg.Wait()
}
