# `make` lists the targets. Every tool is pinned: Go by go.mod, the others below tools/.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-builtin-rules
export CGO_ENABLED ?= 0

COUNT ?= 10

# Packages whose tests run under the race detector in every run: those that do not link the libraries below, which
# take minutes to build a second time. The nightly workflow runs all of them (make race-all).
HEAVY := anchore/syft|helm\.sh/helm|sigs\.k8s\.io/kustomize|aws/aws-sdk-go
RACE   = $$(go list -test -f '{{if eq .Name "main"}}{{.ImportPath}} {{join .Deps " "}}{{end}}' ./... | grep '^[^ ]*\.test ' | grep -vE '$(HEAVY)' | sed 's/\.test .*//')

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/trifecta: static, without paths of this machine
	go build -trimpath -ldflags '-s -w' -o bin/trifecta ./cmd/trifecta

.PHONY: check
check: fmt vet lint test ## all that a pull request must pass

.PHONY: fmt
fmt: ## fail where gofmt would change a file
	@files=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$files" ]; then echo "run gofmt -w on:" $$files; exit 1; fi

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: lint
lint: ## the linters of .golangci.yml, and actionlint over the workflows
	go tool -modfile=tools/go.mod golangci-lint run --allow-parallel-runners ./...
	go tool -modfile=tools/actionlint/go.mod actionlint
	go tool -modfile=tools/actionlint/go.mod actionlint examples/workflows/*.yml e2e/sample/.github/workflows/*.yml

.PHONY: test
test: ## all tests in random order; the light packages under the race detector first
	CGO_ENABLED=1 go test -race -short -shuffle=on $(RACE)
	go test -shuffle=on ./...

.PHONY: race-all
race-all: ## all tests under the race detector: a second full build, minutes
	CGO_ENABLED=1 go test -race -shuffle=on -timeout 30m ./...

.PHONY: e2e
e2e: ## run the action, the GitLab job and the container images for real, where this machine can
	e2e/run

.PHONY: man
man: build ## write the manual pages to bin/man
	bin/trifecta man bin/man

.PHONY: images
images: ## take the pictures of docs/images anew, with Chromium and npm
	e2e/page.sh --images

.PHONY: release
release: ## build VERSION of this commit for all platforms and record its checksums; see docs/releasing.md
	go run ./cmd/release -record $(VERSION)

.PHONY: example
example: build ## scan examples/three-tier offline
	bin/trifecta scan examples/three-tier --offline --fail-on none

.PHONY: bench
bench: ## Go benchmarks, COUNT=10 runs each, in the form that benchstat reads
	go test -run '^$$' -bench . -benchmem -count $(COUNT) $$(go list ./... | grep -v /e2e/)

.PHONY: startup
startup: build ## the ten dearest package initialisations, in ms
	@GODEBUG=inittrace=1 bin/trifecta version 2>&1 >/dev/null | awk '$$1 == "init" { n++; sum += $$5; printf "%8.3f %s\n", $$5, $$2 } END { printf "%8.3f all %d packages\n", sum, n }' | sort -rn | awk 'NR <= 11'

.PHONY: compare
compare: build ## set findings and packages against those of osv-scanner and Syft; writes docs/comparison.md
	go run ./e2e/compare

.PHONY: bench-peers
bench-peers: build ## time the whole process beside osv-scanner and syft; writes docs/benchmarks.md
	go run ./e2e/bench

.PHONY: docs
docs: ## write anew what documents show: outputs of commands, tables of inputs
	go test -run "TestDocuments|TestGeneratedTables" ./cmd/trifecta -update
