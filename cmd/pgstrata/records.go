package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	digest "github.com/opencontainers/go-digest"

	"github.com/pgstrata/pgstrata/plan"
)

// history is what is kept of a context's last build.
type history struct {
	// Built is when it ended.
	Built time.Time `json:"built"`
	// By is what built, "" for this program.
	By string `json:"by,omitempty"`
	// File is the absolute path of the build file, Content the digest of it.
	File    string        `json:"file"`
	Content digest.Digest `json:"content"`
	// Records has one for each platform.
	Records []*plan.Record `json:"records"`
}

// String says which build it was.
func (h *history) String() string {
	text := "the build of " + h.Built.Local().Format(minutes)
	if h.By != "" {
		text += ", by " + h.By
	}
	return text
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

// recordFile is where the last build of a context and build file is recorded:
// a folder for each context, a file for each build file.
func recordFile(dir, file string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	names := []string{dir, file}
	for i, name := range names {
		if names[i], err = absolute(name); err != nil {
			return "", err
		}
		sum := sha256.Sum256([]byte(names[i]))
		names[i] = hex.EncodeToString(sum[:16])
	}
	return filepath.Join(cache, "pgstrata", "records", names[0], names[1]+".json"), nil
}

// absolute is a path without symbolic links, where it can be followed.
func absolute(name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if followed, err := filepath.EvalSymlinks(abs); err == nil {
		abs = followed
	}
	return abs, nil
}

// readHistory returns what is recorded of a context and build file, nil where that
// is nothing. A build file that was renamed has the record that it had under its
// old name.
func readHistory(dir, file string) (*history, error) {
	name, err := recordFile(dir, file)
	if err != nil {
		return nil, err
	}
	h, err := readRecord(name)
	if h != nil || err != nil {
		return h, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil //nolint:nilerr // whoever needs the build file says so
	}
	others, err := filepath.Glob(filepath.Join(filepath.Dir(name), "*.json"))
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		h, err := readRecord(other)
		if err != nil {
			return nil, err
		}
		if h != nil && h.Content == digest.FromBytes(text) && gone(h.File) {
			return h, nil
		}
	}
	return nil, nil
}

func gone(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

func readRecord(name string) (*history, error) {
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
	h.Records = slices.DeleteFunc(h.Records, func(r *plan.Record) bool { return r == nil })
	if len(h.Records) == 0 {
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
	if h.File, err = absolute(file); err != nil {
		return err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	h.Content = digest.FromBytes(text)
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
