# odigos-stress: build, test, run. `make help` lists what people type.
GO      ?= go
TAGS    := grpcnotrace
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null)
DATE    ?= $(shell git log -1 --format=%cI 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
BIN     := bin
LINT     = $(GO) tool -modfile=tools/go.mod golangci-lint

export CGO_ENABLED ?= 0
# All that compiles does so in one way, or each dependency is compiled for the programs, and again
# for the tests.
export GOFLAGS := $(filter-out -trimpath,$(shell $(GO) env GOFLAGS)) -trimpath
export SCENARIO SPANS_PER_SEC DURATION CPU_LIMIT MEMORY_LIMIT ENVIRONMENT

.PHONY: build tool collector image-tar stress-test capacity bench test test-main test-collector test-bench test-chart test-cluster chart check \
	fmt fmt-check vet lint race floors goldens generate clean help

build: tool collector

tool:
	$(GO) build -tags $(TAGS) -ldflags '$(LDFLAGS)' -o $(BIN)/odigos-stress ./cmd/odigos-stress

collector:
	cd collector && $(GO) build -tags $(TAGS) -ldflags '-s -w' -o ../$(BIN)/odigos-stress-otelcol .

# Images are of Linux; elsewhere their programs are built apart.
IMAGE_BIN = $(if $(filter linux,$(shell $(GO) env GOHOSTOS)),$(BIN),$(BIN)/linux)
IMAGE_TAR = $(BIN)/odigos-stress-image.tar

## image-tar: the tool's image in bin/, for `kind load image-archive`, `ctr images import`, `docker load`
image-tar: build
	@[ "$(IMAGE_BIN)" = "$(BIN)" ] || GOOS=linux $(MAKE) build BIN=$(IMAGE_BIN)
	$(BIN)/odigos-stress image --programs $(IMAGE_BIN) $(IMAGE_TAR)

## stress-test: ask one scenario (SCENARIO SPANS_PER_SEC DURATION CPU_LIMIT MEMORY_LIMIT ENVIRONMENT)
stress-test: build
	@./run-stress-test.sh

## capacity: look for the highest rate that a gateway holds (the same variables)
capacity: build
	@COMMAND=capacity ./run-stress-test.sh

## bench: both ends beside their peers; BENCH takes flags, such as BENCH='-rounds 1 -case loadgen'
bench:
	cd bench && $(GO) build -tags $(TAGS) -o ../$(BIN)/bench . && ../$(BIN)/bench $(BENCH)

## test: every test of every module
test: test-main test-collector test-bench test-chart

test-main: build
	$(GO) test -tags $(TAGS) ./...

test-collector:
	cd collector && $(GO) vet -tags $(TAGS) ./memoryadmission && $(GO) test -tags $(TAGS) ./...

test-bench:
	cd bench && $(GO) vet -tags $(TAGS) . && $(GO) test -tags $(TAGS) .

# Anew each time: what it reads of docs/ is of another module, which the cache of tests does not look at.
test-chart:
	cd deploy && $(GO) vet -tags $(TAGS) . && $(GO) test -count=1 -tags $(TAGS) .

## chart: the Helm chart as a package in bin/, for the tool's version
chart:
	cd deploy && $(GO) run . -app-version '$(VERSION)' -to ../$(BIN)

## test-cluster: the tests on the current context's cluster, whose nodes have the image ODIGOS_STRESS_IMAGE
test-cluster:
	ODIGOS_STRESS_TEST_CLUSTER=1 $(GO) test -tags $(TAGS) ./cmd/odigos-stress -run '^TestCluster' -v -timeout 20m

## check: what CI runs: format, vet, lint, floors, tests, tests with the race detector
check: fmt-check vet lint floors test race goldens

fmt-check:
	@out=$$($(GO) tool -modfile=tools/go.mod gofumpt -l $$(git ls-files '*.go' | grep -v '^collector/')); \
	  if [ -n "$$out" ]; then echo "not formatted (make fmt):"; echo "$$out"; exit 1; fi

## fmt: format the Go files
fmt:
	$(GO) tool -modfile=tools/go.mod gofumpt -w $$(git ls-files '*.go' | grep -v '^collector/')

vet:
	$(GO) vet -tags $(TAGS) ./...
	GOOS=darwin $(GO) vet -tags $(TAGS) ./...

lint:
	$(LINT) run --build-tags $(TAGS) ./...

floors:
	$(GO) test -tags $(TAGS) ./internal/ -run 'Test'

# A raced program sleeps for a second as it ends, and the tests start hundreds of them.
race:
	GORACE=atexit_sleep_ms=20 CGO_ENABLED=1 $(GO) test -race -timeout 20m -tags $(TAGS) ./...

goldens:
	@git diff --exit-code --stat -- '*/testdata/*' docs || \
	  { echo "tests changed files under version control"; exit 1; }

## generate: rewrite goldens, the JSON Schema and the generated collector sources
generate: build
	$(GO) test -tags $(TAGS) ./... -update
	cd collector && $(GO) test -tags $(TAGS) . -update
	cd deploy && $(GO) test -tags $(TAGS) . -update

clean:
	rm -rf $(BIN)

## help: this list
help:
	@sed -n 's/^## //p' Makefile
