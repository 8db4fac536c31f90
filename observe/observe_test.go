package observe

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/graph"
	"github.com/pgstrata/pgstrata/spec"
	"github.com/pgstrata/pgstrata/trace"
)

// recorded makes a record of lines such as "/a absent,created nothing file"; a
// short form of that is "/a new", others are below.
func recorded(t *testing.T, lines string) *trace.Record {
	t.Helper()
	r := &trace.Record{Version: trace.Version}
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if f[0] == "unknown" {
			r.Unknown = append(r.Unknown, strings.Join(f[1:], " "))
			continue
		}
		if len(f) == 2 {
			f = append(f[:1], strings.Fields(map[string]string{
				"new":     "absent,created nothing file",
				"newdir":  "absent,created nothing directory",
				"scratch": "absent,created,deleted nothing nothing",
				"reads":   "read file file",
				"runs":    "read,executed file file",
				"absent":  "absent nothing nothing",
				"looks":   "looked directory directory",
				"ensures": "looked,ensured directory directory",
				"lists":   "listed directory directory",
				"changes": "read,written file file",
				"chmods":  "looked,attributes directory directory",
				"deletes": "looked,deleted file nothing",
			}[f[1]])...)
		}
		p := trace.Path{Name: f[0], Was: trace.Kind(f[2]), Left: trace.Kind(f[3])}
		require.NoError(t, p.Did.UnmarshalText([]byte(f[1])))
		r.Paths = append(r.Paths, p)
	}
	slices.SortFunc(r.Paths, func(a, b trace.Path) int { return strings.Compare(a.Name, b.Name) })
	return r
}

// chainOf makes a chain of scripts: entries and what they did, in turn. An entry
// is as a build file has it; cleanup stands for a cleanup script.
func chainOf(t *testing.T, pairs ...string) (*Chain, *spec.File) {
	t.Helper()
	text, cleanup, records, files := "base: debian\nargs: {VERSION: \"1.5\"}\nsetup:\n  build_artifacts: [/build]\n  scripts:\n", "", map[string]*trace.Record{}, map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		entry := pairs[i]
		name := strings.TrimSuffix(strings.Fields(strings.NewReplacer("{", "", "}", "", "path:", "", ",", " ").Replace(entry))[0], ".sh")
		files[name+".sh"] = "#!/bin/sh\necho $VERSION\n"
		if name == "cleanup" {
			cleanup = "  final_cleanup: [cleanup.sh]\n"
		} else {
			text += "    - " + entry + "\n"
		}
		records[name] = recorded(t, pairs[i+1])
	}
	files["patches/a"], files["patches/b"] = "", ""
	f, err := spec.Load("Dockerfile", []byte(text+cleanup), spec.Options{})
	require.NoError(t, err)
	context := contextOf(files)
	require.NoError(t, f.Discover(context))
	g, err := graph.New(f, context, graph.Options{Platform: "linux/amd64"})
	require.NoError(t, err)
	c := New(g, f, records)
	c.Given = func(name string) bool { _, is := context[name]; return is || name == "patches" }
	c.Entries = func(name string) []string { return map[string][]string{"patches": {"a", "b"}}[name] }
	return c, f
}

// placed describes a proposal: a line for each script.
func placed(p *Proposal) []string {
	var out []string
	for _, s := range p.Scripts {
		line := s.Name + ":"
		if s.Stays != "" {
			line += " stays: " + s.Stays + ";"
		}
		if len(s.Needs) > 0 {
			line += " needs " + strings.Join(s.Needs, " ")
		}
		if len(s.Outputs) > 0 {
			line += " gives " + strings.Join(s.Outputs, " ")
		}
		out = append(out, line)
	}
	return out
}

