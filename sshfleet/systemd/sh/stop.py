"""Stop what must not run, and see that it has stopped."""

SCRIPT = r"""
# Stop units and wait until they are at rest or patience ends: $moving are those that still run,
# $refused is what systemctl said when it would not stop one. False when systemctl cannot tell.
bring_to_rest() {
    refused=''
    survey "$@" || return 1
    [ "$moving" ] || return 0
    refused=$(systemctl stop --no-block -- $moving 2>&1) && refused=''
    moment=0.02
    while survey "$@" || return 1; [ "$moving" ] && ! past_deadline; do nap; done
}

# $1 name, $2 words: it does not rest, so neither its STOP nor its REMOVE is done.
fail_to_rest() {
    if is_in "$1" "$stops"; then fail stop "$1" "$2"; else fail remove "$1" "$2"; fi
}

# What is to be removed has to rest first, too.
stop_units() {
    local name line
    hold_back stop $stops
    set -- $kept
    keep_unfailed $removes
    set -- "$@" $kept
    [ $# -gt 0 ] || return 0
    if bring_to_rest "$@"; then
        for name in $moving; do
            line_about "$name" "$refused" || line='still stopping' late="$late $name"
            fail_to_rest "$name" "$line"
        done
    else
        for name in "$@"; do is_in "$name" "$failed" || fail_to_rest "$name" "$states"; done
    fi
    conclude stop $stops
}
"""
