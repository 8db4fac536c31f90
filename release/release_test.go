package release

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRelease(t *testing.T) {
	for _, tt := range []struct{ module, version, image string }{
		{"v1.2.3", "v1.2.3", "ghcr.io/pgstrata/pgstrata:1"},
		{"v0.9.0-rc.1", "v0.9.0-rc.1", "ghcr.io/pgstrata/pgstrata:0"},
		{"v1.2.3+dirty", "", "localhost:5000/pgstrata:dev"},
		{"v1.2.4-0.20261130061606-44961dc0c0de", "", "localhost:5000/pgstrata:dev"},
		{"(devel)", "", "localhost:5000/pgstrata:dev"},
	} {
		r := fromBuildInfo(&debug.BuildInfo{
			Main:     debug.Module{Version: tt.module},
			Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "vcs.revision", Value: "44961dc"}},
		})
		assert.Equal(t, Release{Version: tt.version, Revision: "44961dc"}, r, tt.module)
		assert.Equal(t, tt.image, r.Image(), tt.module)
	}
	assert.Empty(t, Current().Version, "tests are no release")
	assert.Equal(t, "pgstrata v1.2.3, revision 44961dc", Release{Version: "v1.2.3", Revision: "44961dc"}.String())
	assert.Equal(t, "pgstrata development, revision unknown", Release{}.String())
}
