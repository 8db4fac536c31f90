package frontend

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/pkg/errors"

	"github.com/pgstrata/pgstrata/plan"
)

// keptRecords is the key of a result's metadata that has the records of a build. A
// daemon keeps it in the build's history, with the build arguments that it keeps there
// anyhow; in no image, and in nothing that a client writes.
const keptRecords = "pgstrata.records"

// mostKept is how large records may be that a daemon is to keep, in bytes.
const mostKept = 1 << 20

// KeptRecords are the records that a build's history has, by what it keeps of the
// build's result; none of a build that pgstrata did not make, or that has more files
// than a build takes the time to read.
func KeptRecords(metadata map[string]string) ([]*plan.Record, error) {
	text := metadata[keptRecords]
	if text == "" {
		return nil, nil
	}
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.Wrap(err, "the records of a build")
	}
	data, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, errors.Wrap(err, "the records of a build")
	}
	var out []*plan.Record
	if err := json.NewDecoder(data).Decode(&out); err != nil {
		return nil, errors.Wrap(err, "the records of a build")
	}
	return out, nil
}

// keeper makes the records of a build while the build runs.
type keeper struct {
	wait sync.WaitGroup

	mu      sync.Mutex
	records map[string]*plan.Record // by platform
	told    map[string]int
	failed  bool
}

func newKeeper() *keeper { return &keeper{records: map[string]*plan.Record{}, told: map[string]int{}} }

// beside runs a function beside the build. What goes wrong in it is no reason to fail:
// there is no record then.
func (k *keeper) beside(f func() error) {
	k.wait.Go(func() {
		var err error
		defer func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.failed = k.failed || err != nil
		}()
		defer recovered(&err)
		err = f()
	})
}

// tell takes in what a platform's build comes down to. What is told last counts.
func (k *keeper) tell(r Resolved) {
	k.mu.Lock()
	defer k.mu.Unlock()
	platform := r.Platform()
	k.told[platform]++
	turn := k.told[platform]
	k.beside(func() error {
		if tree, ok := r.Context.(*contextFS); ok {
			tree.readSmall(mostQuestions, mostBytes)
			r.Context = &briefly{contextFS: tree}
		}
		record, err := r.Record()
		k.mu.Lock()
		defer k.mu.Unlock()
		if turn == k.told[platform] {
			k.records[platform] = record
		}
		return err
	})
}

// keep adds the records to a build's result.
func (k *keeper) keep(res *client.Result) {
	if k == nil || res == nil {
		return
	}
	k.wait.Wait()
	if k.failed || len(k.records) == 0 {
		return
	}
	var list []*plan.Record
	for _, platform := range slices.Sorted(maps.Keys(k.records)) {
		list = append(list, k.records[platform])
	}
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	err := json.NewEncoder(packed).Encode(list)
	if err != nil || packed.Close() != nil {
		return
	}
	if text := base64.StdEncoding.EncodeToString(out.Bytes()); len(text) <= mostKept {
		res.AddMeta(keptRecords, []byte(text))
	}
}

// briefly is a build context of which no more is read than takes no time to speak of:
// each file and each directory is a question to the daemon.
type briefly struct {
	*contextFS

	mu               sync.Mutex
	questions, bytes int64
}

const (
	mostQuestions = 200
	mostBytes     = 16 << 20
)

// ask counts a question.
func (b *briefly) ask(size int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.questions++
	b.bytes += size
	if b.questions > mostQuestions || b.bytes > mostBytes {
		return errors.New("there are more files than a build takes the time to read")
	}
	return nil
}

// ReadDir implements fs.ReadDirFS.
func (b *briefly) ReadDir(name string) ([]fs.DirEntry, error) {
	if err := b.ask(0); err != nil {
		return nil, err
	}
	return b.contextFS.ReadDir(name)
}

// Open implements fs.FS.
func (b *briefly) Open(name string) (fs.File, error) {
	info, err := b.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := b.ask(info.Size()); err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return b.contextFS.Open(name)
	}
	data, err := b.ReadFile(name) // which the build may have read already
	if err != nil {
		return nil, err
	}
	return &readFile{info, bytes.NewReader(data)}, nil
}

// readFile is a file that was read.
type readFile struct {
	info fs.FileInfo
	io.Reader
}

func (f *readFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *readFile) Close() error               { return nil }
