package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/client"
)

// Daemon is a buildkitd of its own: root, socket and configuration.
type Daemon struct {
	Address string // for BUILDKIT_HOST
	Client  *client.Client

	registry *Registry
	process  *process
}

// StartDaemon starts buildkitd with its root in a folder, which it creates. Images of docker.io and localhost:5000 are
// looked up in the registry first, so build files name them as everybody does. Nothing is garbage collected: a test that
// finds a step run again must know that nobody took its cache away. Flags are added to buildkitd's own.
func StartDaemon(dir string, r *Registry, flags ...string) (*Daemon, error) {
	return startDaemon(Tool("buildkitd"), dir, r, flags...)
}

// settings are what buildkitd.toml says of workers and registries.
func settings(r *Registry) string {
	return fmt.Sprintf(`
[worker.containerd]
  enabled = false
[worker.oci]
  snapshotter = "overlayfs"
  networkMode = "host"
  gc = false
[registry."docker.io"]
  mirrors = [%[1]q]
[registry."localhost:5000"]
  mirrors = [%[1]q]
  http = true
[registry.%[1]q]
  http = true
`, r.Host)
}

func startDaemon(program, dir string, r *Registry, flags ...string) (*Daemon, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	config := fmt.Sprintf("root = %q\n%s", filepath.Join(dir, "root"), settings(r))
	file := filepath.Join(dir, "buildkitd.toml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}

	address := "unix://" + filepath.Join(dir, "buildkitd.sock")
	process, err := startProcess(dir, append([]string{program, "--config", file, "--addr", address}, flags...)...)
	if err != nil {
		return nil, err
	}
	d := &Daemon{Address: address, registry: r, process: process}
	if d.Client, err = client.New(context.Background(), address); err == nil {
		err = process.await(func(ctx context.Context) error {
			_, err := d.Client.Info(ctx)
			return err
		})
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close stops the daemon; its root stays, for the one who chose the folder to remove.
func (d *Daemon) Close() error {
	var err error
	if d.Client != nil {
		err = d.Client.Close()
	}
	return errors.Join(err, d.process.stop())
}

// Log returns the end of what the daemon logged.
func (d *Daemon) Log() string { return d.process.tail() }
