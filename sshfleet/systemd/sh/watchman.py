"""What watches leases on a machine: a script, its timer, and what each leased unit is told.

A lease is the file /run/sshfleet/lease: `BOOT UPTIME WALL NUMBER LINEAGE`, then a line for each
unit it covers. It holds on that boot, before that uptime and that wall clock (seconds).
/run/sshfleet/leased has a mark for each unit that may not run without.

Rule 1: what cannot be read is no lease, and what goes wrong ends leased units: a script that fails
by the target all of them conflict with, a timer that is gone because they are bound to it.
Rule 2: no single quotes in here, for the texts travel between them; no comments (see the package).
Rule 3: a drop-in of a user's can have no `~` in its name, so ours comes last and none undoes it.
"""

from collections.abc import Mapping
from hashlib import sha256

from sshfleet.systemd.sh.bare import bare

GUARD = bare(r"""
set -uf
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
home=/run/sshfleet
nl="
"

# Set $covered to a line for each name that a lease covers right now; false without one.
read_lease() {
    local text boot up
    covered=""
    text=$(head -c 262145 -- $home/lease 2>/dev/null && echo .) || return 1
    case $text in *"$nl.") ;; *) return 1 ;; esac
    [ ${#text} -le 262145 ] || return 1
    covered=$nl${text#*"$nl"}
    set -- ${text%%"$nl"*}
    read -r boot </proc/sys/kernel/random/boot_id
    read -r up _ </proc/uptime
    [ $# = 5 ] && [ "$1" = "$boot" ] &&
        is_before "${up%.*}" "$2" && is_before "$(date +%s)" "$3" &&
        [ "$2" -le $((${up%.*} + 90000)) ]
}

is_before() {
    case $1/$2 in /* | */ | *[!0-9/]*) return 1 ;; esac
    [ "$1" -lt "$2" ] 2>/dev/null
}

is_covered() {
    case $covered in *"$nl$1$nl"*) ;; *) return 1 ;; esac
}

check() { [ -f "$home/leased/$1" ] && read_lease && is_covered "$1"; }

# Stop what is marked, not covered, and runs. Without waiting: a slow stop delays no other. What did
# not end well has not failed by itself: it is to start again with the next lease.
sweep() {
    local file name state expired="" running="" broken="" told
    read_lease || covered=""
    set +f
    for file in "$home"/leased/*; do
        name=${file##*/}
        [ ! -f "$file" ] || is_covered "$name" || expired="$expired $name"
    done
    set -f
    [ "$expired" ] || return 0
    told=$(systemctl list-units --all --full --plain --no-legend -- $expired) || return 1
    while read -r name _ state _; do
        case $state in
        "" | inactive | deactivating) ;;
        failed) broken="$broken $name" ;;
        *) running="$running $name" ;;
        esac
    done <<END
$told
END
    [ ! "$broken" ] || systemctl reset-failed -- $broken || :
    [ ! "$running" ] || systemctl stop --no-block -- $running || stop_each $running
}

# One of them may have ended just now; one that cannot be stopped so is the target's.
stop_each() {
    local name ended=0
    for name in "$@"; do
        systemctl stop --no-block -- "$name" || ! systemctl is-active -q -- "$name" || ended=1
    done
    return $ended
}

case $1 in
check) check "$2" ;;
sweep) sweep ;;
*) exit 2 ;;
esac
""")

_GUARD_HEAD = "# Made by sshfleet; removed with the last unit that has a lease.\n"

# No limit to starts: each daemon-reload makes the timer fire again a second later. A look that
# hangs ends all leased units after ten seconds: leasable._SLACK allows as much. The log is not
# to tell of 17,000 looks a day.
_SERVICE = """\
[Unit]
Description=End units of sshfleet that have no lease
DefaultDependencies=no
OnFailure=sshfleet-lease-fail.target
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart=/bin/sh /run/sshfleet/guard.sh sweep
TimeoutStartSec=10
LogLevelMax=notice
"""
_TIMER = """\
[Unit]
Description=Watch the leases of units of sshfleet
DefaultDependencies=no
[Timer]
OnActiveSec=1s
OnUnitActiveSec=5s
AccuracySec=500ms
"""
_TARGET = """\
[Unit]
Description=Ends units of sshfleet when their guard has failed
DefaultDependencies=no
"""
# `+`: neither the unit's user nor its sandbox has a part in it. The token follows, and a line
# TimeoutStopSec= when the unit has none of its own.
_DROPIN = """\
[Unit]
BindsTo=sshfleet-guard.timer
After=sshfleet-guard.timer
Conflicts=sshfleet-lease-fail.target
[Service]
ExecCondition=+/bin/sh /run/sshfleet/guard.sh check %n
Environment=SSHFLEET_TOKEN="""

GUARD_FILES = {
    "/run/sshfleet/guard.sh": _GUARD_HEAD + GUARD,
    "/run/systemd/system/sshfleet-guard.service": _GUARD_HEAD + _SERVICE,
    "/run/systemd/system/sshfleet-guard.timer": _GUARD_HEAD + _TIMER,
    "/run/systemd/system/sshfleet-lease-fail.target": _GUARD_HEAD + _TARGET,
}
DROPIN_HEAD = _GUARD_HEAD + _DROPIN
DROPINS = "/run/systemd/system"
DROPIN_NAME = "~sshfleet-lease.conf"


def guard_version(sums: Mapping[str, str]) -> str:
    """Name a guard by the SHA-256 of its files, nothing when one is missing."""
    if not all(path in sums for path in GUARD_FILES):
        return ""
    return sha256("".join(sums[path] for path in GUARD_FILES).encode()).hexdigest()[:12]


def lease_dropin(generation: int, guard: str) -> str:
    """Return the drop-in of a leased unit; `guard` as in Action."""
    stop = "" if guard == "-" else f"TimeoutStopSec={guard}\n"
    return f"{DROPIN_HEAD}{generation}\n{stop}"


GUARD_VERSION = guard_version(
    {path: sha256(text.encode()).hexdigest() for path, text in GUARD_FILES.items()}
)
