//go:build full

package boot

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Metrics of a server, by a program that the image has if a build argument asks for it.
func TestExporter(t *testing.T) {
	img := newImage(t, example{
		name: "exporter", folder: "postgresql", base: "debian:bookworm-slim", version: "PostgreSQL 15.", args: map[string]string{"EXPORTER_VERSION": "0.17.1"},
	})
	s := img.run(t, "--env=POSTGRES_PASSWORD=secret")
	s.awaitHealth("healthy")
	metrics := img.run(t, "--env=MODE=exporter", "--env=DATA_SOURCE_URI="+localhost+":"+s.port+"/postgres?sslmode=disable",
		"--env=DATA_SOURCE_USER=postgres", "--env=DATA_SOURCE_PASS=secret")
	metrics.awaitHealth("healthy")
	assert.Contains(t, metrics.sh("exec 3<>/dev/tcp/127.0.0.1/9187; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"), "pg_up 1\n")
	stopsAtOnce(t, metrics)

	wrong := img.run(t, "--env=MODE=exporter")
	require.Equal(t, 1, wrong.Wait())
	assert.Contains(t, wrong.Logs(), "DATA_SOURCE_URI is not set")
}
