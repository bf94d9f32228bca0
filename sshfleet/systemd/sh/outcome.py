"""What becomes of each operation, and whose fault it is."""

SCRIPT = r"""
# $1 verb, $2 name, $3 words: the operation has failed.
fail() {
    failed="$failed $2" told="$told $1/$2"
    say outcome "$1" "$2" failed "$(one_line "$3")"
}

# $1 verb, $2 words, then names.
fail_all() {
    local verb=$1 words=$2 name
    shift 2
    for name in "$@"; do fail "$verb" "$name" "$words"; done
}

# Set $kept to those of the names for which nothing has failed yet.
keep_unfailed() {
    local name
    kept=''
    for name in "$@"; do is_in "$name" "$failed" || kept="$kept $name"; done
}

# $1 verb, then names: set $kept to those that may go on, and say of the others that they may not.
hold_back() {
    local verb=$1 name why
    shift
    for name in "$@"; do
        if is_in "$name" "$failed" && ! is_in "$verb/$name" "$told"; then
            why='not done: what comes before it failed'
            ! is_in "$name" "$late" || why='still stopping'
            say outcome "$verb" "$name" failed "$why"
        fi
    done
    keep_unfailed "$@"
}

# $1 verb, then names: say of those that did not fail that they are done.
conclude() {
    local verb=$1 name
    shift
    for name in "$@"; do is_in "$name" "$failed" || say outcome "$verb" "$name" ok; done
}

# Set $line to that of the lines $2 which is about the unit $1 ("Failed to start NAME: …"); false
# when there is none.
line_about() {
    while read -r line; do
        case $line in "Failed to "*" $1: "*) return 0 ;; esac
    done <<END
$2
END
    return 1
}

# $1 verb, $2 what systemctl said about many, then names: fail those it names, or all.
blame() {
    local verb=$1 words=$2 name line blamed=''
    shift 2
    for name in "$@"; do
        if line_about "$name" "$words"; then
            fail "$verb" "$name" "$line"
            blamed=yes
        fi
    done
    [ "$blamed" ] || fail_all "$verb" "$words" "$@"
}

# $1 verb, $2 names, then a command: run it for all names at once; when that fails, for each alone
# to learn whose fault it is. For commands that may be repeated. $said is what they said.
each() {
    local verb=$1 names=$2 name words
    shift 2
    said=''
    [ "$names" ] || return 0
    if said=$("$@" -- $names 2>&1); then return 0; fi
    said=''
    for name in $names; do
        if words=$("$@" -- "$name" 2>&1); then
            said="$said
$words"
        else
            fail "$verb" "${name##*/}" "$words"
        fi
    done
}
"""
