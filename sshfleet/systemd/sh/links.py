"""Make units known to systemd, start them at boot, and follow their [Install]."""

SCRIPT = r"""
# Link the units of the words that follow, and make them start at boot when they are launched.
link_units() {
    local word paths='' boots=''
    for word in "$@"; do
        fields "$word"
        paths="$paths $units/$name"
        [ "$target$base" != "launched$home" ] || boots="$boots $name"
    done
    each install "$paths" systemctl $passing --no-reload link
    keep_unfailed $boots
    [ "$kept" ] || return 0
    if ready_boot_target; then
        paths=''
        for name in $kept; do paths="$paths $units/$name"; done
        words=$(ln -sf -t "$boot_wants" -- $paths 2>&1) && return 0
    fi
    fail_all install "$words" $kept
}

# Follow [Install] as far as it goes: for good when launched, else until the next boot.
enable_units() {
    local word lasting='' short=''
    for word in "$@"; do
        fields "$word"
        if [ "$enables" = no ] || is_in "$name" "$failed"; then continue; fi
        case $target$base in
        launched"$home") lasting="$lasting $name" ;;
        *) short="$short $name" ;;
        esac
    done
    each install "$lasting" systemctl --no-reload enable
    check_aliases "$said"
    each install "$short" systemctl --no-reload --runtime enable
    check_aliases "$said"
}

# $1 what `enable` said: see to the aliases it made. Its lines read "Created symlink
# /etc/systemd/system/ALIAS -> TARGET.", with paths between quotes in newer versions.
check_aliases() {
    local kind link unit
    while read -r kind _ link _ unit; do
        link=${link#\'} link=${link%\'} unit=${unit##*/} unit=${unit%.} unit=${unit%\'}
        case $kind/$link in
        Created"/$etc_links"/*/* | Created"/$run_links"/*/*) ;;
        Created"/$etc_links/$unit" | Created"/$run_links/$unit") ;;
        Created"/$etc_links"/* | Created"/$run_links"/*) check_alias "$link" "$unit" ;;
        esac
    done <<END
$1
END
}

# $1 link, $2 unit: an alias must not hide what is not ours, or the unit is undone. It has to lead
# to the unit's link: systemd 252 lets it lead to the file, and then takes it for a second unit.
check_alias() {
    local folder file alias=${1##*/}
    for folder in $unit_path; do
        file=$folder/$alias
        if [ "$file" != "$1" ] && { [ -e "$file" ] || [ -L "$file" ]; }; then
            is_in "$2" "$failed" || fail install "$2" "its alias $alias is taken by $file"
            unlink_units install "$2"
            return
        fi
    done
    ln -sf -- "${1%/*}/$2" "$1"
}
"""
