package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/pgstrata/pgstrata/replay"
)

// history is what a replay of a tree's commits comes to, for one Dockerfile.
type history struct {
	buildFile
	Error string `json:"error,omitempty"`
	// Commits is how many could be compared; Ran how many instructions of setup run
	// in all of them, BuildKit how many with BuildKit's frontend. A step that is a
	// part of one counts for its share.
	Commits  int     `json:"commits"`
	Ran      float64 `json:"ran"`
	BuildKit float64 `json:"buildkit"`
	// Less is how many commits run less than with BuildKit's frontend, More are
	// those that run more.
	Less int      `json:"less"`
	More []string `json:"more,omitempty"`
}

// replayed replays the newest commits by the program's own analyze.
func replayed(ctx context.Context, program string, b buildFile, commits int, limit time.Duration) history {
	h := history{buildFile: b}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "analyze", "--format", "json", "--max-count", fmt.Sprint(commits), "--file", b.path(), b.context()) //nolint:gosec // the program under test
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var r replay.Report
	switch {
	case ctx.Err() != nil:
		h.Error = fmt.Sprintf("not through after %v", limit)
		return h
	case err != nil:
		h.Error = errors.Join(err, errors.New(stderr.String())).Error()
		return h
	}
	if err := json.Unmarshal(out, &r); err != nil {
		h.Error = err.Error()
		return h
	}
	if len(r.Contenders) < 2 {
		h.Error = "there is nothing to compare"
		return h
	}
	own, buildkit := r.Contenders[0], r.Contenders[1]
	h.Commits, h.Ran, h.BuildKit = own.Compared, own.Instructions, buildkit.Instructions
	ran := map[string]float64{}
	for _, o := range buildkit.Outcomes {
		ran[o.Commit.ID] = o.Instructions
	}
	for _, o := range own.Outcomes {
		const rounding = 1e-6
		n, ok := ran[o.Commit.ID]
		switch {
		case !ok:
		case o.Instructions < n-rounding:
			h.Less++
		case o.Instructions > n+rounding:
			h.More = append(h.More, fmt.Sprintf("%s: %.2f instead of %.2f", o.Commit.ID, o.Instructions, n))
		}
	}
	return h
}
