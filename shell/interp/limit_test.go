package interp_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/shell"
	"github.com/pgstrata/pgstrata/shell/interp"
)

// What is costly to read, for its length.
func costly() map[string]string {
	return map[string]string{
		"commands": "a\n", "words": "a ", "reads": "$a ", "substitutions": "$(a);", "braces": "{a,b};", "loops": "for i in a b c;do $i;done;",
		"shells": "sh -c \"sh -c 'a'\";", "background": "a&", "doubling": "x=$x$x;", "sources": ". ./0.sh;",
	}
}

// However the scripts are made, there is an end to what is read of them, and
// to the memory for it.
func TestLoaderIsBounded(t *testing.T) {
	const scripts, size, limit = 12, 240 << 10, 256 << 20
	for name, unit := range costly() {
		t.Run(name, func(t *testing.T) {
			files := fstest.MapFS{}
			for i := range scripts {
				files[fmt.Sprintf("%d.sh", i)] = &fstest.MapFile{Data: []byte("#!/bin/bash\n" + strings.Repeat(unit, size/len(unit)))}
			}
			before := live()
			loader := interp.NewFSLoader(files)
			var programs []*shell.Program
			refused := ""
			for i := range scripts {
				p, err := loader.Load(fmt.Sprintf("%d.sh", i), interp.Options{Dir: "/", Follow: true})
				if err != nil {
					refused = err.Error()
				}
				programs = append(programs, p)
			}
			assert.Contains(t, refused, "that are read; give")
			assert.Less(t, live()-before, int64(limit))
			runtime.KeepAlive(programs)
			runtime.KeepAlive(loader)
		})
	}
}

func live() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestLargeFilesAreNotRead(t *testing.T) {
	files := fstest.MapFS{"a.sh": {Data: make([]byte, 100<<20)}}
	_, err := interp.NewFSLoader(files).Load("a.sh", interp.Options{})
	var large *shell.TooLargeError
	require.ErrorAs(t, err, &large)
	assert.Equal(t, 100<<20, large.Size)
}
