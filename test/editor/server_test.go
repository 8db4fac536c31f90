//go:build full

// Package editor asks the language server that editors run for YAML what it shows to somebody who writes a build file.
package editor

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sourcegraph/jsonrpc2"
	"github.com/stretchr/testify/require"

	"github.com/pgstrata/pgstrata/spec/schema"
)

// server is a language server with the schema of the build file.
type server struct {
	t    *testing.T
	conn *jsonrpc2.Conn
	dir  string
	// told are the server's findings, as it publishes them.
	told chan findings
}

// The parts of the Language Server Protocol that are used here.
type (
	object   = map[string]any
	position struct {
		Line      int `json:"line"`
		Character int `json:"character"`
	}
	findings struct {
		URI         string `json:"uri"`
		Diagnostics []struct {
			Message string `json:"message"`
			Range   struct {
				Start position `json:"start"`
			} `json:"range"`
		} `json:"diagnostics"`
	}
	completions struct {
		Items []struct {
			Label      string `json:"label"`
			InsertText string `json:"insertText"`
		} `json:"items"`
	}
	hover struct {
		Contents struct {
			Value string `json:"value"`
		} `json:"contents"`
	}
)

// start starts the server that hack/editor-server has installed.
func start(t *testing.T) *server {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), filepath.Join(cache, "pgstrata/editor/node_modules/.bin/yaml-language-server"), "--stdio")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start(), "hack/editor-server installs it")

	s := &server{t: t, dir: t.TempDir(), told: make(chan findings, 100)}
	pipe := struct {
		io.Reader
		io.WriteCloser
	}{out, in}
	s.conn = jsonrpc2.NewConn(t.Context(), jsonrpc2.NewBufferedStream(pipe, jsonrpc2.VSCodeObjectCodec{}), jsonrpc2.HandlerWithError(s.answer))
	t.Cleanup(func() {
		s.conn.Close()
		_ = cmd.Wait() // its context is over
	})
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "schema.json"), []byte(schema.JSON()), 0o600))
	s.call("initialize", object{"processId": nil, "rootUri": "file://" + s.dir, "capabilities": object{
		"workspace":    object{"configuration": true},
		"textDocument": object{"completion": object{"completionItem": object{"snippetSupport": true}}, "hover": object{"contentFormat": []string{"markdown"}}},
	}}, nil)
	require.NoError(t, s.conn.Notify(t.Context(), "initialized", object{}))
	return s
}

// answer answers what the server asks for, and takes in what it tells.
func (s *server) answer(_ context.Context, _ *jsonrpc2.Conn, r *jsonrpc2.Request) (any, error) {
	switch r.Method {
	case "workspace/configuration":
		var asked struct {
			Items []struct{ Section string } `json:"items"`
		}
		if err := json.Unmarshal(*r.Params, &asked); err != nil {
			return nil, err
		}
		var out []any
		for _, item := range asked.Items {
			if item.Section == "yaml" {
				out = append(out, object{"validate": true, "completion": true, "hover": true, "schemaStore": object{"enable": false}})
			} else {
				out = append(out, nil)
			}
		}
		return out, nil
	case "textDocument/publishDiagnostics":
		var told findings
		if err := json.Unmarshal(*r.Params, &told); err != nil {
			return nil, err
		}
		s.told <- told
	}
	return nil, nil
}

func (s *server) call(method string, params, result any) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	require.NoError(s.t, s.conn.Call(ctx, method, params, result))
}

// open opens a build file, and returns what the server finds in it.
func (s *server) open(name, text string) findings {
	s.t.Helper()
	return s.openBy("schema.json", name, text)
}

// openBy opens a file that a schema is for.
func (s *server) openBy(schema, name, text string) findings {
	s.t.Helper()
	uri := s.uri(name)
	require.NoError(s.t, s.conn.Notify(s.t.Context(), "textDocument/didOpen", object{"textDocument": object{
		"uri": uri, "languageId": "yaml", "version": 1, "text": "# yaml-language-server: $schema=" + schema + "\n" + text,
	}}))
	for {
		select {
		case told := <-s.told:
			if told.URI == uri {
				return told
			}
		case <-time.After(time.Minute):
			require.Fail(s.t, "the server finds nothing, and does not say so")
		}
	}
}

func (s *server) uri(name string) string { return "file://" + filepath.Join(s.dir, name) }

// at is what a request asks about: a place in a file.
func (s *server) at(name string, p position) object {
	return object{"textDocument": object{"uri": s.uri(name)}, "position": p}
}
