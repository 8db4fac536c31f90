package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/docker/buildx/builder"
	"github.com/docker/buildx/driver"
	_ "github.com/docker/buildx/driver/docker" // buildx's drivers register themselves
	_ "github.com/docker/buildx/driver/docker-container"
	_ "github.com/docker/buildx/driver/kubernetes"
	_ "github.com/docker/buildx/driver/remote"
	"github.com/docker/buildx/util/progress"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/flags"
	"github.com/moby/buildkit/client"
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer" // and so do BuildKit's ways to a daemon
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
	"github.com/moby/buildkit/util/progress/progressui"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
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
		c, err := buildxClient(ctx, cmp.Or(o.builder, os.Getenv("BUILDX_BUILDER")), o.platforms)
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
// of the one in use: of its first node that builds for all platforms. A builder that
// sleeps is woken.
func buildxClient(ctx context.Context, name string, wanted []string) (*client.Client, error) {
	b, nodes, err := buildxNodes(ctx, name)
	if err != nil {
		return nil, err
	}
	failed := func(err error) error {
		return fmt.Errorf("builder %s of docker buildx, driver %s: %w", b.Name, b.Driver, err)
	}
	var all []ocispecs.Platform
	for _, p := range wanted {
		parsed, err := platforms.Parse(p)
		if err != nil {
			return nil, fmt.Errorf("--platform %s: %w", p, err)
		}
		all = append(all, parsed)
	}
	for _, n := range ordered(nodes, all) {
		c, err := awake(ctx, n)
		if err != nil {
			return nil, failed(err)
		}
		if len(nodes) == 1 || len(all) == 0 {
			return c, nil
		}
		workers, err := c.ListWorkers(ctx)
		if err != nil {
			return nil, failed(err)
		}
		for _, w := range workers {
			if haveAll(w.Platforms, all) {
				return c, nil
			}
		}
		_ = c.Close() // nothing was asked of it
	}
	return nil, failed(fmt.Errorf("pgstrata builds on one node, and none of %d builds for all of %s: build one platform at a time, or use docker buildx build",
		len(nodes), strings.Join(wanted, ", ")))
}

// buildxNodes are a builder of docker buildx, by its name, or the one in use, and its
// nodes.
func buildxNodes(ctx context.Context, name string) (*builder.Builder, []builder.Node, error) {
	docker, err := command.NewDockerCli()
	if err == nil {
		err = docker.Initialize(flags.NewClientOptions())
	}
	if err != nil {
		return nil, nil, fmt.Errorf("docker's configuration: %w", err)
	}
	b, err := builder.New(docker, builder.WithName(name))
	if err != nil {
		return nil, nil, fmt.Errorf("builder of docker buildx: %w; docker buildx ls lists them", err)
	}
	nodes, err := b.LoadNodes(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("builder %s of docker buildx: %w", b.Name, err)
	}
	return b, nodes, nil
}

// ordered are the nodes in the order in which a client of one is looked for: those
// that were said to build for all platforms come first, as with docker buildx.
func ordered(nodes []builder.Node, wanted []ocispecs.Platform) []builder.Node {
	out := slices.Clone(nodes)
	slices.SortStableFunc(out, func(a, b builder.Node) int {
		rank := func(n builder.Node) int {
			if haveAll(n.Node.Platforms, wanted) {
				return 0
			}
			return 1
		}
		return rank(a) - rank(b)
	})
	return out
}

// haveAll tells whether all platforms are among those of a list.
func haveAll(list, wanted []ocispecs.Platform) bool {
	for _, p := range wanted {
		if !slices.ContainsFunc(list, func(has ocispecs.Platform) bool { return platforms.OnlyStrict(has).Match(p) }) {
			return false
		}
	}
	return true
}

// awake returns a client of a node, which it wakes if it sleeps, and shows that.
func awake(ctx context.Context, n builder.Node) (*client.Client, error) {
	info, err := inform(ctx, n)
	if err != nil {
		return nil, err
	}
	if info.Status == driver.Running {
		return n.Driver.Client(ctx)
	}
	shown, err := progress.NewPrinter(context.WithoutCancel(ctx), os.Stderr, progressui.AutoMode)
	if err != nil {
		return nil, err
	}
	c, err := driver.Boot(ctx, ctx, n.Driver, shown)
	return c, errors.Join(err, shown.Wait())
}

// asIs returns a client of the node of a name that is running; what sleeps is left
// alone.
func asIs(ctx context.Context, nodes []builder.Node, node string) (*client.Client, error) {
	i := slices.IndexFunc(nodes, func(n builder.Node) bool { return n.Name == node })
	if i < 0 {
		return nil, fmt.Errorf("it has no node %s", node)
	}
	info, err := inform(ctx, nodes[i])
	if err != nil {
		return nil, err
	}
	if info.Status != driver.Running {
		return nil, fmt.Errorf("it is %s", info.Status)
	}
	return nodes[i].Driver.Client(ctx)
}

func inform(ctx context.Context, n builder.Node) (*driver.Info, error) {
	if n.Err != nil || n.Driver == nil {
		return nil, fmt.Errorf("node %s: %w; name its daemon by --addr, such as kube-pod://POD", n.Name, cmp.Or(n.Err, errors.New("its driver is not known to pgstrata")))
	}
	return n.Driver.Info(ctx)
}
