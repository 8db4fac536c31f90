package main

import (
	"context"
	"errors"
	"strings"

	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
)

// advice says what to do about a failure that is not the build file's; "" where
// the error says it, or nobody knows. Not every command has asked a daemon.
func advice(err error, daemon bool) string {
	text, code := err.Error(), grpcerrors.Code(err)
	switch {
	case errors.Is(err, context.Canceled) && !daemon:
		return "interrupted"
	case errors.Is(err, context.Canceled) || code == codes.Canceled:
		return "interrupted; what was done is in the daemon's cache, and the same command goes on from there"
	case code == codes.Unavailable && strings.Contains(text, "Error while dialing"):
		return "no BuildKit daemon answers there; start one, or name another by --addr or BUILDKIT_HOST"
	case code == codes.Unavailable:
		return "the daemon has gone away; when it is back, the same command goes on from its cache"
	case strings.Contains(text, "no space left on device"):
		return "the daemon's disk is full; make room, for instance by `buildctl prune`, and repeat the command"
	case strings.Contains(text, "failed to rename") && strings.Contains(text, "file exists"):
		return "the daemon was killed while it made this; repeat the command: it has cleaned up now"
	case strings.Contains(text, "not a git repository"):
		return "history is read from a git repository: run this in one"
	case strings.Contains(text, "failed to push "):
		return "the tag is what it was before; when the registry takes the image, the same command pushes it, and builds nothing again"
	case strings.Contains(text, "error writing layer blob") || strings.Contains(text, "error writing manifest blob"):
		return "the cache was not written; with ignore-error=true in --cache-to a build succeeds all the same"
	}
	return ""
}
