#!/usr/bin/env bash
# The playground of `make regtest`: real nodes on regtest, the daemon on top of them, and what to try next.
# Everything is in ./regtest-data while it runs; Ctrl-C stops it and removes that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go=${GO:-go}
scripts/nodes.sh
mkdir -p bin
"$go" build -trimpath -o bin/coffer ./cmd/coffer
"$go" build -trimpath -o bin/playground ./internal/testnodes/cmd/playground
exec bin/playground -dir regtest-data -coffer bin/coffer
