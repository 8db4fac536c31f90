// Command overhead runs a frontend in this process, against a daemon, up to the definition that it would have the daemon
// solve, and writes what that took as JSON: the fields of bench.OverheadResult that it knows.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil"

	"github.com/pgstrata/pgstrata/frontend"
)

// outcome is what one request took.
type outcome struct {
	Seconds    []float64 `json:"seconds"`
	Memory     int64     `json:"memory"` // peak, in bytes, of this process
	Vertices   int       `json:"vertices"`
	Definition int       `json:"definition"` // bytes
}

func main() {
	which := flag.String("frontend", "", "pgstrata, dockerfile or least")
	dir := flag.String("context", "", "the build context")
	file := flag.String("file", "Dockerfile", "the build file")
	address := flag.String("address", "", "the daemon")
	platforms := flag.String("platforms", "", "platforms, separated by commas")
	flag.Parse()
	frontends := map[string]gateway.BuildFunc{"pgstrata": frontend.Build, "dockerfile": dockerfile.Build, "least": least{*dir}.build}
	out, err := run(frontends[*which], *dir, *file, *address, *platforms)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}

func run(build gateway.BuildFunc, dir, file, address, platforms string) (*outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	daemon, err := client.New(ctx, address)
	if err != nil {
		return nil, err
	}
	defer daemon.Close()
	files, err := fsutil.NewFS(dir)
	if err != nil {
		return nil, err
	}
	opt := client.SolveOpt{
		LocalMounts:   map[string]fsutil.FS{"context": files, "dockerfile": files},
		FrontendAttrs: map[string]string{"filename": file},
	}
	w := &watch{want: 1, done: make(chan struct{})}
	if platforms != "" {
		opt.FrontendAttrs["platform"] = platforms
		w.want = 2
	}
	_, err = daemon.Build(ctx, opt, "", w.around(build), nil)
	if w.took == 0 {
		return nil, errors.Join(errors.New("no definition was made"), err)
	}
	memory, err := peak()
	if err != nil {
		return nil, err
	}
	return &outcome{Seconds: []float64{w.took.Seconds()}, Memory: memory, Vertices: w.vertices, Definition: w.bytes}, nil
}

// peak is the most memory, in bytes, that this process has held. Its resource usage would not do: that counts what the
// process held which started it.
func peak() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int64
	_, err = fmt.Sscanf(rest, "%d kB", &kilobytes)
	return kilobytes << 10, err
}
