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
	// Commits is how many could be compared; Ran how many steps of setup run in
	// all of them, BuildKit how many with BuildKit's frontend.
	Commits  int `json:"commits"`
	Ran      int `json:"ran"`
	BuildKit int `json:"buildkit"`
	// More are the commits that run more steps than with BuildKit's frontend.
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
	h.Commits, h.Ran, h.BuildKit = own.Compared, own.Ran, buildkit.Ran
	ran := map[string]int{}
	for _, o := range buildkit.Outcomes {
		ran[o.Commit.ID] = len(o.Ran)
	}
	for _, o := range own.Outcomes {
		if n, ok := ran[o.Commit.ID]; ok && len(o.Ran) > n {
			h.More = append(h.More, fmt.Sprintf("%s: %d instead of %d", o.Commit.ID, len(o.Ran), n))
		}
	}
	return h
}