func TestPropose(t *testing.T) {
	for name, test := range map[string]struct {
		scripts []string
		want    []string
	}{
		"beside each other": {
			[]string{"a.sh", "/opt/a newdir\n/opt/a/x new", "b.sh", "/opt/b new\n/opt looks"},
			[]string{"a: gives /opt/a", "b: gives /opt/b"},
		},
		"a file that is read": {
			[]string{"a.sh", "/opt/a new", "b.sh", "/opt/a reads\n/opt/b new"},
			[]string{"a: gives /opt/a", "b: needs a gives /opt/b"},
		},
		"the last who changed it": {
			[]string{"a.sh", "/opt/a new", "b.sh", "/opt/a changes", "c.sh", "/opt/a reads\n/c new"},
			[]string{"a: gives /opt/a", "b: stays: it changes /opt/a, which a left; needs a", "c: needs b gives /c"},
		},
		"a folder that is listed": {
			[]string{"a.sh", "/opt/x/a new", "b.sh", "/opt/x/b new", "c.sh", "/opt/x lists\n/c new"},
			[]string{"a: gives /opt/x/a", "b: gives /opt/x/b", "c: needs a b gives /c"},
		},
		"what another one made and deleted again": {
			[]string{"a.sh", "/opt/x/a new\n/opt/x/s scratch", "b.sh", "/opt/x/s absent\n/b new"},
			[]string{"a: gives /opt/x/a", "b: gives /b"},
		},
		"a folder that both would have made": {
			[]string{"a.sh", "/opt/x newdir\n/opt/x/a new", "b.sh", "/opt/x ensures\n/opt/x/b new"},
			[]string{"a: gives /opt/x/a", "b: gives /opt/x/b"},
		},
		"a folder that it counts on": {
			[]string{"a.sh", "/opt/x newdir\n/opt/x/a new", "b.sh", "/opt/x looks\n/opt/x/b new"},
			[]string{"a: gives /opt/x", "b: needs a gives /opt/x/b"},
		},
		"needs of needs": {
			[]string{"a.sh", "/a new", "b.sh", "/a reads\n/b new", "c.sh", "/a reads\n/b reads\n/c new"},
			[]string{"a: gives /a", "b: needs a gives /b", "c: needs b gives /c"},
		},
		"the package database": {
			[]string{"a.sh", "/var/lib/dpkg/status changes\n/var/lib/dpkg/info/perl.list new\n/usr/bin/perl new", "b.sh", "/usr/bin/perl runs\n/b new", "c.sh", "/c new"},
			[]string{"a: stays: it installs packages (perl);", "b: needs a gives /b", "c: gives /c"},
		},
		"accounts": {
			[]string{"a.sh", "/etc/passwd changes\n/home/x newdir", "b.sh", "/etc/passwd reads\n/b new"},
			[]string{"a: stays: it changes the accounts (/etc/passwd);", "b: needs a gives /b"},
		},
		"alternatives": {
			[]string{"a.sh", "/var/lib/dpkg/alternatives/awk changes"},
			[]string{"a: stays: it changes the alternatives (/var/lib/dpkg/alternatives/awk);"},
		},
		"the linker's cache is renewed": {
			[]string{"a.sh", "/etc/ld.so.cache changes\n/usr/local/lib/liba.so new", "b.sh", "/etc/ld.so.cache reads\n/b new"},
			[]string{"a: gives /usr/local/lib/liba.so", "b: gives /b"},
		},
		"a file that is deleted": {
			[]string{"a.sh", "/etc/motd deletes\n/a new", "b.sh", "/a deletes\n/b new"},
			[]string{"a: stays: it deletes /etc/motd, which the base or a package left;", "b: stays: it deletes /a, which a left;"},
		},
		"a folder's mode": {
			[]string{"a.sh", "/opt chmods\n/a new"},
			[]string{"a: stays: it changes owner, mode or attributes of the directory /opt;"},
		},
		"what lies apart": {
			[]string{"a.sh", "/tmp/x new\n/var/log/x new\n/var/log/d newdir\n/root/.cache newdir\n/root/.cache/x new\n/build/x new\n/a new"},
			[]string{"a: gives /a /var/log/d"},
		},
		"scratch that is read": {
			[]string{"a.sh", "/tmp/x new", "b.sh", "/tmp/x reads\n/b new"},
			[]string{"a: gives /tmp/x", "b: needs a gives /b"},
		},
		"nothing": {
			[]string{"a.sh", "/etc/motd reads"},
			[]string{"a: stays: it leaves nothing behind;"},
		},
		"not followed": {
			[]string{"0.sh", "/0 new", "a.sh", "unknown mounts\n/a new", "b.sh", "/b new"},
			[]string{"0: gives /0", "a: stays: it could not be followed: mounts; needs 0", "b: needs a gives /b"},
		},
		"many files of one beginning": {
			[]string{"a.sh", "/usr/share/e/hs--1 new\n/usr/share/e/hs--2 new\n/usr/share/e/hs--3 new\n/usr/share/e/hs--4 new"},
			[]string{"a: gives /usr/share/e/hs--*"},
		},
		"many files of one word": {
			[]string{"a.sh", "/usr/share/e/hstore--1 new\n/usr/share/e/hstore--2 new\n/usr/share/e/hstore--3 new\n/usr/share/e/hstore.control new"},
			[]string{"a: gives /usr/share/e/hstore*"},
		},
		"many files of a beginning that is not theirs alone": {
			[]string{"a.sh", "/e/hstore--1 new\n/e/hstore--2 new\n/e/hstore--3 new\n/e/hstore--4 new", "b.sh", "/e/hstore_x new"},
			[]string{"a: gives /e/hstore--*", "b: gives /e/hstore_x"}, // a word goes up to the sign
		},
		"a name that looks like a pattern": {
			[]string{"a.sh", "/a[1] new"},
			[]string{`a: gives /a\[1]`},
		},
		"a cleanup that deletes": {
			[]string{"a.sh", "/a newdir\n/a/doc new\n/a/bin new", "cleanup", "/a/doc deletes"},
			[]string{"a: gives /a/bin", "cleanup:"},
		},
		"a cleanup that changes": {
			[]string{"a.sh", "/a new", "cleanup", "/a changes"},
			[]string{"a: stays: the cleanup script cleanup changes /a, and sees the chain alone;", "cleanup:"},
		},
		"a script of the chain needs an isolated one, and the chain has it from then on": {
			[]string{"a.sh", "/a new", "b.sh", "/a reads\n/etc/group changes", "c.sh", "/a reads\n/etc/group changes"},
			[]string{"a: gives /a", "b: stays: it changes the accounts (/etc/group); needs a", "c: stays: it changes the accounts (/etc/group);"},
		},
		"an isolated one needs the chain, that has what it needs": {
			[]string{"a.sh", "/a new", "b.sh", "/a reads\n/etc/group changes\n/b new", "c.sh", "/a reads\n/b reads\n/c new"},
			[]string{"a: gives /a", "b: stays: it changes the accounts (/etc/group); needs a", "c: needs b gives /c"},
		},
		"what is declared": {
			[]string{"{path: a.sh, outputs: [/opt]}", "/opt/a new", "b.sh", "/opt/b new", "c.sh", "/opt/a reads\n/opt/c new"},
			[]string{"a: gives /opt", "b: stays: it leaves /opt/b, and a leaves /opt;", "c: needs a gives /opt/c"},
		},
		"bytecode": {
			[]string{"a.sh", "/l newdir\n/l/m.py new\n/l/__pycache__ newdir\n/l/__pycache__/m.pyc new", "b.sh", "/l/__pycache__/m.pyc reads\n/b new"},
			[]string{"a: gives /l", "b: gives /b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := chainOf(t, test.scripts...)
			assert.Equal(t, test.want, placed(c.Propose(nil)))
		})
	}
}

