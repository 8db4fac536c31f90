package testenv

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// EtcdMember is one of the members of an etcd cluster, a process of its own.
type EtcdMember struct {
	Address string // the host's, without the port

	process *process
	tb      testing.TB
}

// EtcdPort is where a member of an etcd cluster serves on its address.
const EtcdPort = "2379"

// EtcdCluster starts an etcd of as many members as there are addresses, as long as the test lives. Nobody else may use
// these addresses.
func EtcdCluster(tb testing.TB, addresses ...string) []*EtcdMember {
	tb.Helper()
	var peers []string
	for i, a := range addresses {
		peers = append(peers, fmt.Sprintf("m%d=http://%s:2380", i, a))
	}
	var members []*EtcdMember
	for i, a := range addresses {
		dir, client, peer := tb.TempDir(), "http://"+a+":"+EtcdPort, "http://"+a+":2380"
		p, err := startProcess(dir, "etcd", "--name", fmt.Sprintf("m%d", i), "--data-dir", dir+"/data", "--log-level", "warn",
			"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
			"--initial-advertise-peer-urls", peer, "--initial-cluster", strings.Join(peers, ","))
		if err != nil {
			tb.Fatal(err)
		}
		m := &EtcdMember{Address: a, process: p, tb: tb}
		tb.Cleanup(func() {
			m.Thaw()
			if err := p.stop(); err != nil {
				tb.Error(err)
			}
		})
		members = append(members, m)
	}
	for _, m := range members {
		if err := m.process.await(m.Healthy); err != nil {
			tb.Fatal(err)
		}
	}
	return members
}

// Healthy fails unless the member serves, and knows a leader.
func (m *EtcdMember) Healthy(ctx context.Context) error {
	return get(ctx, "http://"+m.Address+":"+EtcdPort+"/health")
}

// Leads tells whether the other members follow this one. One that does not answer leads nobody.
func (m *EtcdMember) Leads() bool {
	ctx, cancel := context.WithTimeout(m.tb.Context(), 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://"+m.Address+":"+EtcdPort+"/v3/maintenance/status", strings.NewReader("{}"))
	if err != nil {
		m.tb.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var status struct {
		Header struct {
			ID string `json:"member_id"`
		} `json:"header"`
		Leader string `json:"leader"`
	}
	return json.NewDecoder(response.Body).Decode(&status) == nil && status.Leader != "" && status.Leader == status.Header.ID
}

// Freeze stops the member's process where it is, as a paused virtual machine is; Thaw lets it go on.
func (m *EtcdMember) Freeze() { m.signal(syscall.SIGSTOP) }

// Thaw ends Freeze.
func (m *EtcdMember) Thaw() { m.signal(syscall.SIGCONT) }

func (m *EtcdMember) signal(s os.Signal) {
	m.tb.Helper()
	if err := m.process.cmd.Process.Signal(s); err != nil {
		m.tb.Errorf("etcd at %s: %v", m.Address, err)
	}
}
