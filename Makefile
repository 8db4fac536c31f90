# What a developer runs. Every target sets up what it needs by itself, on a bare Debian machine with Go; the second time
# that costs nothing. `make up` leaves daemons running to work with; tests start and stop their own.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pgstrata

# Where the tests find the tools and the base images (see test/internal/testenv).
export PGSTRATA_BIN := $(cache)/bin
export PGSTRATA_IMAGES := $(cache)/images

.PHONY: help setup build up down demo test test-full conformance unit fuzz release bench bench-compare lint vulncheck fmt clean

help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

# For tests: package repositories, a small base image, network namespaces, a browser for what pgstrata draws, and a git
# server that is reached by ssh.
setup: ## Install the packages, build the tools and the base images that the other targets need
	@hack/packages shellcheck apt-utils gpg busybox-static bash-static iproute2 chromium openssh-server openssh-client
	@hack/build-tools all
	@hack/base-image bookworm
	@hack/go-image

build: ## Build the programs into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o bin/ ./cmd/...

up: ## Start registry, buildkitd and dockerd for developing, and push the frontend image
	@hack/up

down: ## Stop what `make up` started
	@hack/down

demo: ## Build examples/postgresql with the frontend image, and boot it: alone, then under Patroni
	@hack/demo

# -count=1: go test's own cache does not see what the daemons, and programs built by the tests, read.
test: setup lint ## Check and test everything (what CI runs)
	go test -count=1 -timeout 60m ./...

# Two packages do without the race detector: BuildKit v0.34's cache of resolved base images writes one value twice where a
# Dockerfile has two bases, and the detector knows no exceptions.
test-full: setup lint ## The same with the race detector and the tests that take long
	@hack/packages gcc libc6-dev docker-registry
	@hack/base-image trixie
	@hack/engine-root
	@hack/daemons
	@hack/busybox-image
	@hack/editor-server
	go test -race -count=1 -tags full -timeout 120m $$(go list ./... | grep -vE '/test/(corpus|proof)$$')
	go test -count=1 -tags full -timeout 120m ./test/corpus ./test/proof

conformance: setup ## Run BuildKit's own tests of its Dockerfile frontend with pgstrata in its place (part of test-full)
	@hack/packages docker-registry
	@hack/busybox-image
	go test -tags full -count=1 -timeout 120m -v ./test/conformance

unit: ## Only the tests that need no daemon
	go test -short ./...

fuzz: ## Feed random input to whatever reads what users write, for a minute each (FUZZTIME=10m)
	@hack/fuzz

release: ## Make the release VERSION in dist/, from the tag of HEAD; nothing is published
	@hack/release "$(VERSION)"

# A machine that does nothing else gives numbers that mean something.
bench: setup ## Compare with Dockerfiles, in 15 to 70 minutes (BENCH=quick: 20; UPDATE=1: into docs/benchmarks.md)
	go test -tags bench -count=1 -timeout 90m -v -run TestBench ./test/bench

bench-compare: ## Compare the code without a daemon with another revision's, by benchstat: BASE=main
	@hack/bench-compare "$(or $(BASE),main)"

lint: setup ## Check the format and the rules of .golangci.yaml, every shell script, and that the program compiles for other systems
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	$(PGSTRATA_BIN)/golangci-lint run
	GOOS=windows CGO_ENABLED=0 go build -o /dev/null ./cmd/pgstrata
	GOOS=darwin CGO_ENABLED=0 go build -o /dev/null ./cmd/pgstrata
	@grep -rlIE '^(#!.*\b(ba|da)?sh$$|# shellcheck shell=)' --exclude-dir={.git,.dev,testdata,templates} --exclude='*.go' --exclude='*.md' . | sort | xargs -t shellcheck

vulncheck: setup ## Look for known vulnerabilities, where their database can be reached
	@hack/vulncheck

fmt: setup ## Format the Go code
	$(PGSTRATA_BIN)/golangci-lint fmt

clean: down ## Also forget what was built: daemons' data, base images, binaries. The tools stay
	rm -rf bin $(cache)/{buildkit,docker,registry,images}
