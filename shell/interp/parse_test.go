package interp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
)

func TestInterpreter(t *testing.T) {
	for _, tc := range []struct {
		name, path, src      string
		interpreter, dialect string
	}{
		{"bash", "a", "#!/bin/bash\n", "bash", "bash"},
		{"bash with options", "a", "#!/bin/bash -eu\n", "bash", "bash"},
		{"env", "a", "#!/usr/bin/env bash\n", "bash", "bash"},
		{"env -S", "a", "#!/usr/bin/env -S A=b bash -e\n", "bash", "bash"},
		{"env alone", "a", "#!/usr/bin/env\n", "env", ""},
		{"space", "a", "#! /bin/sh\n", "sh", "posix"},
		{"sh", "a", "#!/bin/sh", "sh", "posix"},
		{"dash", "a", "#!/usr/bin/dash\n", "dash", "posix"},
		{"busybox", "a", "#!/bin/busybox sh\n", "sh", "posix"},
		{"ash", "a", "#!/bin/ash\n", "ash", "posix"},
		{"ksh", "a", "#!/bin/ksh\n", "ksh", "mksh"},
		{"mksh", "a", "#!/bin/mksh\n", "mksh", "mksh"},
		{"bats", "a", "#!/usr/bin/env bats\n", "bats", "bats"},
		{"zsh", "a.sh", "#!/bin/zsh\nprint -l *(.)\n", "zsh", ""},
		{"fish", "a.sh", "#!/usr/bin/fish\nif true\nend\n", "fish", ""},
		{"python", "a.sh", "#!/usr/bin/python3\nif x:\n", "python3", ""},
		{"crlf", "a", "#!/bin/bash\r\n", "bash", "bash"},
		{"bom", "a", "\xef\xbb\xbf#!/bin/bash\n", "bash", "bash"},
		{"nothing", "a", "#!\n", "", "bash"},
		{"no shebang", "a.sh", "echo\n", "", "bash"},
		{"no shebang, no extension", "setup", "echo\n", "", "bash"},
		{"no shebang, python", "a.py", "if x:\n", "", ""},
		{"no shebang, perl", "a.pl", "if (1) {}\n", "", ""},
		{"no shebang, ruby", "a.rb", "if x\n", "", ""},
		{"no shebang, node", "a.mjs", "if (x) {}\n", "", ""},
		{"no shebang, sql", "a.sql", "select (1;\n", "", ""},
		{"empty", "a.sh", "", "", "bash"},
		{"binary", "a", "\x7fELF\x00\x01", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Parse(tc.path, []byte(tc.src))
			require.NoError(t, err)
			require.Equal(t, tc.interpreter, s.Interpreter)
			require.Equal(t, tc.dialect, s.Dialect)
			require.Equal(t, tc.dialect != "", s.Shell)
			require.Equal(t, tc.name == "binary", s.Binary)
			require.Equal(t, tc.name == "bom", s.BOM)
			require.Equal(t, tc.name == "crlf", s.CRLF.IsValid())
		})
	}
	s, err := Parse("a", []byte("#! /usr/bin/env -S bash -e\n"))
	require.NoError(t, err)
	require.Equal(t, shell.Shebang{Line: "#! /usr/bin/env -S bash -e", Program: "/usr/bin/env", Args: []string{"-S", "bash", "-e"}, Pos: shell.Pos{Line: 1, Column: 1}}, s.Shebang)

	s, err = parseWith("RUN", []byte("a"), Options{Interpreter: "sh"})
	require.NoError(t, err)
	require.Equal(t, "posix", s.Dialect)
}

