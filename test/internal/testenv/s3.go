package testenv

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"testing"
)

// S3 is an S3-compatible store in memory, on a free port of localhost.
type S3 struct {
	Endpoint string // http://localhost:PORT
	Bucket   string // there is one
}

// NewS3 starts a store that lives as long as the test.
func NewS3(tb testing.TB) *S3 {
	tb.Helper()
	require(tb)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	host := listener.Addr().String()
	if err := listener.Close(); err != nil { // the store wants to listen by itself
		tb.Fatal(err)
	}
	s := &S3{Endpoint: "http://" + host, Bucket: "caches"}
	process, err := startProcess(tb.TempDir(), Tool("gofakes3"), "-quiet", "-host", host, "-backend", "memory", "-initialbucket", s.Bucket)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := process.stop(); err != nil {
			tb.Error(err)
		}
	})
	err = process.await(func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodHead, s.Endpoint+"/"+s.Bucket, http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("bucket %s: %s", s.Bucket, response.Status)
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Attributes are those of a cache of type s3, with the given ones in addition.
func (s *S3) Attributes(more map[string]string) map[string]string {
	out := map[string]string{
		"endpoint_url": s.Endpoint, "bucket": s.Bucket, "region": "local", "use_path_style": "true",
		"access_key_id": "somebody", "secret_access_key": "something",
	}
	maps.Copy(out, more)
	return out
}
