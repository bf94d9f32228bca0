"""Start and restart units: asked for here, seen afterwards."""

SCRIPT = r"""
# Let those of the units that failed before be started again.
reset_failed() {
    if survey "$@" && [ "$broken" ]; then systemctl reset-failed -- $broken >/dev/null 2>&1 || :; fi
}

# $1 verb, then names.
set_going() {
    local verb=$1 words
    shift
    hold_back "$verb" "$@"
    [ "$kept" ] || return 0
    reset_failed $kept
    words=$(systemctl "$verb" --no-block -- $kept 2>&1) || blame "$verb" "$words" $kept
    conclude "$verb" "$@"
}

# A unit that was started anew since it was seen has had its restart: another run was at work.
restart_units() {
    local word name renewed='' names=''
    for word in $restarts; do
        name=${word%/*}
        if is_renewed "$name" "${word#*/}"; then
            renewed="$renewed $name"
        else
            names="$names $name"
        fi
    done
    hold_back restart $renewed
    conclude restart $renewed
    set_going restart $names
}

# $1 unit, $2 InvocationID as seen or `-`: does another process run by now, and its present text?
is_renewed() {
    local now
    [ "$2" != - ] && now=$(readlink -- "$invocations:$1") && [ "$now" != "$2" ] || return 1
    read_record "$1"
    read_was
    [ "$now" != "$was" ]
}
"""
