// Package pictures opens what pgstrata draws in a real browser, from disk, and
// looks at it as a user would.
package pictures

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/internal/golden"
	"github.com/pgstrata/pgstrata/test/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// tab is one page in a browser of its own.
type tab struct {
	*testing.T
	ctx  context.Context //nolint:containedctx // chromedp's handle of the page
	file string

	mu       sync.Mutex
	requests []string
	errors   []string
}

// needsBrowser fails a test that has no browser; -short leaves it out.
func needsBrowser(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Chromium, left out by -short")
	}
	_, err := exec.LookPath("chromium")
	require.NoError(t, err, "run `make setup`; -short leaves this test out")
}

// open opens a file from disk.
func open(t *testing.T, file string, width, height int64) *tab {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath("chromium"), // Debian's package
		chromedp.NoSandbox,            // as root it starts with none
		chromedp.Flag("font-render-hinting", "none"),
	)
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser has ended
		end()
		stop()
	})
	p := &tab{T: t, ctx: ctx, file: file}
	require.NoError(t, chromedp.Listen(ctx, p.note))
	call(p, network.Enable, network.EnableParams{})
	call(p, cdplog.Enable, cdp.Empty{})
	p.do(chromedp.EmulateViewport(width, height), chromedp.Navigate("file://"+file))
	return p
}

// note takes down what the page asks for, and what goes wrong in it.
func (p *tab) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *runtime.EventExceptionThrown:
		p.errors = append(p.errors, e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		p.errors = append(p.errors, e.Entry.Text)
	}
}

// alone asserts that the page has loaded nothing but itself, and without any error.
func (p *tab) alone() {
	p.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Equal(p.T, []string{"file://" + p.file}, slices.Compact(p.requests))
	assert.Empty(p.T, p.errors)
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, time.Minute) // an element that never comes
	defer cancel()
	require.NoError(p.T, chromedp.Do(ctx, steps...))
}

// ask evaluates JavaScript in the page.
func ask[T any](p *tab, script string) T {
	p.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](script))
	require.NoError(p.T, err, script)
	return out
}

// await waits until JavaScript is true.
func (p *tab) await(script string) {
	p.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool](script, chromedp.WithPollingTimeout(time.Minute)))
	require.NoError(p.T, err, script)
}

func call[P, R any](p *tab, command cdp.Command[P, R], params P) {
	p.Helper()
	_, err := chromedp.Call(p.ctx, command, params)
	require.NoError(p.T, err)
}

// scheme makes the page dark or light, as a user's system does.
func (p *tab) scheme(name string) {
	p.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	})
}

// shoot takes a picture of an element; with -update it is one of the documentation's.
func (p *tab) shoot(selector, name string) {
	p.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.ScreenshotScale(chromedp.CSS(selector), 1.25))
	require.NoError(p.T, err)
	require.True(p.T, strings.HasPrefix(string(png), "\x89PNG"))
	if golden.Updating() {
		keep(p.T, name, png)
	}
}

// keep writes a file of docs/images.
func keep(t *testing.T, name string, data []byte) {
	t.Helper()
	const folder = "../../docs/images"
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), data, 0o644))
}
