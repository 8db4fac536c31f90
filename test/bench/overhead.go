package bench

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pgstrata/pgstrata/test/bench/scale"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// frontends are those that are measured alone, with the build file that each of them reads.
func frontends() []struct{ name, file string } {
	return []struct{ name, file string }{
		{"least", "Dockerfile"},
		{"dockerfile", "Dockerfile.v0"},
		{"pgstrata", "Dockerfile"},
	}
}

// overhead measures the frontends alone, each request in a process of its own: how long from the request to the
// definition, for trees of more and more files, and for two platforms.
func (r *Runner) overhead() ([]OverheadResult, error) {
	env := testenv.Shared(r.TB)
	if err := pushPlatforms(env); err != nil {
		return nil, err
	}
	program := testenv.Binary(r.TB, "./test/bench/overhead")
	var results []OverheadResult
	for _, files := range scale.Sizes() {
		dir := filepath.Join(r.TB.TempDir(), "tree")
		if err := scale.Write(dir, files); err != nil {
			return nil, err
		}
		for _, platforms := range []int{1, 2} {
			if platforms == 2 && files != scale.Sizes()[1] {
				continue
			}
			some, err := r.measure(env, program, dir, platforms)
			if err != nil {
				return nil, err
			}
			for _, result := range some {
				result.Files, result.Scripts, result.Platforms = files, scale.Setup(files), platforms
				r.Say("overhead: %d files, %d platforms: %s: %.0f ms, %.0f MB", files, platforms, result.Frontend,
					Median(result.Seconds)*1000, float64(result.Memory)/1e6)
				results = append(results, result)
			}
		}
	}
	return results, nil
}

// measure measures all frontends on one tree, in turns.
func (r *Runner) measure(env *testenv.Env, program, dir string, platforms int) ([]OverheadResult, error) {
	results := make([]OverheadResult, len(frontends()))
	start := time.Now()
	// The first of each fills the daemon's own copy of the context, and does not count.
	for n := 0; n < 2 || n <= r.Mode.Times && time.Since(start) < 2*r.Mode.Patience; n++ {
		for i, frontend := range frontends() {
			args := []string{"-frontend", frontend.name, "-file", frontend.file, "-context", dir, "-address", env.Daemon.Address}
			if platforms == 2 {
				args = append(args, "-platforms", "linux/amd64,linux/arm64")
			}
			out := env.Run(r.TB, program, args...)
			if out.Code != 0 {
				return nil, fmt.Errorf("%s: %s", frontend.name, out.Stderr)
			}
			one := OverheadResult{}
			if err := json.Unmarshal([]byte(out.Stdout), &one); err != nil {
				return nil, err
			}
			if n > 0 {
				one.Seconds = append(results[i].Seconds, one.Seconds...)
				one.Memory = max(results[i].Memory, one.Memory)
			} else {
				one.Seconds = nil
			}
			one.Frontend = frontend.name
			results[i] = one
		}
	}
	return results, nil
}

// pushPlatforms gives the base image a second platform: the same files under another name, as nothing is run.
func pushPlatforms(env *testenv.Env) error {
	img, err := env.Registry.Get(base)
	if err != nil {
		return err
	}
	index := v1.ImageIndex(empty.Index)
	for _, arch := range []string{"amd64", "arm64"} {
		config, err := img.ConfigFile()
		if err != nil {
			return err
		}
		config = config.DeepCopy()
		config.OS, config.Architecture = "linux", arch
		one, err := mutate.ConfigFile(img, config)
		if err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        one,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return env.Registry.PushIndex(base, index)
}