// Busybox's ash reads more than POSIX's shell does, and less than bash.
func TestBeyondAsh(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		at   int // the line that ash does not read, 0 for none
	}{
		"test":          {"[[ -n $a && $a == b* ]]", 0},
		"replace":       {"echo \"${a/b/c}\" \"${a:1:2}\"", 0},
		"function":      {"function f() { local a=1; }", 0},
		"dollar quotes": {"x=$'a\\tb'; [[ $x ]]", 0},
		"arrays":        {"[[ a ]]\nlist=(a b)", 2},
		"element":       {"[[ a ]]\necho \"${list[0]}\"", 2},
		"arithmetic":    {"[[ a ]]\n((a++))", 2},
		"process":       {"[[ a ]]\ncat <(echo a)", 2},
		"here-string":   {"[[ a ]]\ncat <<<a", 2},
		"indirect":      {"[[ a ]]\necho \"${!a}\"", 2},
		"case":          {"[[ a ]]\necho \"${a^^}\"", 2},
		"declare":       {"[[ a ]]\ndeclare -A m", 2},
		"loop":          {"[[ a ]]\nfor ((i=0; i<3; i++)); do :; done", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Parse("a.sh", []byte("#!/bin/sh\n"+tc.text+"\n"))
			require.NoError(t, err)
			require.NotNil(t, s.Bashism)
			if tc.at == 0 {
				require.Nil(t, s.BeyondAsh)
				return
			}
			require.NotNil(t, s.BeyondAsh)
			require.Equal(t, tc.at+1, s.BeyondAsh.Pos.Line)
		})
	}
}

func TestBashism(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{"array", "a=(1 2)", "2:3: arrays: known to"},
		{"process substitution", "cat <(a)", "2:5: "},
		{"double brackets", "if [[ a == b && c == d ]]; then e; fi", "2:4: [[: known to bash and mksh only, but this script is read as posix"},
		{"here string", "a <<<b", "2:3: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Parse("a.sh", []byte("#!/bin/sh\n"+tc.src+"\nneedle\n"))
			require.NoError(t, err)
			require.Equal(t, "bash", s.Dialect)
			require.NotNil(t, s.Bashism)
			require.Contains(t, s.Bashism.Error(), "a.sh:"+tc.want)
			find(t, s, "needle")
		})
	}
	s, err := Parse("a.sh", []byte("#!/bin/sh\nf() { local x=1; [ a = b ]; }\n"))
	require.NoError(t, err)
	require.Nil(t, s.Bashism)
}

func TestSyntaxErrors(t *testing.T) {
	for _, tc := range []struct{ name, src, want string }{
		{"open quote", "a\necho 'b\nc", "a.sh:2:6: reached EOF without closing quote"},
		{"open if", "if a; then\nb\n", "a.sh:1:1: "},
		{"open heredoc", "a\ncat <<EOF\nb\n", "a.sh:2:5: "},
		{"stray fi", "a\n  fi\n", "a.sh:2:3: "},
		{"nul", "#!/bin/bash\na\x00b\n", "a.sh:2:2: a NUL byte"},
		{"bom and error", "\xef\xbb\xbfa; )", "a.sh:1:7: "},
		{"crlf", "a\r\n  fi\r\n", "a.sh:2:3: "},
		{"both grammars", "#!/bin/sh\na=(1\n", "a.sh:2:3: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := Parse("a.sh", []byte(tc.src+"\n# NAME"))
			var serr *shell.SyntaxError
			require.ErrorAs(t, err, &serr)
			require.Equal(t, serr, s.Broken)
			require.Empty(t, s.Calls)
			_, ok := s.Mentions("NAME")
			require.True(t, ok, "where the text is all there is, comments count")
			require.Contains(t, err.Error(), tc.want)
		})
	}
}

func TestCRLF(t *testing.T) {
	s, err := Parse("a.sh", []byte("#!/bin/bash\necho a\r\nb \\\r\n  c\r\n"))
	require.NoError(t, err)
	require.Equal(t, shell.Pos{Line: 2, Column: 7}, s.CRLF)
	require.Equal(t, []string{"echo a", "b c"}, renderCalls(s))
}

func TestInvalidUTF8(t *testing.T) {
	s, err := Parse("a.sh", []byte("# caf\xe9\necho ok \xff\n"))
	require.NoError(t, err)
	require.Equal(t, shell.Pos{Line: 1, Column: 6}, s.InvalidUTF8)
	require.Equal(t, []string{"echo ok %"}, renderCalls(s))
}

