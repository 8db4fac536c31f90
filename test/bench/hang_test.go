//go:build explore

package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/testenv"
)

func TestHang(t *testing.T) {
	env := testenv.New(t, "--debugaddr", "127.0.0.1:6099")
	env.Frontend(t)
	dir := testenv.Tree(t, small("pgstrata:dev"))
	cut := 12.0
	for i := range 2500 {
		testenv.Write(t, filepath.Join(dir, "entrypoint.d/entrypoint.sh"), fmt.Sprintf("#!/bin/sh\n# %d\nexec \"$@\"\n", i))
		args := []string{"buildx", "build", "--progress=rawjson", "--provenance=false", "--tag", env.Registry.Ref("x"), "--output=type=cacheonly"}
		cmd := env.Command(t, "docker", append(args, ".")...)
		cmd.Dir = dir
		start := time.Now()
		timer := time.AfterFunc(time.Duration(cut)*time.Second, func() {
			if i == 0 { return }
			resp, err := http.Get("http://127.0.0.1:6099/debug/pprof/goroutine?debug=2")
			if err == nil {
				b, _ := io.ReadAll(resp.Body)
				os.WriteFile("/tmp/hang-daemon.txt", b, 0o644)
			}
			out, _ := exec.Command("ps", "axf").CombinedOutput()
			os.WriteFile("/tmp/hang-ps.txt", out, 0o644)
			// the frontend's stack
			procs, _ := filepath.Glob("/proc/[0-9]*/comm")
			for _, p := range procs {
				b, _ := os.ReadFile(p)
				if strings.HasPrefix(string(b), "pgstrata-fronte") || strings.HasPrefix(string(b), "docker-buildx") {
					var pid int
					fmt.Sscanf(p, "/proc/%d/comm", &pid)
					fmt.Println("quit", pid, string(b))
					syscall.Kill(pid, syscall.SIGQUIT)
				}
			}
		})
		o := testenv.Finish(t, cmd)
		timer.Stop()
		took := time.Since(start)
		if i > 0 && took.Seconds() > cut {
			os.WriteFile("/tmp/hang-out.txt", []byte(o.Stderr+o.Stdout), 0o644)
			t.Fatal(i, took)
		}
		require.Zero(t, o.Code, o.Stderr)
	}
}
