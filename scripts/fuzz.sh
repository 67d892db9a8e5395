#!/usr/bin/env bash
# Runs every Fuzz target of the tree for FUZZTIME, one after the other: go test fuzzes one target at a time.
# A finding is written to the package's testdata/fuzz, where go test runs it again from then on: commit it with its fix.
# With arguments, only targets whose PACKAGE.NAME contains one of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
go=${GO:-go}
fuzztime=${FUZZTIME:-5m}
failed=()
count=0

wanted() {
  local target=$1 part
  shift
  [ "$#" -gt 0 ] || return 0
  for part in "$@"; do
    case $target in *"$part"*) return 0 ;; esac
  done
  return 1
}

# targets: FILE:NAME of every fuzz target, committed or not.
targets() {
  git ls-files -co --exclude-standard -- '*_test.go' | while read -r file; do
    sed -nE "s#^func (Fuzz[A-Z0-9_][A-Za-z0-9_]*)\(.*#$file:\1#p" "$file"
  done
}

while IFS=: read -r file name; do
  package=./$(dirname "$file")
  wanted "$package.$name" "$@" || continue
  count=$((count + 1))
  printf '== %s %s for %s\n' "$package" "$name" "$fuzztime"
  "$go" test -run '^$' -fuzz "^$name\$" -fuzztime "$fuzztime" "$package" </dev/null || failed+=("$package $name")
done < <(targets)

if [ "$count" -eq 0 ]; then
  printf 'fuzz: no target matches %s\n' "$*" >&2
  exit 1
fi
if [ "${#failed[@]}" -gt 0 ]; then
  printf 'fuzz: %d of %d targets failed:\n' "${#failed[@]}" "$count"
  printf '  %s\n' "${failed[@]}"
  exit 1
fi
printf 'fuzz: %d targets, no finding\n' "$count"
