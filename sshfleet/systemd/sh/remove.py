"""Take units away: every link that leads to them, then record and file."""

SCRIPT = r"""
# Set $found to the links in systemd's folders that lead to the units named: their own, those from
# [Install], whatever made them, and those of their drop-ins. (`systemctl disable` would also undo
# the units under Also=, and leaves the links of the other of /etc and /run.)
find_links() {
    local folder link name
    found=''
    set +f
    for folder in "$etc_links" "$run_links"; do
        for link in "$folder"/*; do
            [ ! -L "$link" ] || note_link "$link" "$@"
        done
        for link in "$folder"/*.wants/* "$folder"/*.requires/* "$folder"/*.upholds/*; do
            name=${link##*/}
            if is_in "$name" " $*" && leads_to_unit "$link" "$name"; then found="$found $link"; fi
        done
    done
    for name in "$@"; do
        for link in "$etc_links/$name.d"/* "$run_links/$name.d"/*; do
            ! is_our_dropin "$link" "$name" || found="$found $link"
        done
        link=$run_links/$name.d/$lease_dropin
        [ ! -e "$link" ] || found="$found $link"
    done
    set -f
}

# Add the link $1 to $found when it leads to one of the units that follow: by its name or, as an
# alias, by another that is no unit of ours.
note_link() {
    local link=$1 name=${1##*/}
    shift
    if is_in "$name" " $*"; then
        ! is_our_link "$link" "$name" || found="$found $link"
    elif ! is_here "$name"; then
        for name in "$@"; do
            ! leads_to_unit "$link" "$name" || found="$found $link"
        done
    fi
}

# Does the link $1 lead to our unit $2, be it by way of the unit's own link?
leads_to_unit() {
    is_our_link "$1" "$2" || leads_to "$1" "$etc_links/$2" || leads_to "$1" "$run_links/$2"
}

# $1 verb, then names: remove every link of theirs, and the folders that became empty.
unlink_units() {
    local verb=$1 link folders='' words
    shift
    find_links "$@"
    for link in "$@"; do # a killed run may have left them empty
        [ ! -d "$etc_links/$link.d" ] || folders="$folders $etc_links/$link.d"
        [ ! -d "$run_links/$link.d" ] || folders="$folders $run_links/$link.d"
    done
    [ ! "$found" ] || dirty=yes
    words=$([ ! "$found" ] || rm -f -- $found 2>&1) || fail_all "$verb" "$words" "$@"
    for link in $found; do
        case $link in
        "$etc_links"/*/* | "$run_links"/*/*)
            is_in "${link%/*}" "$folders" || folders="$folders ${link%/*}"
            ;;
        esac
    done
    [ ! "$folders" ] || rmdir --ignore-fail-on-non-empty -- $folders
}

remove_units() {
    local name base files='' lines='' reset='' words
    hold_back remove $removes
    set -- $kept
    [ $# -gt 0 ] || return 0
    if [ -d "$home" ] || [ -d "$run_home" ]; then ready_new || :; fi
    unlink_units remove "$@"
    keep_unfailed "$@"
    for name in $kept; do
        ! is_here "$name" || dirty=yes
        for base in "$home" "$run_home"; do
            lines="$lines $base/records/$name"
            files="$files $base/units/$name.d $base/units/$name"
        done
        ! is_in "$name" "$broken" || reset="$reset $name"
    done
    [ ! "$reset" ] || systemctl reset-failed -- $reset >/dev/null 2>&1 || :
    unmark $kept
    # The record first: a file without one is seen and removed another time, but not the reverse.
    words=$(rm -f -- $lines 2>&1 && rm -rf -- $files 2>&1) || fail_all remove "$words" $kept
    conclude remove $removes
}
"""
