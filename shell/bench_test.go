package shell

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// BenchmarkLoad500 reads 500 scripts of 200 lines with a helper in common.
func BenchmarkLoad500(b *testing.B) {
	files := map[string][]byte{}
	helper, err := os.ReadFile("testdata/pg/setup/lib/common.sh")
	if err != nil {
		b.Fatal(err)
	}
	body, err := os.ReadFile("testdata/pg/setup/scripts/02-install-postgresql.sh")
	if err != nil {
		b.Fatal(err)
	}
	files["setup/lib/common.sh"] = helper
	text := string(body)
	for strings.Count(text, "\n") < 200 {
		text += string(body[strings.Index(string(body), "PACKAGES=("):])
	}
	names := make([]string, 500)
	size := 0
	for i := range names {
		names[i] = fmt.Sprintf("setup/scripts/%03d.sh", i)
		files[names[i]] = []byte(text)
		size += len(text)
	}
	b.SetBytes(int64(size))
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
