package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

// patience is how long a test waits for something that has to come.
const patience = 2 * time.Minute

// gate holds a step up: its script comes to the gate, waits there, and goes on
// when the gate is opened.
type gate struct {
	// Line is the part of a bash script that comes to the gate.
	Line string

	arrived chan net.Conn
	count   atomic.Int32
}

func newGate(t *testing.T) *gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	g := &gate{
		Line:    "exec 3<>/dev/tcp/127.0.0.1/" + port + "; read -r answer <&3\n",
		arrived: make(chan net.Conn, 16),
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.count.Add(1)
			g.arrived <- conn
		}
	}()
	return g
}

// await waits for a step to come, and returns it.
func (g *gate) await(t *testing.T) *visitor {
	t.Helper()
	select {
	case conn := <-g.arrived:
		t.Cleanup(func() { _ = conn.Close() })
		return &visitor{conn}
	case <-time.After(patience):
		require.Fail(t, "no step has come to the gate")
		return nil
	}
}

// visitor is a step that waits at a gate.
type visitor struct{ conn net.Conn }

// open lets it go on.
func (v *visitor) open(t *testing.T) {
	t.Helper()
	_, err := fmt.Fprintln(v.conn)
	require.NoError(t, err)
}

// gone waits until the step's process has ended.
func (v *visitor) gone(t *testing.T) {
	t.Helper()
	require.NoError(t, v.conn.SetReadDeadline(time.Now().Add(patience)))
	_, err := bufio.NewReader(v.conn).ReadByte()
	require.Error(t, err)
	require.NotErrorIs(t, err, context.DeadlineExceeded, "the step's process is still there")
	var timeout net.Error
	require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "the step's process is still there")
}

// faulty is a registry in front of the environment's, the same images behind
// another port, whose answers can fail.
type faulty struct {
	host   string
	server *http.Server

	mu    sync.Mutex
	fault fault
}

// fault answers a request in the registry's place, or returns false.
type fault func(w http.ResponseWriter, r *http.Request) bool

func newFaulty(t *testing.T, r *testenv.Registry) *faulty {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	f := &faulty{host: "localhost:" + port}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: r.Host})
	proxy.ErrorLog = log.New(io.Discard, "", 0) // of clients that go away
	f.server = &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		fails := f.fault
		f.mu.Unlock()
		if fails == nil || !fails(w, r) {
			proxy.ServeHTTP(w, r)
		}
	})}
	go func() { _ = f.server.Serve(listener) }() // ends with Close
	t.Cleanup(f.away)
	return f
}

func (f *faulty) set(fails fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fails
}

// away ends the server: connections are refused from now on.
func (f *faulty) away() { _ = f.server.Close() }

// cut drops the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

// isUpload tells whether a request sends a layer or a configuration.
func isUpload(r *http.Request) bool {
	return (r.Method == http.MethodPut || r.Method == http.MethodPatch) && strings.Contains(r.URL.Path, "/blobs/uploads/")
}

// isManifest tells whether a request sends a manifest.
func isManifest(r *http.Request) bool {
	return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/")
}

// frontends are the processes of frontend images that a daemon runs.
func frontends(t *testing.T, d *testenv.Daemon) []int {
	t.Helper()
	parents := map[int]int{}
	var named []int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, file := range stats {
		data, err := os.ReadFile(file)
		if err != nil { // it has ended
			continue
		}
		name, rest, _ := strings.Cut(string(data), ") ")
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		require.NoError(t, err)
		parents[pid], err = strconv.Atoi(strings.Fields(rest)[1])
		require.NoError(t, err)
		if strings.HasSuffix(name, "(pgstrata-fronte") { // the kernel cuts it to 15 letters
			named = append(named, pid)
		}
	}
	return slices.DeleteFunc(named, func(pid int) bool {
		for up := pid; up > 1; up = parents[up] {
			if up == d.PID() {
				return false
			}
		}
		return true
	})
}
