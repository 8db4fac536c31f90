// Package golden compares files of this repository with what the code says they hold, and writes them anew where a test
// is run with -update.
package golden

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the files that tests compare anew") //nolint:gochecknoglobals // a flag of test programs

// Updating reports whether the test is run with -update.
func Updating() bool { return *update }

// File fails the test unless the file holds the text.
func File(t *testing.T, name, want string) {
	t.Helper()
	got, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	compare(t, name, name, string(got), want, want)
}

// Region fails the test unless the part of a Markdown file between the lines `<!-- TITLE -->` and `<!-- end of TITLE -->`
// is the text, which ends with a newline.
func Region(t *testing.T, name, title, want string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+title+" -->\n", "<!-- end of "+title+" -->\n"
	head, rest, ok := strings.Cut(string(data), begin)
	got, tail, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no lines %q and %q: put them where the text shall be", name, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	compare(t, name, name+", "+title, got, want, head+begin+want+end+tail)
}

// compare reports how a part of a file differs, or writes the whole file.
func compare(t *testing.T, name, what, got, want, whole string) {
	t.Helper()
	if got == want {
		return
	}
	if *update {
		if err := os.WriteFile(name, []byte(whole), 0o644); err != nil { //nolint:gosec // a file of this repository
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is out of date; run this test with -update: -want +got\n%s", what, cmp.Diff(want, got))
}
