package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/pgstrata/pgstrata/frontend"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func frontendBuild() gateway.BuildFunc { return frontend.Build }

// withoutMergeAndDiff runs the frontend as a daemon without these operations
// would.
func withoutMergeAndDiff() gateway.BuildFunc {
	return func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		return frontend.Build(ctx, lesser{c})
	}
}

// lesser is a client of a daemon that can neither merge nor diff.
type lesser struct{ gateway.Client }

// BuildOpts implements gateway.Client.
func (c lesser) BuildOpts() gateway.BuildOpts {
	opts := c.Client.BuildOpts()
	caps := pb.Caps.All()
	for i := range caps {
		switch caps[i].ID {
		case string(pb.CapMergeOp), string(pb.CapDiffOp):
			caps[i].Enabled = false
		}
	}
	opts.LLBCaps = pb.Caps.CapSet(caps)
	return opts
}

// summary describes a file system but for times.
func summary(files map[string]testenv.Entry) map[string]string {
	out := map[string]string{}
	for path, e := range files {
		if path != "/" { // some archives have no entry for it
			link := strings.TrimPrefix(e.Link, "./")
			out[path] = fmt.Sprintf("%v %d:%d %d %s", e.Mode, e.UID, e.GID, e.Size, link)
		}
	}
	return out
}

// serve serves a directory over http for the length of the test.
func serve(t *testing.T, dir string) string {
	t.Helper()
	server := httptest.NewServer(http.StripPrefix("/"+filepath.Base(dir), http.FileServer(http.Dir(dir))))
	t.Cleanup(server.Close)
	return server.URL
}

func modTime() time.Time { return time.Unix(1_600_000_000, 0) }

func platform(arch string) v1.Platform { return v1.Platform{OS: "linux", Architecture: arch} }
