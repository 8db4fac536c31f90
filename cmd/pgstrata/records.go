package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pgstrata/pgstrata/plan"
)

// history is what is kept of a context's last build.
type history struct {
	// Built is when it ended.
	Built time.Time `json:"built"`
	// Records has one for each platform.
	Records []*plan.Record `json:"records"`
}

// record returns the record for a platform, or nil.
func (h *history) record(platform string) *plan.Record {
	if h == nil {
		return nil
	}
	for _, r := range h.Records {
		if r.Platform == platform {
			return r
		}
	}
	return nil
}

// recordFile is where the last build of a context and build file is recorded.
func recordFile(dir, file string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	var text string
	for _, name := range []string{dir, file} {
		abs, err := filepath.Abs(name)
		if err != nil {
			return "", err
		}
		if followed, err := filepath.EvalSymlinks(abs); err == nil {
			abs = followed
		}
		text += abs + "\x00"
	}
	sum := sha256.Sum256([]byte(text))
	return filepath.Join(cache, "pgstrata", "records", hex.EncodeToString(sum[:16])+".json"), nil
}

// readHistory returns nil where there is none, or none of this version.
func readHistory(dir, file string) (*history, error) {
	name, err := recordFile(dir, file)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	h := &history{}
	if err := json.Unmarshal(data, h); err != nil {
		return nil, nil //nolint:nilerr // a damaged or foreign record is as good as none
	}
	kept := h.Records[:0]
	for _, r := range h.Records {
		if r != nil && r.Format == plan.Format {
			kept = append(kept, r)
		}
	}
	if h.Records = kept; len(kept) == 0 {
		return nil, nil
	}
	return h, nil
}

// write replaces the record, in one step: two builds may end at once.
func (h *history) write(dir, file string) error {
	name, err := recordFile(dir, file)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	// For the user alone: build arguments are in it.
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".record-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(append(data, '\n'))
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the first error says more
	}
	return err
}