func TestTooLarge(t *testing.T) {
	_, err := parseWith("a.sh", []byte(strings.Repeat("a\n", 100)), Options{MaxSize: 100})
	var large *shell.TooLargeError
	require.True(t, errors.As(err, &large))
	require.Equal(t, &shell.TooLargeError{Path: "a.sh", Size: 200, Max: 100}, large)
	require.Equal(t, "a.sh has 200 bytes, and scripts are read up to 100; give a large file to a short script as an input", err.Error())
}

// However deep a text is nested, the stack is bounded and the text is either
// read or refused with a position.
func TestDeepNesting(t *testing.T) {
	const n = 30_000
	for _, tc := range []struct{ name, open, mid, end string }{
		{"subshells", "( ", "a", " )"},
		{"substitutions", "$( ", "a", " )"},
		{"quoted substitutions", `"$(a `, "b", `)"`},
		{"blocks", "{ ", "a", "; }"},
		{"ifs", "if ", "a", "; then b; fi"},
		{"loops", "while a; do ", "b", "; done"},
		{"cases", "case a in b) ", "c", ";; esac"},
		{"functions", "f() { ", "a", "; }"},
		{"parentheses", "$((( ", "1", " )))"},
		{"arithmetic", "a $((", "1", "))"},
		{"defaults", "${a:-", "b", "}"},
		{"tests", "[[ ( ", "a", " ) ]]"},
		{"backquotes", "`", "a", ""},
		{"negations", "! ", "a", ""},
		{"times", "time ", "a", ""},
		{"pipes", "a | ", "b", ""},
		{"ands", "a && ", "b", ""},
		{"sums", "", "(( 1" + strings.Repeat(" + 1", n) + " ))", ""},
		{"ternaries", "", "(( 1" + strings.Repeat(" ? 1 : 1", n) + " ))", ""},
		{"minuses", "", "(( " + strings.Repeat("- ", n) + "1 ))", ""},
		{"elifs", "", "if a; then b;" + strings.Repeat(" elif a; then b;", n) + " fi", ""},
		{"heredocs", "cat <<EOF\n$(", "a", ")\nEOF\n"},
		{"commands", "a; ", "b", ""},
		{"words", "", "a" + strings.Repeat(" b", n), ""},
		{"braces", "", "a " + strings.Repeat("{b,", n) + strings.Repeat("}", n), ""},
		{"brace product", "", "a " + strings.Repeat("{b,c}", 100), ""},
		{"evals", "eval '", "a", "'"},
		{"wrappers", "sudo ", "a", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := strings.Repeat(tc.open, n) + tc.mid + strings.Repeat(tc.end, n)
			_, err := parseWith("a.sh", []byte(src), Options{MaxSize: len(src)})
			var serr *shell.SyntaxError
			if err != nil && !errors.As(err, &serr) {
				t.Fatalf("%T: %v", err, err)
			}
		})
	}
	_, err := Parse("a.sh", []byte(strings.Repeat("( ", 200_000)))
	require.ErrorContains(t, err, "nested too deeply")
	_, err = Parse("a.sh", []byte(strings.Repeat("(", 50)+"a"+strings.Repeat(")", 50)))
	require.NoError(t, err)
}

// A script that would take forever to go through call by call is still read.
func TestManySteps(t *testing.T) {
	var b strings.Builder
	b.WriteString("f0() { a; }\n")
	for i := 1; i < 40; i++ {
		fmt.Fprintf(&b, "f%d() { f%d; f%d; }\n", i, i-1, i-1)
	}
	b.WriteString("for i in {1..100}; do for j in {1..100}; do for k in {1..100}; do f0; f39; done; done; done; needle\n")
	b.WriteString("g() { late; }; g; h() { never; }\n")
	s, err := Parse("a.sh", []byte(b.String()))
	require.NoError(t, err)
	find(t, s, "needle")
	find(t, s, "a")
	require.False(t, find(t, s, "late").Unreached, "it is called, though nobody follows")
	require.True(t, find(t, s, "never").Unreached)

	p := load(t, context("-- main.sh --\n"+b.String()+". ./lib.sh\n-- lib.sh --\nfrom_lib\n"), Options{Dir: "/context"})
	require.True(t, p.Incomplete)
	require.False(t, find(t, p.Helpers[0].Script, "from_lib").Unreached)
}
