package interp

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/pgstrata/pgstrata/shell"
)

// FuzzParse: whatever the text, reading it ends, does not panic, and gives the
// same result twice, with every position within the text.
func FuzzParse(f *testing.F) {
	err := fs.WalkDir(os.DirFS("testdata"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(name, "fuzz/") {
			return err
		}
		src, err := os.ReadFile(path.Join("testdata", name))
		if err == nil {
			f.Add(src)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, src := range seeds() {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		opts := Options{Dir: "/", MaxSize: 1 << 16, Vars: map[string]string{"VERSION": "15.4"}, Follow: true}
		read := func(name string) ([]byte, error) {
			if name == "a.sh" || name == "lib.sh" {
				return src, nil
			}
			return nil, fs.ErrNotExist
		}
		p, err := NewLoader(read, nil).Load("a.sh", opts)
		if err != nil {
			return
		}
		lines := strings.Count(string(src), "\n") + 1
		for _, s := range p.Closure() {
			checkPositions(t, s, lines)
			s.Mentions("VERSION")
			s.ReadsAll()
		}
		again, err := NewLoader(read, nil).Load("a.sh", opts)
		if err != nil || dump(p) != dump(again) {
			t.Fatalf("two readings differ: %v", err)
		}
	})
}

// seeds are short texts of the kinds that are hard to read.
func seeds() []string {
	return []string{
		"", "#!/bin/sh", "#!", "#!/usr/bin/env -S bash -e\n", "\xef\xbb\xbf#!/bin/bash\necho", "a\r\nb\r\n", "\x00\x01\x02",
		"echo \xff\xfe", "((((((((", "f() { f; }; f", "f() { g; }; g() { f; }; f", "while :; do :; done",
		"for i in {1..999999}; do echo $i; done", "x={a,b}{c,d}{e,f}; echo {a,{b,c}}", "sh -c 'sh -c \"sh -c a\"'",
		"bash <<EOF\necho $VERSION\nEOF\n", "bash <<'EOF'\necho \\$VERSION\nEOF\n", "eval \"$x\"; eval 'a=b'; eval a '$b'",
		"trap 'f \"$1\"' EXIT; f() { shift 3; \"$@\"; }", "a=(1 2); a+=(3); echo \"${a[@]:1}\" ${a[-1]} ${!a[@]} ${!x} ${#a}",
		"x=a; x=$x$x; x=$x$x; x=$x$x; x=$x$x; echo $x", ". lib.sh; source ./lib.sh; . $x", "bash ./a.sh; ./a.sh; exec ./lib.sh",
		"find . -name '*.sh' -exec bash {} \\; | while read -r f; do . \"$f\"; done", "set -- a b; shift; echo $1 $#",
		"sudo -u x env A=b nice -n 5 timeout 3 flock -c 'a b' f", "su - pg -c \"psql -c 'select 1'\"", "case $x in a|b) c;; *) d;& esac",
		"[[ -f $x && ( $a == b* || ! -d c ) ]] && . $x", "[ \"$VERSION\" -ge 3 ] || exit 1", "echo $(cut -d. -f1 <<<\"$VERSION\")",
		"coproc a { b; }", "select x in a b; do c; done", "a &\nb |& c", "let x=1+2; ((x++)); echo $((x ? y : z))",
		"declare -A m=([a]=b); declare -n r=m; local x", "printf -v x %s y; read -ra z <<< \"a b\"; mapfile -t l < <(ls *.sh)",
		"echo `echo \\`echo a\\``", "${x:=$(a)}; ${y:+b}; ${z%%.*}; ${w//a/b}; ${v:1:2}; ${u^^}", "function f { return; }; f | g",
	}
}

func checkPositions(t *testing.T, s *shell.Script, lines int) {
	t.Helper()
	check := func(what string, p shell.Pos) {
		if p.Line < 1 || p.Line > lines || p.Column < 1 {
			t.Fatalf("%s at %v, the text has %d lines", what, p, lines)
		}
	}
	for i := range s.Calls {
		check("call "+s.Calls[i].Name, s.Calls[i].Pos)
		for _, a := range s.Calls[i].Args {
			check("argument "+a.Text, a.Pos)
		}
	}
	for i := range s.Assigns {
		check("assignment "+s.Assigns[i].Name, s.Assigns[i].Pos)
	}
	for i := range s.Sources {
		check("source", s.Sources[i].Pos)
	}
	for i := range s.Children {
		check("child", s.Children[i].Pos)
	}
}
