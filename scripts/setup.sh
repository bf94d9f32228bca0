#!/usr/bin/env bash
# Make this checkout ready to work in: Debian packages, then a .venv with everything in it.
#
#   scripts/setup.sh            as root it installs missing Debian packages, else it names them
#   PYTHON=python3.13 scripts/setup.sh
#
# Rule 1: .venv/.complete is removed first and written last. A .venv without it is half made, by
# this script killed half-way or by something else, and is built anew.
# Rule 2: nothing to do costs no network and well under a second.
# Rule 3: one line for each thing waited for; the rest is shown only when it fails.
set -euo pipefail
umask 022

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
cd -- "$root"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin # where debootstrap and ip live, also for a plain user
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0

readonly venv=.venv stamp=.venv/.complete
# Commands that tests call besides those of the lab, which sshfleet/lab/needs.py lists.
readonly needs='ssh openssh-client
ssh-add openssh-client
ssh-agent openssh-client
ssh-keygen openssh-client
ps procps
systemd-analyze systemd'

say() { printf 'setup: %s\n' "$*" >&2; }
die() {
  say "$1"
  [ $# -lt 2 ] || say "hint: $2"
  exit 1
}

# Run a command silently; show what it said when it fails.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  [ "$status" = 0 ] || tail -n 30 -- "$log" >&2
  rm -f -- "$log"
  return "$status"
}

# --- Python ---------------------------------------------------------------------------------

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }
# Debian splits ensurepip off into a package of its own.
makes_venvs() { "$1" -c 'import ensurepip, venv; ensurepip.version()' >/dev/null 2>&1; }

# Print the first Python that passes all the checks. A command that exists may still refuse to run
# (a pyenv shim does), so each one is run.
find_python() {
  local python check
  for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3}; do
    for check in "$@"; do "$check" "$python" || continue 2; done
    command -v "$python"
    return
  done
  return 1
}

# Print the Debian package without which no .venv can be made.
python_packages() {
  local python
  if venv_is_whole || find_python new_enough makes_venvs >/dev/null; then return; fi
  python=$(find_python new_enough) || return 0
  "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
}

# --- Debian packages --------------------------------------------------------------------------

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

# A daemon that a package starts must not inherit our lock, hence 9>&-.
apt_install() {
  say "installing Debian packages: $*"
  dpkg --configure -a >/dev/null 2>&1 </dev/null 9>&- || true # an earlier run was killed half-way
  quietly apt-get -q -o DPkg::Lock::Timeout=300 update 9>&- ||
    say "apt-get update failed; trying with the lists at hand"
  quietly apt-get -qy -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" 9>&-
}

# Print what the lab misses; the table is its own (sshfleet/lab/needs.py, standard library only).
lab_packages() {
  local python=$venv/bin/python
  venv_is_whole || python=$(find_python new_enough) || return 0
  "$python" -c 'from sshfleet.lab.needs import missing; [print(name) for name in missing()]' ||
    die "could not read what the lab needs from sshfleet/lab/needs.py"
}

missing_packages() {
  local command package
  python_packages
  lab_packages
  printf '%s\n' "$needs" | while read -r command package; do
    command -v "$command" >/dev/null || printf '%s\n' "$package"
  done
}

ensure_packages() {
  local missing
  missing=$(missing_packages | sort -u | tr '\n' ' ')
  [ -n "$missing" ] || return 0
  # shellcheck disable=SC2086 # one word for each package
  if can_apt && apt_install $missing; then return; fi
  [ "${CI:-}" != true ] || die "missing in CI, where nothing may be skipped: $missing"
  say "going on without Debian packages that some tests need: $missing"
}

# --- The .venv -------------------------------------------------------------------------------

# What the .venv was made from, and where: its scripts hold the path of this checkout.
wanted_stamp() { printf '%s\n' "$root" && cat pyproject.toml uv.lock scripts/setup.sh | sha256sum; }

# Fails when the Python below it went away or changed its version, too.
venv_is_whole() {
  [ -e "$stamp" ] && [ "$(head -n 1 "$stamp")" = "$root" ] &&
    "$venv/bin/python" -c 'import pip' >/dev/null 2>&1
}

make_venv() {
  local python
  python=$(find_python new_enough makes_venvs) ||
    die "no Python 3.11 or newer that can make a venv${PYTHON:+ (PYTHON=$PYTHON)}" \
      "apt-get install python3 python3-venv, or name another one: PYTHON=/path/to/python3 make setup"
  [ ! -e "$venv" ] || say "$venv is half made or from elsewhere: building it anew"
  rm -rf -- "$venv"
  say "making $venv with $python ($("$python" -V))"
  quietly "$python" -m venv "$venv" || die "could not make $venv with $python"
}

fill_venv() {
  local made_from
  made_from=$(wanted_stamp)
  rm -f -- "$stamp"
  say "installing Python packages into $venv (a minute when they are not cached)"
  quietly "$venv/bin/python" -m pip install --no-input 'pip>=25.1' || # the first with --group
    die "could not upgrade pip in $venv" "is the package index reachable? pip config list"
  quietly "$venv/bin/python" -m pip install --no-input --editable . --group dev ||
    die "could not install the Python packages" "is the package index reachable? pip config list"
  printf '%s\n' "$made_from" >"$stamp.new"
  mv -f -- "$stamp.new" "$stamp"
}

ensure_venv() {
  if venv_is_whole; then
    [ "$(cat "$stamp")" != "$(wanted_stamp)" ] || return 0
    say "pyproject.toml, uv.lock or this script changed"
  else
    make_venv
  fi
  fill_venv
}

# Two runs at once would build one .venv over the other.
one_at_a_time() {
  exec 9<"$root"
  flock -n 9 && return
  say "waiting for another setup of this checkout to end"
  flock 9
}

one_at_a_time
ensure_packages
ensure_venv
