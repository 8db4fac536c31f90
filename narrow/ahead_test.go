package narrow_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/narrow"
	"github.com/pgstrata/pgstrata/trace"
)

// unread is a context of which no file is read.
type unread struct {
	fstest.MapFS
	mu     sync.Mutex // files are read beside each other
	opened []string
}

func (u *unread) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(u.MapFS, name); err == nil && !info.IsDir() {
		u.mu.Lock()
		u.opened = append(u.opened, name)
		u.mu.Unlock()
	}
	return u.MapFS.Open(name)
}

// The digests of many files are asked for at once, of few they are not; what comes of
// them is the same.
func TestManyFilesAtOnce(t *testing.T) {
	for _, files := range []int{10, 500} {
		s := project()
		first := &trace.Record{Version: trace.Version}
		for i := range files {
			name := fmt.Sprintf("many/%03d", i)
			s.write(name, fmt.Sprint(i))
			first.Paths = append(first.Paths, trace.Path{Name: "/app/" + name, Did: trace.Read, Was: trace.File})
		}
		_, record := s.observe(t, []*trace.Record{first, {Version: trace.Version}})
		apply := func(answer bool) (decisions []narrow.Decision, asked, opened int) {
			context := &unread{MapFS: s.files}
			opt := s.options(record)
			opt.Context = context
			opt.Digests = func(names []string) (map[string]string, error) {
				out := map[string]string{}
				for _, name := range names {
					asked++
					sum := sha256.Sum256(s.files[name].Data)
					out[name] = hex.EncodeToString(sum[:])
				}
				if !answer {
					return nil, nil
				}
				return out, nil
			}
			res, err := narrow.Apply(s.definition(t), opt)
			require.NoError(t, err)
			return res.Decisions, asked, len(context.opened)
		}
		decisions, asked, opened := apply(true)
		assert.True(t, decisions[0].Narrow, decisions[0].Text)
		if files > 200 {
			assert.Equal(t, files, asked)
			assert.Zero(t, opened, "none is read")
		} else {
			assert.Zero(t, asked)
			assert.Equal(t, files, opened)
		}
		s.write("many/007", "another")
		for _, answer := range []bool{true, false} {
			decisions, _, _ = apply(answer)
			assert.False(t, decisions[0].Narrow)
			assert.Equal(t, "sees all files: /app/many/007, which it reads, has changed", decisions[0].Text)
		}
	}
}
