package spec

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

func (t *Text) decodeNode(d *decoder, n ast.Node, _ int) {
	if n == nil {
		return
	}
	if s, ok := d.scalar(n); ok {
		*t = Text{Value: s, At: rangeOf(n)}
	}
}

func (a *Arg) decodeValue(d *decoder, n ast.Node, depth int) {
	if n == nil {
		return
	}
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		var long LongArg
		d.decodeStruct(n, reflect.ValueOf(&long).Elem(), depth)
		a.Value, a.Description = long.Default, long.Description.Value
	default:
		a.Value.decodeNode(d, n, depth)
	}
}

func (t *Script) decodeNode(d *decoder, n ast.Node, depth int) { decodeLong(d, n, depth, t, &t.Path) }

func (t *Secret) decodeNode(d *decoder, n ast.Node, depth int) { decodeLong(d, n, depth, t, &t.ID) }

// decodeLong fills a value that is a mapping, or for short one scalar of it.
func decodeLong[T any](d *decoder, n ast.Node, depth int, long *T, short *Text) {
	if p, ok := any(long).(placed); ok {
		p.setRange(rangeOf(n))
	}
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		d.decodeStruct(n, reflect.ValueOf(long).Elem(), depth)
	default:
		short.decodeNode(d, n, depth)
	}
}

func (c *Caches) decodeNode(d *decoder, n ast.Node, depth int) {
	if _, ok := n.(*ast.SequenceNode); ok {
		d.decodeSlice(n, reflect.ValueOf(&c.Extra).Elem(), depth)
		return
	}
	if s, ok := d.scalar(n); ok && s == "none" {
		c.None = true
		return
	}
	d.Addf(rangeOf(n), "caches must be a list of cache names and paths, or none")
}

func (m *Mode) decodeNode(d *decoder, n ast.Node, _ int) {
	s, ok := d.scalar(n)
	if !ok {
		return
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || bits > 0o7777 {
		d.Addf(rangeOf(n), "mode must be octal permission bits such as \"0640\", not %q", s)
		return
	}
	*m = Mode{Bits: uint32(bits), At: rangeOf(n)}
}

func (t *Duration) decodeNode(d *decoder, n ast.Node, _ int) {
	s, ok := d.scalar(n)
	if !ok {
		return
	}
	v, err := time.ParseDuration(s)
	if err != nil || v < 0 {
		d.Addf(rangeOf(n), "must be a length of time such as 30s, 5m or 168h, not %q%s", s, longer(s))
		return
	}
	*t = Duration{Duration: v, At: rangeOf(n)}
}
