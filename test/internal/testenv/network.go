package testenv

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"testing"
)

// Network is a network of the test's own, on a bridge: for what has to be seen from several hosts, such as a failover.
type Network struct {
	// Address is this process's own on the network. What it starts there (etcd) every node can reach.
	Address string

	bridge string
	prefix string
	nodes  int
	hosts  int
	docker *Docker
	tb     testing.TB
}

// Node is a host on a network. It stays when the containers that use it end, so that they can start again where they were.
type Node struct {
	*Container
	Address string

	link string // this end of the node's cable
}

// NewNetwork makes a network, gone with the test.
func NewNetwork(tb testing.TB, docker *Docker) *Network {
	tb.Helper()
	id := rand.N(1 << 12)
	prefix := fmt.Sprintf("10.%d.%d.", 200+id>>8, id&0xff)
	n := &Network{Address: prefix + "1", bridge: fmt.Sprintf("pgs-%03x", id), prefix: prefix, docker: docker, tb: tb}
	n.ip("link", "add", n.bridge, "type", "bridge")
	tb.Cleanup(func() {
		if out, err := exec.Command("ip", "link", "delete", n.bridge).CombinedOutput(); err != nil {
			tb.Errorf("%v: %s", err, out)
		}
	})
	n.ip("address", "add", n.Address+"/24", "dev", n.bridge)
	n.ip("link", "set", n.bridge, "up")
	return n
}

// Node adds a host. Containers run on it with `--network=container:ID` (see Node.Flag); it is itself one that sleeps, of
// an image that has to have a `sleep`.
func (n *Network) Node(image string) *Node {
	n.tb.Helper()
	n.nodes++
	node := &Node{
		Container: n.docker.Run(n.tb, "--network=none", "--entrypoint=sleep", image, "infinity"),
		Address:   fmt.Sprintf("%s%d", n.prefix, n.nodes+1),
		link:      fmt.Sprintf("%s-%d", n.bridge, n.nodes),
	}
	n.ip("link", "add", node.link, "master", n.bridge, "type", "veth", "peer", "name", "eth0",
		"netns", node.Inspect("{{.State.Pid}}"))
	n.ip("link", "set", node.link, "up")
	n.within(node, "address", "add", node.Address+"/24", "dev", "eth0")
	n.within(node, "link", "set", "eth0", "up")
	return node
}

// Host adds another address of this process's own, for a service that nodes are to be cut off from by itself.
func (n *Network) Host() string {
	n.tb.Helper()
	n.hosts++
	address := fmt.Sprintf("%s%d", n.prefix, 200+n.hosts)
	n.ip("address", "add", address+"/24", "dev", n.bridge)
	return address
}

// Flag is the argument of `docker run` that puts a container on this host.
func (n *Node) Flag() string { return "--network=container:" + n.ID }

// Cut pulls the host's cable.
func (n *Network) Cut(node *Node) { n.ip("link", "set", node.link, "down") }

// Mend plugs it in again.
func (n *Network) Mend(node *Node) { n.ip("link", "set", node.link, "up") }

// Part drops, without a word, whatever the node sends to these addresses, until Rejoin.
func (n *Network) Part(node *Node, addresses ...string) {
	n.tb.Helper()
	for _, a := range addresses {
		n.within(node, "neigh", "replace", a, "lladdr", "02:00:00:00:00:01", "dev", "eth0", "nud", "permanent")
	}
}

// Rejoin ends Part.
func (n *Network) Rejoin(node *Node, addresses ...string) {
	n.tb.Helper()
	for _, a := range addresses {
		n.within(node, "neigh", "delete", a, "dev", "eth0")
	}
}

// within runs `ip` as the node.
func (n *Network) within(node *Node, arguments ...string) {
	n.tb.Helper()
	n.run("nsenter", append([]string{"--target", node.Inspect("{{.State.Pid}}"), "--net", "ip"}, arguments...)...)
}

func (n *Network) ip(arguments ...string) {
	n.tb.Helper()
	n.run("ip", arguments...)
}

func (n *Network) run(program string, arguments ...string) {
	n.tb.Helper()
	if out := Finish(n.tb, exec.CommandContext(n.tb.Context(), program, arguments...)); out.Code != 0 {
		n.tb.Fatalf("%s %v: %s", program, arguments, out.Stderr)
	}
}

// Etcd starts an etcd that serves on a free port of the address, as long as the test lives, and returns HOST:PORT.
func Etcd(tb testing.TB, address string) string {
	tb.Helper()
	client, peer := freePort(tb, address), "http://"+freePort(tb, address)
	dir := tb.TempDir()
	process, err := startProcess(dir, "etcd", "--data-dir", dir+"/data", "--log-level", "warn",
		"--listen-client-urls", "http://"+client, "--advertise-client-urls", "http://"+client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := process.stop(); err != nil {
			tb.Error(err)
		}
	})
	if err := process.await(func(ctx context.Context) error { return get(ctx, "http://"+client+"/health") }); err != nil {
		tb.Fatal(err)
	}
	return client
}

func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return err
}

// FreePort returns a port of localhost that nobody listens on.
func FreePort(tb testing.TB) string {
	tb.Helper()
	_, port, err := net.SplitHostPort(freePort(tb, "127.0.0.1"))
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// freePort looks below the range that the kernel takes ports of outgoing connections from: a port that it gave out itself
// could be such a connection's a moment later.
func freePort(tb testing.TB, address string) string {
	tb.Helper()
	var err error
	for range 100 {
		var listener net.Listener
		port := 12000 + rand.N(20000)
		if listener, err = net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port))); err == nil {
			free := listener.Addr().String()
			if err = listener.Close(); err == nil {
				return free
			}
		}
	}
	tb.Fatal(err)
	return ""
}
