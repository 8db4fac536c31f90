package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAdvice(t *testing.T) {
	for want, err := range map[string]error{
		"interrupted":      fmt.Errorf("failed to run Build function: %w", context.Canceled),
		"no BuildKit":      status.Error(codes.Unavailable, `connection error: desc = "transport: Error while dialing: dial unix /run/x: connect: no such file"`),
		"has gone away":    fmt.Errorf("failed to receive status: %w", status.Error(codes.Unavailable, "error reading from server: EOF")),
		"disk is full":     errors.New("failed to extract layer: write /x: no space left on device"),
		"was killed":       errors.New("failed to solve: failed to prepare  as x: failed to rename: rename /a/new-1 /a/9: file exists"),
		"the tag is":       errors.New("failed to solve: failed to push localhost:5000/x:1: connection refused"),
		"was not written;": errors.New("failed to solve: error writing layer blob: connection refused"),
	} {
		assert.Contains(t, advice(err, true), want)
	}
	assert.Empty(t, advice(errors.New(`process "/context/x.sh" did not complete successfully: exit code: 1`), true))
	assert.NotContains(t, advice(context.Canceled, false), "daemon", "a command that never asked one")
}
