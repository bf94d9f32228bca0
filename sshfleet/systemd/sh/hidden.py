"""Tell what keeps systemd from seeing our files as they are: masks, other files, other drop-ins."""

SCRIPT = r"""
# Is there anything at $1, be it a link to nothing?
is_there() { [ -e "$1" ] || [ -L "$1" ]; }

# Say that the unit $1 of ours is hidden by $2, or, without it, that there is no link to its file.
hide() {
    local kind=file
    if is_in "$1" "$hidden"; then return; fi
    hidden="$hidden $1 "
    if [ ! "$2" ]; then
        kind=none
    elif [ "$2" -ef /dev/null ] || { [ -f "$2" ] && [ ! -s "$2" ]; }; then
        kind=mask
    fi
    say hidden "$1" "$kind" "${2:--}"
}

# Set $hidden to the units of ours of which systemd gets to see something else, or nothing.
tell_hidden() {
    local name folder file link
    hidden=''
    set +f
    for folder in $unit_path; do
        [ "$folder" != "$etc_links" ] || break
        for file in "$folder"/*; do
            name=${file##*/}
            ! is_in "$name" "$names" || ! is_here "$name" || hide "$name" "$file"
        done
    done
    set -f
    for name in $names; do
        is_here "$name" || continue
        link=$etc_links/$name
        if [ ! -f "$home/units/$name" ] && ! is_there "$link"; then link=$run_links/$name; fi
        is_our_link "$link" "$name" && continue
        is_there "$link" || link=''
        hide "$name" "$link"
    done
}

# Tell of drop-ins for our units, or for their template, that others made and that are in effect.
# ($above: those in folders that hide ours of the same name.)
tell_strays() {
    local name folder file owner above=yes
    set +f
    for folder in $unit_path; do
        [ "$folder" != "$etc_links" ] || above=''
        case $folder in /lib/*) [ ! "$folder" -ef "/usr$folder" ] || continue ;; esac
        for file in "$folder"/*.d/*.conf; do
            [ -e "$file" ] || continue
            owner=${file%/*} owner=${owner##*/} owner=${owner%.d} name=${file##*/}
            case $name in *sshfleet*) continue ;; esac
            ! is_our_dropin "$file" "$owner" || continue
            [ "$above" ] || ! is_our_dropin "$etc_links/$owner.d/$name" "$owner" || continue
            is_word "$name" || file=${file%/*}/
            case $owner in
            *@.*)
                for name in $names; do
                    [ "${name%%@*}@.${name##*.}" != "$owner" ] || say stray "$name" "$file"
                done
                ;;
            *) ! is_in "$owner" "$names" || say stray "$owner" "$file" ;;
            esac
        done
    done
    set -f
}
"""
