#!/usr/bin/env bash
# Makes the database servers that tests and benchmarks start for themselves available: PostgreSQL, MariaDB and Redis,
# as Debian's packages (needs root to install). SQLite is built in. Safe to run again at any time; when everything is
# there it needs neither the network nor root. No service is started: tests run servers of their own.
#
# Exit codes: 0 ready, or (without CI=true) not root and said what to install; 1 failed.
set -euo pipefail

label=databases
# shellcheck source=scripts/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

# has PROGRAM PATTERN...: whether a program is on PATH or at one of the patterns.
has() {
  local program=$1 path
  shift
  if command -v "$program" >/dev/null; then return 0; fi
  for path in "$@"; do
    if [ -x "$path" ]; then return 0; fi
  done
  return 1
}

# A package's service must not be started where it is installed only for tests.
export RUNLEVEL=1

need() { # need PACKAGE PROGRAM [PATH...]
  local package=$1
  shift
  if has "$@"; then return; fi
  if have_apt; then want "$package"; else missing+=("$package"); fi
}

need postgresql postgres /usr/lib/postgresql/*/bin/postgres
need mariadb-server mariadbd /usr/sbin/mariadbd
need redis-server redis-server
if [ "${#missing[@]}" -gt 0 ]; then
  say "not installed; tests that need them will skip: apt-get install ${missing[*]}"
  if [ "${CI:-}" = true ]; then exit 1; fi
else
  say 'postgres, mariadb and redis are there'
fi
