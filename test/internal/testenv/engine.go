package testenv

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// NewestEngine starts the newest Docker Engine that can be had here, Debian trixie's, for the length of the test: with the
// containerd image store, whose builder can merge and diff, or without it, where it can do neither. `hack/engine-root`
// makes what it needs.
func (e *Env) NewestEngine(tb testing.TB, containerdStore bool) *Docker {
	tb.Helper()
	config, err := e.builder()
	if err != nil {
		tb.Fatal(err)
	}
	return e.engine(tb, func(dir string) (*Docker, error) { return startEngine(dir, config, containerdStore) })
}

// engine starts an engine in a folder of its own, for the length of the test.
func (e *Env) engine(tb testing.TB, start func(dir string) (*Docker, error)) *Docker {
	tb.Helper()
	dir, err := os.MkdirTemp(e.dir, "engine-") //nolint:usetesting // what it leaves mounted is unmounted when e closes
	if err != nil {
		tb.Fatal(err)
	}
	docker, err := start(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := docker.Close(); err != nil {
			tb.Error(err)
		}
	})
	return docker
}

func startEngine(dir, clientConfig string, containerdStore bool) (*Docker, error) {
	root := setting("PGSTRATA_ENGINE", "engine")
	if _, err := os.Stat(filepath.Join(root, ".complete")); err != nil {
		return nil, fmt.Errorf("%w: hack/engine-root", err)
	}
	module, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(map[string]any{
		"features":  map[string]bool{"containerd-snapshotter": containerdStore},
		"iptables":  false,
		"ip6tables": false,
		"bridge":    "none",
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "daemon.json")
	if err := os.WriteFile(file, settings, 0o600); err != nil {
		return nil, err
	}
	host := dockerHost(dir)
	process, err := startProcess(dir, filepath.Join(module, "hack/engine"), root, dir,
		"--config-file", file, "--host", host, "--data-root", filepath.Join(dir, "data"),
		"--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "pid"))
	if err != nil {
		return nil, err
	}
	return awaitDocker(host, clientConfig, process)
}
