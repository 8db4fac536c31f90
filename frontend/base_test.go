package frontend

import (
	"testing"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
)

// A registry gives an image of one platform to whoever asks for any.
func TestForeignBase(t *testing.T) {
	for _, tc := range []struct {
		image, target string
		foreign       bool
	}{
		{"linux/amd64", "linux/amd64", false},
		{"linux/amd64", "linux/s390x", true},
		{"linux/amd64", "amd64/linux", true},
		{"linux/arm64", "linux/amd64", true},
		{"linux/arm64", "linux/arm64/v8", false},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"windows/amd64", "linux/amd64", true},
	} {
		target := ocispecs.Platform{OS: "amd64", Architecture: "linux"}
		if tc.target != "amd64/linux" {
			target = platforms.MustParse(tc.target)
		}
		err := foreign(platforms.MustParse(tc.image), target)
		assert.Equal(t, tc.foreign, err != nil, "%s for %s", tc.image, tc.target)
	}
	assert.NoError(t, foreign(ocispecs.Platform{}, platforms.MustParse("linux/amd64")), "a directory as a base names none")
	assert.EqualError(t, foreign(platforms.MustParse("linux/amd64"), platforms.MustParse("linux/s390x")),
		"it is an image for linux/amd64, and the build is for linux/s390x; take a base that there is for that platform, or build with --platform linux/amd64")
}
