"""Put units in place: file, links, systemd's view of them, and last the record that says so.

Units have one of two homes: /etc, or /run when a reboot shall take them away. Each is worked on by
itself, with $units, $records and $links its folders; $away and so on are those of the other.
"""

SCRIPT = r"""
# Take an `install` word apart.
fields() {
    local IFS=/
    set -- $1
    name=$1 sha=$2 generation=$3 target=$4 enables=$5 guard=$7 dropins=${8-}
    IFS=, && set -- $dropins
    IFS=' ' && dropins=$*
}

# Work at home in $1: etc or run.
at_home() {
    base=$home links=$etc_links away=$run_home away_links=$run_links
    passing='' guards=''
    if [ "$1" = run ]; then
        base=$run_home links=$run_links away=$home away_links=$etc_links
        passing=--runtime
    fi
    units=$base/units records=$base/records
}

# Set $kept to those of the words whose unit is to be at home in $1.
keep_home() {
    local where=$1 word
    shift
    kept=''
    for word in "$@"; do
        case $word in
        */*/*/*/*/"$where"/*) kept="$kept $word" ;;
        esac
    done
}

# Make our folders, or refuse them when somebody else could write there: false, with $words.
ready_folders() {
    local line
    if [ ! -d "$home" ] || [ ! -d "$units" ] || [ ! -d "$records" ]; then
        words=$(mkdir -p -- "$home" "$units" "$records" 2>&1) || return 1
    fi
    while read -r line; do
        case $line in
        'directory 0 drwx'?-??-?*) ;;
        *)
            words="only root may be able to write to $base and below, but here is a $line"
            return 1
            ;;
        esac
    done <<END
$(stat -c '%F %u %A %n' -- "$home" "$base" "$units" "$records" 2>&1)
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
    [ "$record" = "$wanted" ] && leads_to "$links/$name" "$units/$name" && has_dropins &&
        is_only_here || return 1
    case $guard in
    no) [ ! -e "$leased/$name" ] && [ ! -e "$run_links/$name.d/$lease_dropin" ] || return 1 ;;
    *) is_guarded || return 1 ;;
    esac
    case $target$base in
    launched"$home") [ -L "$boot_wants/$name" ] && [ -L "$boot_start" ] ;;
    *) [ ! -L "$boot_wants/$name" ] ;;
    esac
}

# Has the unit of the word taken apart last no trace in its other home?
is_only_here() {
    local any
    for any in "$away/units/$name" "$away/units/$name.d" "$away/records/$name"; do
        [ ! -e "$any" ] || return 1
    done
    ! is_our_link "$away_links/$name" "$name"
}

# Units that are in order already are left alone: nothing is written, systemd does not reload.
install_units() {
    local words names place all=''
    name_words $installs
    hold_back install $names
    for place in etc run; do
        keep_words $installs
        keep_home $place $kept
        [ ! "$kept" ] || install_at $place $kept
        all="$all $changed"
    done
    changed=$all
}

# $1 home, then words.
install_at() {
    local words names wanted
    at_home "$1"
    shift
    changed=''
    name_words "$@"
    if ! ready_folders || ! ready_guards "$@"; then
        fail_all install "$words" $names
        return
    fi
    keep_texts $texts
    keep_listed "$names" $kept
    find_copies $kept
    find_changed "$@"
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

# Have the guard there when one of the words asks for it.
ready_guards() {
    local word
    for word in "$@"; do
        case $word in
        */*/*/*/*/*/no | */*/*/*/*/*/no/*) ;;
        *) guards=yes && break ;;
        esac
    done
    [ ! "$guards" ] || ready_guard
}

# Carry out what the words say: first undo what the units were.
change_units() {
    local names folders
    [ $# -gt 0 ] || return 0
    forget_records "$@"
    name_words "$@"
    mark_units "$@"
    unlink_units install $names
    drop_spare "$@"
    place_texts
    keep_words "$@"
    leave_away $kept
    keep_words "$@"
    link_units $kept
    keep_words "$@"
    link_dropins $kept
    keep_words "$@"
    [ ! "$guards" ] || guard_units $kept
    keep_words "$@"
    enable_units $kept
    sync -- "$units" "$links" "$boot_wants" $folders 2>/dev/null || :
}

# Take the files of the units of the words out of their other home.
leave_away() {
    local word files=''
    for word in "$@"; do
        fields "$word"
        [ ! -e "$away/units/$name" ] || files="$files $away/units/$name"
        [ ! -e "$away/units/$name.d" ] || files="$files $away/units/$name.d"
    done
    [ ! "$files" ] || rm -rf -- $files
}
"""
