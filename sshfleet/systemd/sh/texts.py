"""Bring the texts of units and drop-ins from where they were uploaded into our folder.

Words here are SHA-256/FILE, with FILE below our folder: web.service, web.service.d/10-x.conf.
"""

SCRIPT = r"""
# Of the words that follow, set $copies to those whose text is not yet in place.
find_copies() {
    local word sum file files='' there=''
    copies=''
    for word in "$@"; do
        file=$units/${word#*/}
        if [ -f "$file" ] && [ ! -L "$file" ]; then
            there="$there $word" files="$files $file"
        else
            copies="$copies $word"
        fi
    done
    [ "$files" ] || return 0
    set -- $there
    while read -r sum _; do # in the order of the files; a \ before the sum: the name has one
        [ $# -gt 0 ] || break
        [ "${sum#\\}" = "${1%%/*}" ] || copies="$copies $1"
        shift
    done <<END
$(sha256sum -- $files)
END
    copies="$copies $*"
}

# Set $kept to those of the words whose unit did not fail.
keep_texts() {
    local word
    kept=''
    for word in "$@"; do
        name_file "${word#*/}"
        is_in "$name" "$failed" || kept="$kept $word"
    done
}

# $1 names, then words: set $kept to those of the words whose unit is named.
keep_listed() {
    local names=$1 word
    shift
    kept=''
    for word in "$@"; do
        name_file "${word#*/}"
        ! is_in "$name" "$names" || kept="$kept $word"
    done
}

# Set $name to the unit that the file $1 belongs to.
name_file() { name=${1%.d/*}; }

# $1 words, then files: their units have failed, for the first reason there was.
fail_files() {
    local words=$1 file
    shift
    for file in "$@"; do
        name_file "$file"
        is_in "$name" "$failed" || fail install "$name" "$words"
    done
}

# Write the texts of $copies into $new, where only root can change them. (Words with the same text
# follow one another.)
fetch_texts() {
    local word file last='' same='' folders=''
    for word in $copies; do
        file=$new/${word#*/}
        case $word in */*/*) is_in "${file%/*}" "$folders" || folders="$folders ${file%/*}" ;; esac
    done
    [ ! "$folders" ] || mkdir -- $folders 2>/dev/null || : # what is missing is seen below
    for word in $copies; do
        if [ "${word%%/*}" != "$last" ]; then
            [ ! "$same" ] || fetch_text "$last" $same
            last=${word%%/*} same=''
        fi
        same="$same ${word#*/}"
    done
    [ ! "$same" ] || fetch_text "$last" $same
    check_texts $copies
}

# $1 sha256, then all files with this text.
fetch_text() {
    local text=$staging/$1 file files='' words
    shift
    for file in "$@"; do files="$files $new/$file"; done
    if [ ! -f "$text" ]; then
        fail_files 'its text was not uploaded' "$@"
    else
        words=$({ head -c 1048576 -- "$text" | tee -- $files >/dev/null; } 2>&1) ||
            fail_files "its text could not be stored: $words" "$@"
    fi
}

# See that what has arrived in $new is what the words say.
check_texts() {
    local word sum file files=''
    keep_texts "$@"
    [ "$kept" ] || return 0
    for word in $kept; do files="$files $new/${word#*/}"; done
    set -- $kept
    while read -r sum _; do
        [ $# -gt 0 ] || break
        file=${1#*/}
        if [ "${sum#\\}" != "${1%%/*}" ]; then
            fail_files "its text did not arrive whole (sha256 ${sum#\\})" "$file"
        elif [ ! -s "$new/$file" ] && [ "$file" = "${file%/*}" ]; then
            fail_files 'its text is empty' "$file" # to systemd that means masked
        fi
        shift
    done <<END
$(sha256sum -- $files)
END
    for word in "$@"; do fail_files 'its text could not be read back' "${word#*/}"; done
}

# Move the texts of $copies from $new into place: on the disk first, or a power cut could leave an
# empty file. A unit's own file comes first, for without it nobody sees the drop-ins.
place_texts() {
    local word file own='' files='' folders=''
    keep_texts $copies
    for word in $kept; do
        file=${word#*/} files="$files $new/${word#*/}"
        case $file in
        */*) is_in "${file%/*}" "$folders" || folders="$folders ${file%/*}" ;;
        *) own="$own $new/$file" ;;
        esac
    done
    [ "$files" ] || return 0
    words=$({
        sync -- $files && { [ ! "$own" ] || mv -f -t "$units" -- $own; }
    } 2>&1 && place_dropins $folders 2>&1) && return 0
    for word in $kept; do
        file=${word#*/}
        [ ! -e "$new/$file" ] || fail_files "its text could not be stored: $words" "$file"
    done
}

# Move the files of folders; run in a shell of its own.
place_dropins() {
    set +f
    for folder in "$@"; do
        mkdir -p -- "$units/$folder" && mv -f -t "$units/$folder" -- "$new/$folder"/* || return 1
    done
}
"""
