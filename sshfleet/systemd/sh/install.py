"""Put units in place: file, links, systemd's view of them, and last the record that says so."""

SCRIPT = r"""
# Take an `install` word apart.
fields() {
    local IFS=/
    set -- $1
    name=$1 sha=$2 generation=$3 target=$4 enables=$5
}

# Make our folders, or refuse them when somebody else could write there: false, with $words.
ready_folders() {
    local line
    if [ ! -d "$units" ] || [ ! -d "$records" ]; then
        words=$(mkdir -p -- "$units" "$records" 2>&1) || return 1
    fi
    while read -r line; do
        case $line in
        'directory 0 drwx'?-??-?*) ;;
        *)
            words="only root may be able to write to $home and below, but here is a $line"
            return 1
            ;;
        esac
    done <<END
$(stat -c '%F %u %A %n' -- "$home" "$units" "$records" 2>&1)
END
}

# Set $kept to those of the words whose unit did not fail.
keep_words() {
    local word
    kept=''
    for word in "$@"; do is_in "${word%%/*}" "$failed" || kept="$kept $word"; done
}

# Of the words, set $changed to those that need work.
find_changed() {
    local word
    changed=''
    for word in "$@"; do
        if is_in "$word" "$copies" || ! is_in_order "$word"; then changed="$changed $word"; fi
    done
}

# Set $names to the units of the words.
name_words() {
    local word
    names=''
    for word in "$@"; do names="$names ${word%%/*}"; done
}

# Does everything but the text already say what the word $1 says?
is_in_order() {
    fields "$1"
    read_record "$name"
    wanted_record
    [ "$record" = "$wanted" ] && is_our_link "$links/$name" "$name" || return 1
    case $target in
    launched) [ -L "$boot_wants/$name" ] && [ -L "$boot_start" ] ;;
    *) [ ! -L "$boot_wants/$name" ] ;;
    esac
}

wanted_record() {
    wanted="{\"generation\":$generation,\"lineage\":\"$lineage\",\"sha256\":\"$sha\",\"target\":\"$target\"}"
}

forget_records() {
    local name files=''
    for name in "$@"; do files="$files $records/$name"; done
    rm -f -- $files
}

# Units that are in order already are left alone: nothing is written, systemd does not reload.
install_units() {
    local words names
    name_words $installs
    hold_back install $names
    [ "$kept" ] || return 0
    if ! ready_folders; then
        fail_all install "$words" $kept
        return
    fi
    keep_words $installs
    find_copies $kept
    find_changed $kept
    [ "$changed" ] || return 0
    dirty=yes
    if ! ready_new; then
        name_words $changed
        fail_all install "$words" $names
        return
    fi
    fetch_texts
    keep_words $changed
    change_units $kept
}

# Carry out what the words say: first undo what the units were.
change_units() {
    local names
    name_words "$@"
    [ "$names" ] || return 0
    forget_records $names
    unlink_units install $names
    place_texts
    keep_words "$@"
    link_units $kept
    keep_words "$@"
    enable_units $kept
    sync -- "$units" "$links" "$boot_wants" 2>/dev/null || :
}

# From here on nothing is to be done to the units of $changed.
write_records() {
    local word words names name files=''
    keep_words $changed
    for word in $kept; do
        fields "$word"
        wanted_record
        if printf '%s\n' "$wanted" >"$new/$name"; then
            files="$files $new/$name"
        else
            fail install "$name" 'its record could not be stored'
        fi
    done
    if [ "$files" ] && ! words=$(mv -f -t "$records" -- $files 2>&1); then
        for word in $kept; do
            name=${word%%/*}
            [ ! -e "$new/$name" ] || fail install "$name" "its record could not be stored: $words"
        done
    fi
    name_words $installs
    conclude install $names
}
"""
