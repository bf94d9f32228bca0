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

# Make $new, the folder of this run, and drop those of runs that were killed. False, with $words,
# when that fails.
ready_new() {
    local stale
    set +f
    for stale in "$home"/new.*; do
        if [ -d "$stale" ] && ! kill -0 "${stale##*.}" 2>/dev/null; then rm -rf -- "$stale"; fi
    done
    set -f
    new=$home/new.$$
    words=$(mkdir -m 0700 -- "$new" 2>&1)
}

drop_new() {
    [ ! "$new" ] || rm -rf -- "$new"
    new=''
}

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

# Link the units of the words that follow, and make them start at boot when they are launched.
link_units() {
    local word paths='' boots=''
    for word in "$@"; do
        fields "$word"
        paths="$paths $units/$name"
        [ "$target" != launched ] || boots="$boots $name"
    done
    each install "$paths" systemctl --no-reload link
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
    local word lasting='' passing=''
    for word in "$@"; do
        fields "$word"
        if [ "$enables" = no ] || is_in "$name" "$failed"; then continue; fi
        case $target in
        launched) lasting="$lasting $name" ;;
        *) passing="$passing $name" ;;
        esac
    done
    each install "$lasting" systemctl --no-reload enable
    check_aliases "$said"
    each install "$passing" systemctl --no-reload --runtime enable
    check_aliases "$said"
}

# $1 what `enable` said: see to the aliases it made. Its lines read "Created symlink
# /etc/systemd/system/ALIAS -> TARGET.", with paths between quotes in newer versions.
check_aliases() {
    local kind link unit
    while read -r kind _ link _ unit; do
        link=${link#\'} link=${link%\'} unit=${unit##*/} unit=${unit%.} unit=${unit%\'}
        case $kind/$link in
        Created"/$links"/*/* | Created"/$runtime_links"/*/*) ;;
        Created"/$links/$unit" | Created"/$runtime_links/$unit") ;;
        Created"/$links"/* | Created"/$runtime_links"/*) check_alias "$link" "$unit" ;;
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

# systemd reads its files anew, once, when something changed.
reload() {
    local words names
    [ "$dirty" ] || return 0
    name_words $changed
    words=$(systemctl daemon-reload 2>&1) ||
        fail_all install "systemd did not read it anew: $words" $names
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
