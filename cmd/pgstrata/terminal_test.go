package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/containerd/console"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// onTerminal returns what a function writes to a terminal of a width.
func onTerminal(t *testing.T, width uint16, f func(*os.File)) string {
	t.Helper()
	pty, name, err := console.NewPty()
	require.NoError(t, err)
	require.NoError(t, pty.Resize(console.WinSize{Width: width, Height: 40}))
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	read := make(chan string)
	go func() {
		var out bytes.Buffer
		_, _ = io.Copy(&out, pty) // it ends with an error, where the other side is closed
		read <- strings.ReplaceAll(out.String(), "\r\n", "\n")
	}()
	f(file)
	require.NoError(t, file.Close())
	defer pty.Close()
	return <-read
}

// Each command that tells something writes for the terminal that it is on, and knows no colors where nobody wants them.
func TestTerminal(t *testing.T) {
	for _, name := range []string{"NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"} {
		t.Setenv(name, "")
	}
	t.Setenv("TERM", "xterm")
	r := newRepository(t)
	r.write("Dockerfile", "base: debian:bookworm-slim\n")
	r.write("setup/scripts/01-first.sh", "#!/bin/sh\ncd /source\nmake -j4\n")
	r.commit("import")
	r.edit(3, "setup/scripts/01-first.sh")
	const width = 50
	for _, command := range [][]string{
		{"check", r.dir},
		{"check", "--fix", "--fail-on", "never", r.dir},
		{"plan", "--change", "setup/scripts/01-first.sh", r.dir},
		{"analyze", r.dir},
	} {
		t.Run(command[0], func(t *testing.T) {
			said := func() string {
				return onTerminal(t, width, func(f *os.File) { run(command, f, f) })
			}
			colored := said()
			assert.Contains(t, colored, "\x1b[")
			t.Setenv("NO_COLOR", "1")
			plain := said()
			assert.NotContains(t, plain, "\x1b[")
			for line := range strings.Lines(plain) {
				words := strings.Fields(line)
				excerpt := strings.Contains(line, " | ") || strings.Contains(line, " - https://")
				assert.True(t, len([]rune(strings.TrimRight(line, "\n"))) <= width || len(words) < 3 || excerpt, "%q", line)
			}
		})
	}
	observed := onTerminal(t, width, func(f *os.File) {
		assert.NoError(t, writeObserved(f, []byte("setup/scripts/01-first.sh\n  stays in the chain: it goes through all that the scripts before it have left behind\n")))
	})
	assert.Equal(t, "setup/scripts/01-first.sh\n  stays in the chain: it goes through all that the\n      scripts before it have left behind\n", observed)
}
