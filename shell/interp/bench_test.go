package interp

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// corpus is 500 scripts of about 200 lines, put together from the fixtures,
// which source one helper of a usual kind.
func corpus(tb testing.TB) (files map[string][]byte, names []string) {
	tb.Helper()
	read := func(name string) string {
		b, err := os.ReadFile("testdata/pg/setup/" + name)
		if err != nil {
			tb.Fatal(err)
		}
		return string(b)
	}
	files = map[string][]byte{"setup/lib/common.sh": []byte(read("lib/common.sh"))}
	var text strings.Builder
	text.WriteString("#!/bin/bash\nset -euo pipefail\nsource \"$(dirname \"$0\")/../lib/common.sh\"\n")
	for strings.Count(text.String(), "\n") < 200 {
		for _, name := range []string{"01-locales.sh", "02-install-postgresql.sh", "03-install-python.sh", "04-install-patroni.sh", "05-extensions.sh"} {
			for line := range strings.Lines(read("scripts/" + name)) {
				if !strings.HasPrefix(line, "source") && !strings.HasPrefix(line, ". ") && text.Len() < 200*40 {
					text.WriteString(line)
				}
			}
		}
	}
	names = make([]string, 500)
	for i := range names {
		names[i] = fmt.Sprintf("setup/scripts/%03d.sh", i)
		files[names[i]] = []byte(text.String())
	}
	return files, names
}

// BenchmarkLoad500 reads them one after the other, as a check does.
func BenchmarkLoad500(b *testing.B) {
	files, names := corpus(b)
	b.SetBytes(int64(len(names) * len(files[names[0]])))
	b.ReportAllocs()
	for b.Loop() {
		l := NewLoader(func(name string) ([]byte, error) { return files[name], nil }, nil)
		for _, name := range names {
			p, err := l.Load(name, Options{Dir: "/"})
			if err != nil {
				b.Fatal(err)
			}
			if _, _, ok := p.Mentions("POSTGRESQL_VERSION"); !ok {
				b.Fatal("not mentioned")
			}
		}
	}
}
