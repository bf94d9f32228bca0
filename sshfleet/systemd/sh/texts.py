"""Bring the texts of units from where they were uploaded into our folder."""

SCRIPT = r"""
# Of the words that follow, set $copies to those whose text is not yet in place.
find_copies() {
    local word sum files='' there=''
    copies=''
    for word in "$@"; do
        if [ -f "$units/${word%%/*}" ] && [ ! -L "$units/${word%%/*}" ]; then
            there="$there $word" files="$files $units/${word%%/*}"
        else
            copies="$copies $word"
        fi
    done
    [ "$files" ] || return 0
    set -- $there
    while read -r sum _; do # in the order of the files; a \ before the sum: the name has one
        [ $# -gt 0 ] || break
        fields "$1"
        [ "${sum#\\}" = "$sha" ] || copies="$copies $1"
        shift
    done <<END
$(sha256sum -- $files)
END
    copies="$copies $*"
}

# Write the texts of $copies into $new, where only root can change them. (Words with the same text
# follow one another.)
fetch_texts() {
    local word last='' same=''
    for word in $copies; do
        fields "$word"
        if [ "$sha" != "$last" ]; then
            [ ! "$same" ] || fetch_text "$last" $same
            last=$sha same=''
        fi
        same="$same $name"
    done
    [ ! "$same" ] || fetch_text "$last" $same
    check_texts $copies
}

# $1 sha256, then the names of all units with this text.
fetch_text() {
    local text=$staging/$1 files='' name words
    shift
    for name in "$@"; do files="$files $new/$name"; done
    if [ ! -f "$text" ]; then
        fail_all install 'its text was not uploaded' "$@"
    else
        words=$({ head -c 1048576 -- "$text" | tee -- $files >/dev/null; } 2>&1) ||
            fail_all install "its text could not be stored: $words" "$@"
    fi
}

# See that what has arrived in $new is what the words say.
check_texts() {
    local word sum files=''
    keep_words "$@"
    [ "$kept" ] || return 0
    for word in $kept; do files="$files $new/${word%%/*}"; done
    set -- $kept
    while read -r sum _; do
        [ $# -gt 0 ] || break
        fields "$1"
        shift
        if [ "${sum#\\}" != "$sha" ]; then
            fail install "$name" "its text did not arrive whole (sha256 ${sum#\\})"
        elif [ ! -s "$new/$name" ]; then # to systemd an empty file means masked
            fail install "$name" 'its text is empty'
        fi
    done <<END
$(sha256sum -- $files)
END
    for word in "$@"; do fail install "${word%%/*}" 'its text could not be read back'; done
}

# Move the texts of $copies from $new into place: on the disk first, or a power cut could leave an
# empty file.
place_texts() {
    local word files=''
    for word in $copies; do
        is_in "${word%%/*}" "$failed" || files="$files $new/${word%%/*}"
    done
    [ "$files" ] || return 0
    words=$(sync -- $files 2>&1 && mv -f -t "$units" -- $files 2>&1) && return 0
    for word in $copies; do
        name=${word%%/*}
        if [ -e "$new/$name" ]; then fail install "$name" "its text could not be stored: $words"; fi
    done
}
"""