func TestWhatCountsInAComparison(t *testing.T) {
	for name, counts := range map[string]bool{
		"/var/lib/dpkg/status": true, "/var/lib/dpkg/status-old": false, "/var/lib/dpkg/info/x.list": true,
		"/etc/ld.so.cache": false, "/etc/ld.so.conf": true, "/usr/lib/python3/__pycache__/x.pyc": false,
		"/tmp/x": false, "/var/log/x": false, "/var/cache/apt/pkgcache.bin": false, "/var/cache/x": true,
	} {
		assert.Equal(t, counts, Counts(name, false), name)
	}
	for name, counts := range map[string]bool{"/tmp": true, "/var/log/postgresql": true, "/root/.cache": false} {
		assert.Equal(t, counts, Counts(name, true), name)
	}
}

func TestScriptsThatHaveToStay(t *testing.T) {
	c, _ := chainOf(t, "a.sh", "/a new", "b.sh", "/b new", "c.sh", "/b reads\n/c new", "d.sh", "/d new")
	p := c.Propose(map[string]string{"b": "alone, it fails"})
	assert.Equal(t, []string{"a: gives /a", "b: stays: alone, it fails; needs a", "c: needs b gives /c", "d: gives /d"}, placed(p),
		"nobody knows what it reads of those before it")
	assert.Equal(t, 3, p.Depth())
	assert.Equal(t, "c", c.Leaves(p, "/c"))
	assert.Empty(t, c.Leaves(p, "/b"), "it is in the chain")
}

func TestWhatIsWithheld(t *testing.T) {
	c, _ := chainOf(t, "{path: a.sh, outputs: [/opt/a]}", "/opt/a new\n/opt/doc new\n/etc/x new", "b.sh", "/etc/x changes")
	assert.True(t, c.Withheld("/opt/doc"))
	assert.False(t, c.Withheld("/opt/a"))
	assert.False(t, c.Withheld("/etc/x"), "b of the chain left it last")
	assert.False(t, c.Withheld("/etc/motd"))
}

