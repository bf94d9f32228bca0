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
"""
