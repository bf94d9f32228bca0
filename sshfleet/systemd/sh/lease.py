"""Clear away what watched leases: of a unit that has none any more, and with the last such unit.

Rule 1: guard.sh goes last. As long as it is there, the rest is still to be cleared away.
"""

SCRIPT = r"""
# Mark those units of the words that run only under a lease, and no others.
mark_units() {
    local word
    for word in "$@"; do
        fields "$word"
        if [ "$guard" = no ]; then
            unmark "$name"
        elif ! : >"$leased/$name"; then
            fail install "$name" 'it could not be marked as leased'
        fi
    done 2>/dev/null
}

# Take the marks of the units named.
unmark() {
    local name marks=''
    for name in "$@"; do
        [ ! -e "$leased/$name" ] || marks="$marks $leased/$name"
    done
    [ ! "$marks" ] || rm -f -- $marks
}

# Before systemd reads its files anew: without a leased unit they shall not speak of a guard.
leave_guard() {
    local file found=''
    for file in $guard_files; do [ ! -f "$file" ] || found=yes; done
    [ "$found" ] || return 0
    [ ! -d "$leased" ] || rmdir -- "$leased" 2>/dev/null || return 0
    dirty=yes
    ready_new || :
    set -- $guard_files
    [ -f "$1" ] || : >"$1"
    shift
    rm -f -- "$@"
}

# And after it did: nothing is bound to the timer now.
end_guard() {
    if [ "$dirty" ] || [ -d "$leased" ] || [ ! -f "$run_home/guard.sh" ]; then return; fi
    set -- sshfleet-guard.timer sshfleet-guard.service sshfleet-lease-fail.target
    systemctl stop -- "$@" >/dev/null 2>&1 || : # those that are not loaded
    systemctl reset-failed -- "$@" >/dev/null 2>&1 || :
    systemctl is-active -q -- "$1" || rm -f -- "$run_home/guard.sh"
}
"""
