package dockerfile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/dockerfile"
)

// BenchmarkArrange reads and arranges a Dockerfile whose driver calls more and more scripts. The time for each script must
// not grow with their number.
func BenchmarkArrange(b *testing.B) {
	for _, n := range []int{10, 50, 250} {
		b.Run(fmt.Sprintf("scripts=%d", n), func(b *testing.B) {
			files := fstest.MapFS{}
			var driver strings.Builder
			driver.WriteString("#!/bin/bash\nset -eu\n")
			for i := range n {
				name := fmt.Sprintf("s/%03d.sh", i)
				files[name] = &fstest.MapFile{Mode: 0o755, Data: fmt.Appendf(nil, "#!/bin/sh\nset -e\napt-get update && apt-get install -y part%d\ncd /usr/src/part%d && ./configure && make && make install\n", i, i)}
				fmt.Fprintf(&driver, "/%s\n", name)
			}
			files["s/all.sh"] = &fstest.MapFile{Mode: 0o755, Data: []byte(driver.String())}
			b.ReportAllocs()
			for b.Loop() {
				f, err := dockerfile.Parse("Dockerfile", []byte("FROM debian:bookworm\nARG V=1\nCOPY s /s\nRUN /s/all.sh\nCOPY . /srv\n"))
				require.NoError(b, err)
				l, err := dockerfile.Arrange(f, dockerfile.Options{Platform: "linux/amd64", Context: files})
				require.NoError(b, err)
				require.True(b, l.Changed)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/script")
		})
	}
}
