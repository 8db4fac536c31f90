package observe

import (
	"path"
	"slices"
	"strings"

	"github.com/pgstrata/pgstrata/trace"
)

// Need is a script's dependency on the work of another one.
type Need struct {
	// On is the other script's name.
	On string
	// Path is one that the other left or deleted, and Did what this script
	// asked of it.
	Path string
	Did  trace.Access
}

// needsOf returns what the script with an index read of the work of those
// before it: one need for each, in their order.
//
// Of a path it is the last one that made, changed or deleted it: whoever changed
// it has read what was there before. Of a directory that is listed, it is
// everybody who made or deleted something in it.
func (c *Chain) needsOf(index int) []Need {
	found := map[int]Need{}
	add := func(on int, p trace.Path) {
		need := Need{On: c.Scripts[on].Name, Path: p.Name, Did: p.Did & trace.Reads}
		if old, is := found[on]; !is || weight(need.Did) > weight(old.Did) {
			found[on] = need
		}
	}
	s := c.Scripts[index]
	for _, p := range s.Record.Paths {
		if !reads(p) || within(p.Name, s.Mounts) {
			continue
		}
		for on := index - 1; on >= 0; on-- {
			if c.Scripts[on].effects.touched(p.Name) {
				add(on, p)
				break
			}
		}
		if p.Did&trace.Listed == 0 {
			continue
		}
		for on := range index {
			for _, name := range c.Scripts[on].effects.entries[p.Name] {
				if apart(name, c.Scripts[on].effects.made[name]) == nil {
					add(on, trace.Path{Name: name, Did: trace.Listed})
					break
				}
			}
		}
	}
	var out []Need
	for on := range index {
		if need, is := found[on]; is {
			out = append(out, need)
		}
	}
	return out
}

// assumed returns the needs of a script, the worst assumed where they are not
// known: a script that could not be followed, or that did something else without
// another one's work than with it, may read anything that was done before; and
// what a script did that could not be followed may be read by all that come
// after.
func (c *Chain) assumed(index int, blind bool) []Need {
	known := c.needsOf(index)
	blind = blind || len(c.Scripts[index].Record.Unknown) > 0
	var out []Need
	for _, s := range c.Scripts[:index] {
		i := slices.IndexFunc(known, func(n Need) bool { return n.On == s.Name })
		switch {
		case i >= 0:
			out = append(out, known[i])
		case blind || len(s.Record.Unknown) > 0:
			out = append(out, Need{On: s.Name})
		}
	}
	return out
}

// reads tells whether what a script did to a path depends on what others left
// there.
func reads(p trace.Path) bool {
	did := p.Did & trace.Reads
	switch {
	case did == 0:
		return false
	case p.Did&trace.Ensured != 0 && did == trace.Looked && p.Did&trace.Changes == 0:
		return false // it would have made the directory
	case p.Name == "/etc/ld.so.cache": // each program asks the linker's cache
		return false
	}
	// Bytecode is a cache: a program finds its modules without, too.
	return !slices.Contains(strings.Split(path.Dir(p.Name), "/"), "__pycache__") && path.Base(p.Name) != "__pycache__"
}

// weight tells which of two accesses says more to whoever asks for a reason.
func weight(a trace.Access) int {
	switch {
	case a&trace.Executed != 0:
		return 5
	case a&trace.Connected != 0:
		return 4
	case a&trace.Read != 0:
		return 3
	case a&trace.Listed != 0:
		return 2
	case a&trace.Looked != 0:
		return 1
	}
	return 0
}

// asked says in words what a script did to a path.
func asked(a trace.Access) string {
	return [...]string{"looks for", "looks at", "lists", "reads", "connects to", "runs"}[weight(a)]
}

// String tells of the need in words.
func (n Need) String() string {
	if n.Path == "" {
		return "may read anything of " + n.On
	}
	if n.Did&trace.Listed != 0 && weight(n.Did) == 2 {
		return "lists " + path.Dir(n.Path) + ", where " + n.On + " left " + path.Base(n.Path)
	}
	return asked(n.Did) + " " + n.Path + " of " + n.On
}
