"""The record beside each unit: what is true of it, and which process is older than its text."""

SCRIPT = r"""
# Set $wanted to what the record of the word taken apart last has to say, with $was.
wanted_record() {
    local lease=${guard#no}
    wanted="{\"generation\":$generation,${lease:+\"guard\":\"$lease\",}\"lineage\":\"$lineage\",\"sha256\":\"$sha\""
    wanted="$wanted,\"target\":\"$target\"${was:+,\"was\":\"$was\"}}"
}

# Set $was to the InvocationID in $record that ran an older text.
read_was() {
    case $record in
    *'"was":"'*) was=${record##*'"was":"'} was=${was%%'"'*} ;;
    *) was='' ;;
    esac
}

# Undo the records of the words, for they are not true any more. What has to be known to the end,
# should this run be killed, stays: that the text takes the place of another one, or $was.
forget_records() {
    local word content files=''
    for word in "$@"; do
        fields "$word"
        read_record "$name"
        read_was
        content=$sha
        ! is_new_text "$word" || content=- was=''
        if [ "$content" = - ] || [ "$was" ]; then
            record="{\"lineage\":\"$lineage\",\"sha256\":\"$content\",\"was\":\"$was\"}"
            printf '%s\n' "$record" >"$records/$name" ||
                fail install "$name" 'its record could not be changed'
        else
            files="$files $records/$name"
        fi
        [ ! -e "$away/records/$name" ] || files="$files $away/records/$name"
    done
    [ ! "$files" ] || rm -f -- $files
}

# Does the word $1, whose $record was read, bring a text in place of another one of ours?
is_new_text() {
    case $record in
    *"\"sha256\":\"$sha\""*) return 1 ;;
    *'"sha256":"'*) return 0 ;;
    esac
    [ -f "$units/$name" ] && is_to_copy "$name"
}

# Does $record say that the text took the place of another one?
is_marked() {
    case $record in
    *'"sha256":"-"'*) ;;
    *) return 1 ;;
    esac
}

# Set $old to the InvocationID, or `-`, of each unit of the words that got a new text. Where systemd
# does not tell they fail, and the next run completes them.
find_old() {
    local word line names=''
    old=''
    for word in "$@"; do
        read_record "${word%%/*}"
        ! is_marked || names="$names ${word%%/*}"
    done
    [ "$names" ] || return 0
    while read -r line; do
        case $line in
        InvocationID=) old="$old -" ;;
        InvocationID=*) old="$old ${line#*=}" ;;
        esac
    done <<END
$(show InvocationID $names 2>&1)
END
    set -- $names
    for line in $old; do [ $# = 0 ] || shift; done
    [ $# = 0 ] || fail_all install 'systemd does not tell what ran before' $names
}

# From here on nothing is to be done to the units of $changed.
write_records() {
    local names place
    for place in etc run; do
        keep_home $place $changed
        at_home $place
        [ ! "$kept" ] || write_at_home $kept
    done
    name_words $installs
    conclude install $names
}

# The words, all of this home.
write_at_home() {
    local word words name files='' all="$*"
    keep_words "$@"
    find_old $kept
    keep_words $all
    set -- $old
    for word in $kept; do
        fields "$word"
        read_record "$name"
        read_was
        if is_marked; then
            was=${1#-}
            [ $# = 0 ] || shift
        fi
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
}
"""
