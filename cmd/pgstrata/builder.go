package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/docker/buildx/builder"
	_ "github.com/docker/buildx/driver/docker" // buildx's drivers register themselves
	_ "github.com/docker/buildx/driver/docker-container"
	_ "github.com/docker/buildx/driver/remote"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // and so do BuildKit's ways to a daemon
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
)

// defaultSocket is buildkitd's own.
const defaultSocket = "/run/buildkit/buildkitd.sock"

// connect returns a client of the daemon that the command line names, or else
// the one that a user would expect: BUILDKIT_HOST, the builder that docker
// buildx uses, or a buildkitd on this machine.
func (o *options) connect(ctx context.Context) (*client.Client, error) {
	address := o.address
	if address == "" && o.builder == "" {
		address = os.Getenv("BUILDKIT_HOST")
	}
	if address == "" {
		c, err := buildxClient(ctx, cmp.Or(o.builder, os.Getenv("BUILDX_BUILDER")))
		_, missing := os.Stat(defaultSocket)
		if err == nil || o.builder != "" || missing != nil {
			return c, err
		}
		address = "unix://" + defaultSocket
	}
	if !strings.Contains(address, "://") {
		return nil, fmt.Errorf("BuildKit at %s: an address is unix://PATH, tcp://HOST:PORT, docker-container://NAME and the like; --builder names a builder of docker buildx", address)
	}
	c, err := client.New(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("BuildKit at %s: %w", address, err)
	}
	return c, nil
}

// buildxClient returns a client of a builder of docker buildx, by its name, or
// of the one in use. A builder that sleeps is woken.
func buildxClient(ctx context.Context, name string) (*client.Client, error) {
	docker, err := command.NewDockerCli()
	if err == nil {
		err = docker.Initialize(flags.NewClientOptions())
	}
	if err != nil {
		return nil, fmt.Errorf("docker's configuration: %w", err)
	}
	b, err := builder.New(docker, builder.WithName(name))
	if err != nil {
		return nil, fmt.Errorf("builder of docker buildx: %w", err)
	}
	if _, err := b.LoadNodes(ctx); err != nil {
		return nil, fmt.Errorf("builder %s of docker buildx: %w", b.Name, err)
	}
	if _, err := b.Boot(ctx); err != nil {
		return nil, fmt.Errorf("builder %s of docker buildx: %w", b.Name, err)
	}
	nodes, err := b.LoadNodes(ctx)
	if err != nil {
		return nil, fmt.Errorf("builder %s of docker buildx: %w", b.Name, err)
	}
	if len(nodes) != 1 {
		return nil, fmt.Errorf("builder %s of docker buildx has %d nodes, and pgstrata builds on one: use docker buildx build, or name a daemon by --addr", b.Name, len(nodes))
	}
	n := nodes[0]
	if n.Err != nil || n.Driver == nil {
		return nil, fmt.Errorf("builder %s of docker buildx, driver %s: %w; name its daemon by --addr, such as kube-pod://POD", b.Name, b.Driver, cmp.Or(n.Err, errors.New("not known to pgstrata")))
	}
	c, err := n.Driver.Client(ctx)
	if err != nil {
		return nil, fmt.Errorf("builder %s of docker buildx: %w", b.Name, err)
	}
	return c, nil
}
