"""The drop-ins of units: systemd reads them from its own folders only, so each is linked there.

Beside them may lie drop-ins of the admin; these are never touched, nor are their folders.
"""

SCRIPT = r"""
# Does systemd see just the drop-ins that the word taken apart last says?
has_dropins() {
    local file
    for file in $dropins; do
        [ "$links/$name.d/$file" -ef "$units/$name.d/$file" ] || return 1
    done
    [ -d "$links/$name.d" ] || return 0
    set +f
    for file in "$links/$name.d"/*; do
        if is_our_dropin "$file" "$name" && ! is_in "${file##*/}" " $dropins"; then
            set -f
            return 1
        fi
    done
    set -f
}

# Fail the units of the words whose drop-ins would take the place of what is not ours, or give way
# to it.
admit_dropins() {
    local word file link
    for word in "$@"; do
        fields "$word"
        for file in $dropins; do
            for link in "$etc_links/$name.d/$file" "$run_links/$name.d/$file"; do
                if { [ -e "$link" ] || [ -L "$link" ]; } && ! is_our_dropin "$link" "$name"; then
                    fail install "$name" "the name of its drop-in is taken by $link"
                    break 2
                fi
            done
        done
    done
}

# Remove from our folder the drop-ins that the units of the words shall not have any more.
drop_spare() {
    local word file spare=''
    for word in "$@"; do
        fields "$word"
        [ -d "$units/$name.d" ] || continue
        [ "$dropins" ] || spare="$spare $units/$name.d"
        set +f
        for file in "$units/$name.d"/*; do
            if is_word "${file##*/}" && ! is_in "${file##*/}" " $dropins"; then
                spare="$spare $file"
            fi
        done
        set -f
    done
    [ ! "$spare" ] || rm -rf -- $spare
}

# Link the drop-ins of the units of the words; $folders are those that changed.
link_dropins() {
    local word file files words
    folders=''
    for word in "$@"; do
        fields "$word"
        [ "$dropins" ] || continue
        files=''
        for file in $dropins; do files="$files $units/$name.d/$file"; done
        folders="$folders $units/$name.d $links/$name.d"
        words=$(mkdir -p -- "$links/$name.d" 2>&1 && ln -s -t "$links/$name.d" -- $files 2>&1) ||
            fail install "$name" "its drop-ins could not be linked: $words"
    done
}
"""
