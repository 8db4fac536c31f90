//go:build full

package boot

import (
	"testing"
	"time"
)

// Ten minutes of accidents and more: all of them, the frozen leader several
// times, in another order and with other nodes every time.
func TestChaos(t *testing.T) {
	c := newChaos(t, uint64(time.Now().UnixNano()))
	accidents := c.accidents()
	for _, a := range c.accidents() {
		if a.name == freezesLeader {
			accidents = append(accidents, a, a, a, a)
		}
	}
	c.run(accidents)
}
