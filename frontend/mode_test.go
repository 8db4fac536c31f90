package frontend

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/plan"
)

// A step that sees a file by way of a copy that sets its mode does not run again
// for the mode that the file has in the build context.
func TestModeThatACopySets(t *testing.T) {
	d := newDockerfileTree("FROM debian:bookworm-slim\n" +
		"COPY setup.sh /opt/setup.sh\n" +
		"COPY scripts /opt/scripts\n" +
		"RUN chmod +x /opt/setup.sh && /opt/setup.sh && rm -r /opt/setup.sh /opt/scripts\n")
	d.write("setup.sh", "#!/bin/bash\nset -e\nchmod +x /opt/scripts/*.sh\n/opt/scripts/1.sh\n/opt/scripts/2.sh\n")
	for _, name := range []string{"scripts/1.sh", "scripts/2.sh"} {
		d.write(name, "#!/bin/bash\nset -e\necho "+name+"\n")
		d.files[name].Mode = 0o644
	}
	before := d.record(t)
	d.files["scripts/1.sh"].Mode = 0o755
	p := plan.Compare(before, d.record(t))
	found := 0
	for _, s := range p.Steps {
		if s.Title == "1.sh" || s.Title == "2.sh" {
			found++
			assert.Equal(t, plan.Hit, s.Cache, "%s: %s", s.Title, s.Why())
		}
	}
	require.Equal(t, 2, found, "the driver is split")
}
