#!/usr/bin/env bash
# The whole way once, on three machines made for it: what the README promises, as typed by a user.
#
# Rule 1: nothing is faked: each line after `$` is run as it stands, its output is what it printed.
# Rule 2: it starts from nothing each time, so it can be run again after being interrupted anywhere.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly root lab=demo folder=$root/.demo
PATH=$root/.venv/bin:$PATH

if [ "$(id -u)" != 0 ]; then
  echo "demo: booting machines takes root: run it as root, or with sudo make demo" >&2
  exit 1
fi

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
tell() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
# Show a command as a user would type it, then run it.
try() {
  printf '%s$ %s%s\n' "$bold" "$*" "$plain"
  "$@"
}
# The same for one that is to fail.
fails() {
  local status=0
  try "$@" 2>&1 || status=$?
  [ "$status" != 0 ] || { echo "demo: that should have failed" >&2; exit 1; }
  printf '%s(exit code %s)%s\n' "$bold" "$status" "$plain"
}

rm -rf -- "$folder"
mkdir -p -- "$folder"
cp -- "$root"/examples/hello*.service "$folder"
cd -- "$folder"

tell "Three machines, Debian 12 and 13, each with sshd, systemd and Docker; keys only in an agent"
sshfleet lab down --name "$lab" 2>/dev/null
sshfleet lab up 3 --suite bookworm --suite trixie --with docker --name "$lab" >lab.sh
# shellcheck source=/dev/null
. ./lab.sh
export SSHFLEET_JOURNAL=$folder/journal.jsonl

tell "The machines, as they answer now"
try sshfleet list-machines

tell "An ordinary unit file; the machine is chosen by its [X-Fleet] section"
try cat hello.service
tell "Start it somewhere"
try sshfleet start hello.service
try sshfleet list-units
where=$(sshfleet list-units --fields name --no-legend)
tell "It is an ordinary unit there, and on no other machine"
for machine in core-01 core-02 core-03; do
  if [ "$machine" = "$where" ]; then
    try sshfleet ssh "$machine" systemctl --no-legend --no-pager --plain list-units hello.service
  else
    printf '%s$ sshfleet ssh %s systemctl is-active hello.service%s\n' "$bold" "$machine" "$plain"
    sshfleet ssh "$machine" systemctl is-active hello.service || true
  fi
done

tell "Three more with the same rule: one finds no machine, and you are told why at once"
try sshfleet start hello2.service hello3.service
fails sshfleet start hello4.service
try sshfleet list-unit-files

tell "A machine loses power and comes back: its units come back by themselves"
try sshfleet lab kill "$where" --name "$lab"
try sshfleet lab boot "$where" --name "$lab"
sshfleet ssh "$where" 'until systemctl is-active --quiet hello.service; do sleep 0.2; done'
try sshfleet destroy hello4.service
try sshfleet reconcile
try sshfleet list-units

tell "Each stage alone"
try sshfleet stop 'hello*'
try sshfleet list-units
try sshfleet unload hello.service
try sshfleet destroy hello.service
try sshfleet submit hello.service
try sshfleet load hello.service
try sshfleet list-unit-files
tell "And away with all of it"
try sshfleet destroy 'hello*'
try sshfleet list-units

cat <<EOF

${bold}go on with:${plain} cd $folder && . ./lab.sh && export SSHFLEET_JOURNAL=$folder/journal.jsonl PATH=$root/.venv/bin:\$PATH
${bold}take down with:${plain} $root/.venv/bin/sshfleet lab down --name $lab
EOF
