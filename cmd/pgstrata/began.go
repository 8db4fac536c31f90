package main

import (
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

// definitionVertex is what the name of a build's first vertex begins with.
const definitionVertex = "[internal] load build definition"

// began is when a build began, by the daemon's clock; zero until the daemon has
// told it. A step that another build had started before is shared by the two:
// its time before this build is none of this build's.
type began struct{ time.Time }

// see takes in a vertex. The build file is read first, and by each build for
// itself.
func (b *began) see(v *client.Vertex) {
	if b.IsZero() && v.Started != nil && strings.HasPrefix(v.Name, definitionVertex) {
		b.Time = *v.Started
	}
}

// since returns the later of a time and the build's beginning.
func (b *began) since(t time.Time) time.Time {
	if t.Before(b.Time) {
		return b.Time
	}
	return t
}
