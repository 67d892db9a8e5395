#!/usr/bin/env bash
# Makes the real nodes that tests, benchmarks and the playground run against available:
#
#   bitcoind    one on PATH, or Debian unstable's bitcoin-knots unpacked into the user's cache folder
#   litecoind   one on PATH, or Debian's package of that name (needs root to install)
#   dogecoind   one on PATH only: no package exists; its tests skip without it
#
# Safe to run again at any time; when everything is there it needs neither the network nor root. The system's
# own apt set-up is not changed: unstable's lists live in a folder of our own. Packages are verified by apt.
#
# Exit codes: 0 ready, 1 failed, 3 something must be installed by root first (it says what).
set -euo pipefail

readonly NEED_ROOT=3
readonly KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
cache=${COFFER_NODES:-${XDG_CACHE_HOME:-$HOME/.cache}/coffer/nodes}
bin=$cache/bin
fresh= # the folder being unpacked into, removed however we end
trap '[ -z "$fresh" ] || rm -rf "$fresh"' EXIT

label=nodes
# shellcheck source=scripts/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

# debian_mirror: the address this machine's own apt takes Debian from.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 == "main" && $4 !~ /-/ && !seen { print $3; seen = 1 }'
}

# unstable ARG...: apt with lists, cache and state of our own, for suite unstable only.
unstable() {
  local command=$1
  shift
  "$command" -q \
    -o "Dir::Etc::SourceList=$work/sources.list" -o "Dir::Etc::SourceParts=/dev/null" \
    -o "Dir::Etc::Preferences=/dev/null" -o "Dir::Etc::PreferencesParts=/dev/null" \
    -o "Dir::State=$work/state" -o "Dir::State::Lists=$work/state/lists" -o "Dir::State::Status=$work/state/status" \
    -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=" -o "Acquire::Languages=none" \
    -o "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false" "$@"
}

# quietly COMMAND...: its output is shown only when it fails.
quietly() {
  local output
  if output=$("$@" 2>&1); then return; fi
  printf '%s\n' "$output" >&2
  return 1
}

# unpack_knots DIR: bitcoin-knots and the C and C++ runtime it was built for, into DIR/bin and DIR/lib.
unpack_knots() {
  local dir=$1 mirror signed='' deb
  root && apt_update
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || die "no Debian archive among this machine's apt sources: install bitcoind (Core 28 or newer) and put it on PATH"
  if [ -r "$KEYRING" ]; then signed="[signed-by=$KEYRING] "; fi
  work=$dir/apt
  mkdir -p "$work"/state/lists/partial "$work"/cache/archives/partial "$work"/debs "$work"/root "$dir"/bin "$dir"/lib
  : >"$work/state/status"
  printf 'deb %s%s unstable main\n' "$signed" "$mirror" >"$work/sources.list"
  say "fetching bitcoin-knots from Debian unstable"
  quietly unstable apt-get update || die "cannot read Debian unstable from this machine's mirror"
  (cd "$work/debs" && quietly unstable apt-get download bitcoin-knots libc6 libstdc++6 libgcc-s1) ||
    die "cannot download bitcoin-knots from Debian unstable"
  for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
  cp "$work"/root/usr/bin/bitcoin{d,-cli} "$dir/bin/"
  # Only the runtime's own libraries: everything else is the system's. Flat, because the loader is given one folder.
  find "$work/root" -path '*lib*' -name '*.so*' ! -path '*/gconv/*' ! -path '*/audit/*' -exec cp -L -n {} "$dir/lib/" \;
  rm -rf "$work"
}

# wrap DIR NAME: an executable in $bin that runs DIR/bin/NAME through DIR's own dynamic loader.
# exec keeps the process id, so that whoever starts the wrapper can stop the node by that id.
wrap() {
  local dir=$1 name=$2 loader arch
  loader=$(find "$dir/lib" '(' -name 'ld-linux*.so.*' -o -name 'ld64.so.*' ')' -print -quit)
  [ -n "$loader" ] || die "the unpacked libc6 has no dynamic loader"
  arch=$(gcc -print-multiarch 2>/dev/null || printf '%s-linux-gnu' "$(uname -m)")
  cat >"$bin/$name.new" <<SH
#!/bin/sh
exec '$loader' --library-path '$dir/lib:/usr/lib/$arch:/lib/$arch' '$dir/bin/$name' "\$@"
SH
  chmod 755 "$bin/$name.new"
  mv -f "$bin/$name.new" "$bin/$name"
}

install_knots() {
  local dir=$cache/bitcoin-knots
  have_apt || die "no bitcoind on PATH and no apt here: install Bitcoin Core 28 or newer and put bitcoind on PATH"
  mkdir -p "$bin"
  fresh=$(mktemp -d "$cache/unpack.XXXXXX")
  unpack_knots "$fresh"
  rm -rf "$dir"
  mv "$fresh" "$dir"
  chmod 755 "$dir"
  wrap "$dir" bitcoind
  wrap "$dir" bitcoin-cli
}

runs() { "$1" -version >/dev/null 2>&1; }
version() { local all; all=$("$1" -version 2>&1) || true; printf '%s' "${all%%$'\n'*}"; }

ensure_bitcoind() {
  local found
  if found=$(command -v bitcoind) && runs "$found"; then say "bitcoind   $found   $(version "$found")"; return; fi
  if [ ! -x "$bin/bitcoind" ] || ! runs "$bin/bitcoind"; then
    if have_apt; then
      want 'libevent-core-2.1-7|libevent-core-2.1-7t64' 'libevent-extra-2.1-7|libevent-extra-2.1-7t64' \
        'libevent-pthreads-2.1-7|libevent-pthreads-2.1-7t64' libsqlite3-0 libzmq5
    fi
    if [ "${#missing[@]}" -gt 0 ]; then return; fi
    # Libraries of the system may have been all that was missing.
    if [ ! -x "$bin/bitcoind" ] || ! runs "$bin/bitcoind"; then install_knots; fi
  fi
  runs "$bin/bitcoind" || die "bitcoind was unpacked but does not run: $(version "$bin/bitcoind")"
  say "bitcoind   $bin/bitcoind   $(version "$bin/bitcoind")"
}

ensure_litecoind() {
  local found
  if ! command -v litecoind >/dev/null; then
    have_apt || die "no litecoind on PATH and no apt here: install Litecoin Core 0.21 and put litecoind on PATH"
    want litecoind
    hash -r
  fi
  if ! found=$(command -v litecoind); then return; fi
  runs "$found" || die "$found does not run: $(version "$found")"
  say "litecoind  $found   $(version "$found")"
}

ensure_dogecoind() {
  local found
  if found=$(command -v dogecoind) && runs "$found"; then
    say "dogecoind  $found   $(version "$found")"
  else
    say "dogecoind  not found: its tests on a real node will skip (put one on PATH to run them)"
  fi
}

# Nodes tell of blocks by a command, which in tests is curl.
ensure_curl() {
  if command -v curl >/dev/null; then return; fi
  have_apt || die "no curl on PATH and no apt here: install it"
  want curl
}

main() {
  mkdir -p "$cache"
  exec 9>"$cache/lock"
  if command -v flock >/dev/null; then flock 9; fi
  ensure_bitcoind
  ensure_litecoind
  ensure_dogecoind
  ensure_curl
  if [ "${#missing[@]}" -gt 0 ]; then
    printf 'nodes: not root; run this first, then again: apt-get install %s\n' "${missing[*]}" >&2
    exit "$NEED_ROOT"
  fi
}

main "$@"
