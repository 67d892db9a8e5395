# Coffer. `make` alone lists the targets.

GO ?= go
BIN := bin
TEST_TIMEOUT ?= 14m
SOAK_TIMEOUT ?= 6h
FUZZTIME ?= 5m
BENCHTIME ?= 1s
PACKAGES ?= ./...

.DEFAULT_GOAL := help
.PHONY: help demo build test check regtest bench soak fuzz nodes databases clean

help: ## list the targets
	@echo 'make TARGET, where TARGET is one of:'
	@sed -nE 's/^([a-z]+):.*## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

demo: build ## the main job end to end on embedded chains: no node, no configuration
	@$(BIN)/coffer demo

build: ## build bin/coffer
	@mkdir -p $(BIN)
	$(GO) build -trimpath -o $(BIN)/coffer ./cmd/coffer

nodes: ## make real bitcoind and litecoind available (as root: installs what is missing)
	@scripts/nodes.sh

databases: ## make the database servers that tests start available (as root: installs what is missing)
	@scripts/databases.sh

test: nodes databases check ## install what is needed, check, and run every test with the race detector
	$(GO) test -race -timeout $(TEST_TIMEOUT) $(PACKAGES)

check: ## gofmt, go vet, staticcheck and the rules of internal/lint
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet $(PACKAGES)
	$(GO) tool staticcheck $(PACKAGES)
	$(GO) test ./internal/lint

regtest: ## a playground: real nodes, the daemon, and the next commands to try
	@GO=$(GO) scripts/regtest.sh

bench: nodes databases ## every benchmark once, for BENCHTIME each
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout $(SOAK_TIMEOUT) $(PACKAGES)

soak: nodes databases ## the long loops: kills at random moments, long fault sweeps
	COFFER_SOAK=1 $(GO) test -race -timeout $(SOAK_TIMEOUT) $(PACKAGES)

fuzz: ## every fuzz target for FUZZTIME (default 5m)
	@FUZZTIME=$(FUZZTIME) GO=$(GO) scripts/fuzz.sh

clean: ## remove what was built and the playground's data
	rm -rf $(BIN) regtest-data
