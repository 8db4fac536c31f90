#!/bin/sh
# Compiles postgres_exporter, which gives metrics of a server to Prometheus: a module from the Go module proxy, built by its own
# go.sum, which names the checksums of all that it needs.
set -eu

module=github.com/prometheus-community/postgres_exporter
go mod download "$module@v$EXPORTER_VERSION"
cp -r "$(go env GOMODCACHE)/$module@v$EXPORTER_VERSION" /temp/exporter
cd /temp/exporter
CGO_ENABLED=0 go build -mod=readonly -trimpath -ldflags '-s -w' -o /usr/local/bin/postgres_exporter ./cmd/postgres_exporter
/usr/local/bin/postgres_exporter --version
