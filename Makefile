# Every goal does its own set-up; see `make help`.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export PATH := $(PATH):/usr/local/go/bin

REVISION := $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

BIN      ?= bin
TOOL     := go tool -modfile=cmd/tools.mod
FUZZTIME ?= 60s
BENCH    ?= .
TESTFLAGS ?=
ATTACKTIME ?= 20s
SOAKTIME ?= 1h

.PHONY: help
help: ## show the goals
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install the Debian packages and Go modules that are missing (root)
	@integration/e2e/deps
	@command -v go >/dev/null || { echo 'Go 1.26 is needed, in PATH or /usr/local/go' >&2; exit 1; }
	@go mod download

.PHONY: build
build: ## build bin/grantfs, static
	CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags '-s -w -X main.buildVersion=$(VERSION) -X main.buildRevision=$(REVISION)' -o $(BIN)/grantfs ./cmd/grantfs

PAM ?= $(BIN)/pam_grantfs.so
.PHONY: pam
pam: ## build the PAM module, bin/pam_grantfs.so
	@mkdir -p $(dir $(PAM))
	gcc -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror -fPIC -shared -fstack-protector-strong -D_FORTIFY_SOURCE=2 \
	  $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -o $(PAM) integration/login/pam_grantfs.c -lpam

.PHONY: man
man: build ## write the manual pages, bin/man
	@mkdir -p $(BIN)/man
	$(BIN)/grantfs man 1 >$(BIN)/man/grantfs.1
	$(BIN)/grantfs man 5 >$(BIN)/man/grantfs.toml.5
	$(BIN)/grantfs man 7 >$(BIN)/man/grantfs-policy.7

# Each commit sorts after those before it.
DEBVERSION ?= $(shell git log -1 --date=format:%Y%m%d%H%M%S --format=0.1~%cd.%h)
.PHONY: deb
deb: build pam man ## build the Debian package, bin/grantfs_*.deb
	@integration/systemd/package/build $(BIN) $(DEBVERSION)

.PHONY: test
test: race ## all tests, with everything they need (root)

.PHONY: race
race: deps ## go test -race ./..., attacks for ATTACKTIME (20s) each (root)
	GRANTFS_ATTACK_TIME=$(ATTACKTIME) go test -race -timeout 15m $(TESTFLAGS) ./...

# Each attacks a mount of its own, all at once.
SOAK := ./fs:TestSwapRace ./fs:TestRandomOperations ./fs:TestAppendRace ./fs:TestOverwriteRace ./fs:TestHugeDirectory ./fs:TestKills \
	./integration/e2e/stress:TestStressNG ./integration/e2e/stress:TestFio ./integration/e2e/stress:TestDbench

.PHONY: soak
soak: deps ## attacks, races, random operations and stress for SOAKTIME (1h) (root)
	@for each in $(SOAK); do \
	  go test -race -list "^$${each#*:}\$$" "$${each%:*}" | grep -x "$${each#*:}" >/dev/null || { echo "there is no test $$each" >&2; exit 1; }; \
	done; \
	pids=(); for each in $(SOAK); do \
	  GRANTFS_ATTACK_TIME=$(SOAKTIME) GRANTFS_KILLS=1000 go test -race -count=1 -timeout 0 -run "^$${each#*:}\$$" "$${each%:*}" & pids+=($$!); \
	done; \
	failed=0; for pid in "$${pids[@]}"; do wait "$$pid" || failed=1; done; exit $$failed

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME (60s)
	@grep -rlE --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
	  for target in $$(sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$$file"); do \
	    echo "== $$file $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$(dirname "$$file")" </dev/null; \
	  done; \
	done

.PHONY: lint
lint: ## go vet, staticcheck, gofumpt
	go vet ./...
	$(TOOL) staticcheck ./...
	@files=$$($(TOOL) gofumpt -l .); test -z "$$files" || { echo "not formatted (make fmt):" $$files >&2; exit 1; }

.PHONY: fmt
fmt: ## format the sources
	$(TOOL) gofumpt -w .

.PHONY: check
check: lint race ## what must hold before a commit: lint and race

.PHONY: bench
bench: deps build bin/bench ## the gates of performance against other file systems, into bench.json (root; BENCH_QUICK=1)
	@bin/bench run bin/grantfs

.PHONY: bin/bench
bin/bench:
	@go test -c -o bin/bench ./integration/bench

.PHONY: micro
micro: ## run the micro-benchmarks (BENCH selects)
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: demo
demo: deps build pam bin/e2e ## a tour with real sftp, lftp and curl on a throwaway host (root)
	@bin/e2e tour bin/grantfs

.PHONY: run
run: deps build pam bin/e2e ## the host of the demo, up until Ctrl-C (root)
	@bin/e2e stay bin/grantfs

.PHONY: bin/e2e
bin/e2e:
	@go test -c -o bin/e2e ./integration/e2e

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
