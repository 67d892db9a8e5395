# shellcheck shell=bash
# What the scripts here share: telling the user, and installing Debian packages as root. It is sourced.
#
# The script that sources it sets $label; packages that only root can install are collected in $missing.
: "${label:?}"
missing=()

say() { printf "%s: %s\n" "$label" "$*"; }
die() { printf "%s: %s\n" "$label" "$*" >&2; exit 1; }
root() { [ "$(id -u)" -eq 0 ]; }
have_apt() { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; }

# candidate NAME...: the first of these packages that the system's apt can install.
candidate() {
  local name policy
  for name in "$@"; do
    policy=$(LC_ALL=C apt-cache policy "$name" 2>/dev/null)
    if grep -qE '^ *Candidate: [^(]' <<<"$policy"; then
      printf '%s\n' "$name"
      return 0
    fi
  done
  return 1
}

# installed NAME: whether dpkg has the package.
installed() { [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = 'install ok installed' ]; }

updated=
apt_update() {
  [ -z "$updated" ] || return 0
  updated=1
  apt-get -q update >/dev/null || die "apt-get update failed: check this machine's apt sources and network"
}

# want NAME[|NAME...]...: install a package of each group as root, or note it as missing.
want() {
  local group names name picks=()
  for group in "$@"; do
    IFS='|' read -ra names <<<"$group"
    for name in "${names[@]}"; do
      if installed "$name"; then continue 2; fi
    done
    if ! root; then missing+=("${names[0]}"); continue; fi
    apt_update
    name=$(candidate "${names[@]}") || die "this machine's apt has no package ${group//|/ or }: install it another way and put it on PATH"
    picks+=("$name")
  done
  [ "${#picks[@]}" -gt 0 ] || return 0
  say "installing ${picks[*]}"
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${picks[@]}" >/dev/null 2>&1 ||
    die "apt-get install ${picks[*]} failed"
}
