//go:build explore

package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/gateway/client"
	bk "github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/testenv"
)

func TestCallsOn(t *testing.T) {
	c, err := bk.New(t.Context(), os.Getenv("BUILDKIT_HOST"))
	require.NoError(t, err)
	d := &testenv.Daemon{Client: c}
	dir := os.Getenv("DIR")
	for i := range 4 {
		b, _ := os.ReadFile(filepath.Join(dir, "entrypoint.d/entrypoint.sh"))
		os.WriteFile(filepath.Join(dir, "entrypoint.d/entrypoint.sh"), append(b, []byte(fmt.Sprintf("# %d %d\n", i, time.Now().UnixNano()))...), 0o755)
		var out []string
		r := testenv.Request{Context: dir}
		start := time.Now()
		var inner time.Time
		var dur time.Duration
		r.Exports = []bk.ExportEntry{{Type: "image", Attrs: map[string]string{"name": os.Getenv("REG") + "/pg", "push": "true"}}}
		r.Func = func(ctx context.Context, c client.Client) (*client.Result, error) {
			inner = time.Now()
			defer func() { dur = time.Since(inner) }()
			res, err := frontend.Build(ctx, timed{c, inner, new(sync.Mutex), &out})
			if err == nil {
				if r, ok := res.Ref.(timedRef); ok {
					res.Ref = r.Reference
				}
			}
			return res, err
		}
		res, err := d.Build(t.Context(), r)
		require.NoError(t, err)
		if i == 3 {
			for _, v := range res.Trace.Vertices {
				if v.Started != nil && v.Completed != nil && (v.Ran) {
					fmt.Printf("%7.1f %7.1f %s\n", v.Started.Sub(start).Seconds()*1000, v.Completed.Sub(start).Seconds()*1000, v.Name)
					if v.Name == "exporting to image" { fmt.Println(v.Statuses) }
				}
			}
			fmt.Println("total", time.Since(start), "before", inner.Sub(start), "frontend", dur)
			for _, l := range out {
				fmt.Println(l)
			}
		}
	}
}
