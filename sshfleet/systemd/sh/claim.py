"""Whose machine is it: only one run at a time works on it, and only of a journal that may."""

SCRIPT = r"""
busy=20 # seconds to wait for another run, or for what a killed one left working

# Set $part to the text that $1, a line of JSON, has under the key $2.
part_of() {
    part=''
    case $1 in
    *"\"$2\":\""*) part=${1#*"\"$2\":\""} part=${part%%'"'*} ;;
    esac
}

# Take the machine for this journal, or refuse. The lock goes with this process.
claim() {
    local words holder
    trap '' PIPE # from here on nothing is left half done because nobody listens any more
    [ "$claim" ] || return 0
    command -v flock >/dev/null || refuse 'it has no flock (util-linux)'
    command exec 9<"$locked" || refuse "$locked cannot be opened"
    flock -w "$busy" 9 || refuse 'another sshfleet is at work there'
    holder=''
    [ ! -f "$home/owner" ] || read -r holder <"$home/owner" || :
    if ! may_claim; then
        say "$nonce owned" "$(one_line "$holder")"
        send
        exit 0
    fi
    if is_changed; then
        postpone_all
    elif [ "$installs" ] || [ -d "$home" ]; then
        words=$(write_owner 2>&1) || fail_unclaimed "$words"
    fi
}

# Is it nobody's, or does this journal know its mark, or is that older than any it ever saw there?
may_claim() {
    local part mark
    part_of "$holder" mark
    mark=$part
    case $mark in '' | *[!0-9a-f-]*) return 0 ;; esac
    ! is_in "$mark" "$accepted" || return 0
    part_of "$holder" lineage
    [ "$part" = "$lineage" ] && [ "${mark%%-*}" -lt "$floor" ] 2>/dev/null
}

# Was the machine changed, or booted anew, since it was looked at?
is_changed() {
    local part change
    part_of "$holder" mark
    change=$part
    part_of "$holder" turn
    [ "${part:+$change/$part}" = "${seen#-}" ] || return 0
    [ "$seen_boot" != - ] || return 1
    read -r part </proc/sys/kernel/random/boot_id
    [ "$part" != "$seen_boot" ]
}

# Do nothing of what was planned upon that look.
postpone_all() {
    local word
    for word in $actions; do
        late="$late ${word%/*}"
        fail "${word#*/}" "${word%/*}" 'it was changed meanwhile'
    done
}

# The records first: killed in between, the machine still bears the mark that was taken over.
write_owner() {
    local part
    mkdir -p -- "$home" || return 1
    part_of "$holder" lineage
    [ ! "$part" ] || [ "$part" = "$lineage" ] || take_records "$part" || return 1
    printf '%s\n' "$claim" >"$home/.owner" &&
        sync -- "$home/.owner" &&
        mv -f -- "$home/.owner" "$home/owner" &&
        sync -- "$home"
}

# Let the records of the lineage $1 say ours.
take_records() {
    local file
    set +f
    for file in "$home/records"/* "$run_home/records"/*; do
        [ -f "$file" ] || continue
        read -r record <"$file" || :
        case $record in
        *"\"lineage\":\"$1\""*) ;;
        *) continue ;;
        esac
        record="${record%%"\"lineage\":\"$1\""*}\"lineage\":\"$lineage\"${record#*"\"lineage\":\"$1\""}"
        printf '%s\n' "$record" >"$home/.record" && mv -f -- "$home/.record" "$file" || return 1
    done
    set -f
}

# $1 words: without a mark of ours nothing new comes to the machine; what stops may stop.
fail_unclaimed() {
    local names
    name_words $installs
    fail_all install "the machine could not be marked as this journal's: $1" $names
}

# With the last unit the machine is nobody's again.
disclaim() {
    local any
    for any in "$home" "$run_home"; do
        if [ -d "$any/units" ] || [ -d "$any/records" ]; then return; fi
    done
    rm -f -- "$home/owner" "$home/.owner" "$home/.record"
    [ ! -d "$home" ] || rmdir -- "$home" 2>/dev/null || :
}
"""
