"""Put units in place: file, links, systemd's view of them, and last the record that says so."""

SCRIPT = r"""
# Take an `install` word apart.
fields() {
    local IFS=/
    set -- $1
    name=$1 sha=$2 generation=$3 target=$4 enables=$5 dropins=${6-}
    IFS=, && set -- $dropins
    IFS=' ' && dropins=$*
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
        if is_to_copy "${word%%/*}" || ! is_in_order "$word"; then changed="$changed $word"; fi
    done
}

# Is a text of the unit $1 to be brought?
is_to_copy() {
    case "$copies " in
    *"/$1 "* | *"/$1.d/"*) ;;
    *) return 1 ;;
    esac
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
    read_was
    wanted_record
    [ "$record" = "$wanted" ] && is_our_link "$links/$name" "$name" && has_dropins || return 1
    case $target in
    launched) [ -L "$boot_wants/$name" ] && [ -L "$boot_start" ] ;;
    *) [ ! -L "$boot_wants/$name" ] ;;
    esac
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
    keep_texts $texts
    find_copies $kept
    keep_words $installs
    find_changed $kept
    admit_dropins $changed
    keep_words $changed
    changed=$kept
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
    local names folders
    [ $# -gt 0 ] || return 0
    forget_records "$@"
    name_words "$@"
    unlink_units install $names
    drop_spare "$@"
    place_texts
    keep_words "$@"
    link_units $kept
    keep_words "$@"
    link_dropins $kept
    keep_words "$@"
    enable_units $kept
    sync -- "$units" "$links" "$boot_wants" $folders 2>/dev/null || :
}
"""
