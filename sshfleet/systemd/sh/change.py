"""While files change: the folder of the run, and what systemd knows of them."""

SCRIPT = r"""
# Make $new, the folder of this run: as long as it is there, systemd may not know what is on the
# disk. False, with $words, when that fails.
ready_new() {
    [ ! "$new" ] || return 0
    new=$home/new.$$
    words=$(mkdir -p -- "$home" 2>&1 && mkdir -m 0700 -- "$new" 2>&1) && return 0
    new=''
    return 1
}

# Clear up after runs that were killed.
find_unfinished() {
    local stale
    set +f
    for stale in "$home"/new.*; do
        if [ -d "$stale" ] && ! kill -0 "${stale##*.}" 2>/dev/null; then
            dirty=yes
            ready_new && rm -rf -- "$stale"
        fi
    done
    set -f
}

# Everything is done: the folder goes, and with the last unit all folders.
drop_new() {
    local any folders=''
    [ "$new" ] || return 0
    rm -rf -- "$new"
    new=''
    for any in "$home" "$run_home"; do
        [ ! -d "$any" ] || folders="$folders $any/units $any/records $any"
    done
    [ ! "$folders" ] || rmdir -- $folders 2>/dev/null || : # those that hold nothing
}

# systemd reads its files anew, once, when something changed.
reload() {
    local words names
    [ "$dirty" ] || return 0
    name_words $changed
    words=$(systemctl daemon-reload 2>&1) && dirty='' && return 0
    new='' # and leave the folder to the next run
    fail_all install "systemd did not read it anew: $words" $names
}
"""