func TestCheck(t *testing.T) {
	const made = "{path: a.sh, outputs: [/opt/a]}"
	for name, test := range map[string]struct {
		scripts []string
		want    []string
	}{
		"all is as declared": {
			[]string{
				made, "/opt/a newdir\n/opt/a/x new",
				"{path: b.sh, outputs: [/opt/a/b], needs: [a]}", "/opt/a looks\n/opt/a/x reads\n/opt/a/b new",
			}, nil,
		},
		"a need that is missing": {
			[]string{made, "/opt/a new", "{path: b.sh, outputs: [/b]}", "/opt/a reads\n/b new"},
			[]string{"MissingNeed: b reads /opt/a of a, and does not need it"},
		},
		"a need that is missing in the chain": {
			[]string{made, "/opt/a new", "b.sh", "/opt/a runs"},
			[]string{"MissingNeed: b runs /opt/a of a, and does not need it"},
		},
		"a need that is none": {
			[]string{made, "/opt/a new", "{path: b.sh, outputs: [/b], needs: [a]}", "/b new"},
			[]string{"UnneededNeed: b needs a, and reads nothing of it"},
		},
		"a need of a need": {
			[]string{
				made, "/opt/a new", "{path: b.sh, outputs: [/b], needs: [a]}", "/opt/a reads\n/b new",
				"{path: c.sh, outputs: [/c], needs: [b]}", "/opt/a reads\n/c new",
			}, nil,
		},
		"an output that is missing": {
			[]string{made, "/opt/a new\n/opt/b newdir\n/opt/b/x new\n/tmp/x new"},
			[]string{"MissingOutput: a leaves /opt/b, and no output has it"},
		},
		"a file that is deleted": {
			[]string{made, "/opt/a new\n/etc/motd deletes"},
			[]string{"MissingOutput: a deletes /etc/motd, which no output can tell"},
		},
		"an output that is none": {
			[]string{`{path: a.sh, outputs: ["/opt/*", /opt2]}`, "/opt/a new"},
			[]string{"UnmadeOutput: a has the output /opt2, and leaves nothing there"},
		},
		"a directory above an output": {
			[]string{made, "/opt newdir\n/opt/a new"}, nil,
		},
		"an input that is missing": {
			[]string{"a.sh", "/context/patches/a absent\n/context/none absent"},
			[]string{"UndeclaredInput: a looks for patches/a of the build context, which is none of its inputs"},
		},
		"an input that is listed and missing": {
			[]string{"{path: a.sh, inputs: [patches/a]}", "/context/patches lists\n/context/patches/a reads"},
			[]string{"UndeclaredInput: a lists patches, and does not see patches/b of the build context, which is none of its inputs"},
		},
		"an input that is not read": {
			[]string{"{path: a.sh, inputs: [patches]}", "/a new"},
			[]string{"UnreadInput: a has the input patches, and does not read it"},
		},
		"a directory of inputs": {
			[]string{"{path: a.sh, inputs: [patches]}", "/context/patches lists\n/context/patches/a reads"}, nil,
		},
		"what could not be followed": {
			[]string{"a.sh", "unknown everything: ptrace is refused here"},
			[]string{"NotObserved: a could not be followed: everything: ptrace is refused here"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := chainOf(t, test.scripts...)
			var got []string
			for _, f := range c.Check() {
				got = append(got, f.String())
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// A script of `outputs: auto` is declared: of what it leaves nothing is missing, and
// nobody else may claim it.
func TestAuto(t *testing.T) {
	c, _ := chainOf(t,
		"{path: lib.sh, outputs: auto}", "/opt/lib newdir\n/opt/lib/a new\n/tmp/x new\n",
		"program.sh", "/opt/lib/a reads\n/opt/program new\n",
		"{path: tool.sh, outputs: auto}", "/opt/lib/a reads\n/opt/tool new\n",
		"again.sh", "/opt/tool new\n",
	)
	var findings []string
	for _, f := range c.Check() {
		findings = append(findings, string(f.Kind)+" "+f.Script)
	}
	assert.Equal(t, []string{"MissingNeed program", "MissingNeed tool", "MissingNeed again"}, findings)
	p := c.Propose(nil)
	assert.True(t, p.Scripts[0].Declared)
	assert.True(t, p.Scripts[2].Declared)
	assert.Equal(t, []string{"lib"}, p.Scripts[1].Needs)
	assert.Equal(t, []string{"/opt/program"}, p.Scripts[1].Outputs)
	assert.Contains(t, p.Scripts[3].Stays, "it leaves /opt/tool, and tool leaves /opt/tool")
	assert.False(t, c.Withheld("/opt/lib/a"))
}
