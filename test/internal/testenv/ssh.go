package testenv

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// SSHServer is a real sshd on localhost, which lets root in by one key, and an ssh-agent that holds it.
type SSHServer struct {
	Host       string // its HOST:PORT
	KnownHosts string // its own key, as known_hosts has it
	Agent      string // the agent's socket
}

// NewSSHServer starts a server and an agent that live as long as the test.
func NewSSHServer(tb testing.TB) *SSHServer {
	tb.Helper()
	const sshd = "/usr/sbin/sshd"
	if _, err := os.Stat(sshd); err != nil {
		tb.Fatalf("%v: run `make setup`", err)
	}
	dir := tb.TempDir()
	key, hostKey := filepath.Join(dir, "key"), filepath.Join(dir, "host-key")
	run := func(program string, args ...string) {
		tb.Helper()
		cmd := exec.CommandContext(tb.Context(), program, args...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+filepath.Join(dir, "agent"))
		if out := Finish(tb, cmd); out.Code != 0 {
			tb.Fatalf("%s: %s", program, out.Stderr)
		}
	}
	for _, name := range []string{key, hostKey} {
		run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
	}
	public, err := os.ReadFile(hostKey + ".pub")
	if err != nil {
		tb.Fatal(err)
	}
	address := freePort(tb, "127.0.0.1")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	Write(tb, filepath.Join(dir, "sshd_config"), strings.Join([]string{
		"ListenAddress " + host, "Port " + port, "HostKey " + hostKey, "AuthorizedKeysFile " + key + ".pub", "PidFile none",
		"StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password", "",
	}, "\n"))
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd does not start without it
		tb.Fatal(err)
	}
	start := func(network, address string, argv ...string) {
		tb.Helper()
		p, err := startProcess(dir, argv...)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() {
			if err := p.stop(); err != nil {
				tb.Error(err)
			}
		})
		err = p.await(func(ctx context.Context) error {
			var d net.Dialer
			c, err := d.DialContext(ctx, network, address)
			if err == nil {
				err = c.Close()
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	s := &SSHServer{Host: address, Agent: filepath.Join(dir, "agent"), KnownHosts: "[" + host + "]:" + port + " " + string(public)}
	start("tcp", address, sshd, "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	start("unix", s.Agent, "ssh-agent", "-D", "-a", s.Agent)
	run("ssh-add", "-q", key)
	return s
}
