"""Renew the lease of a machine: a script of its own, which waits for no run that changes things.

Rule 1: a lease is refused when it is of another boot, of another journal, older than the one there,
too long, or over already. Its end is absolute: coming late makes it no longer.
Rule 2: it is written as a whole or not at all.
"""

SCRIPT = r"""# shellcheck shell=dash disable=SC2086 # a lease is words
set -uf
umask 022
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
home=/run/sshfleet
owner=/etc/sshfleet/owner
locked=/run/systemd # by who renews: a folder that is always there
tab=$(printf '\t')

main() {
    local key one lease='' complete='' names='' reason=''
    while IFS=$tab read -r key one; do
        case $key in
        nonce) nonce=$one ;;
        lease) lease=$one ;;
        unit) names="$names$one
" ;;
        end) complete=yes && break ;;
        esac
    done
    [ "$complete" ] || exit 65 # EX_DATAERR: the connection broke off
    command -v flock >/dev/null || refuse 'it has no flock (util-linux)'
    command exec 8<"$locked" || refuse "$locked cannot be opened"
    flock -w 5 8 || refuse 'another sshfleet renews the lease there'
    judge $lease
    ready_home
    reason=$({
        printf '%s\n%s' "$lease" "$names" >"$home/.lease" && mv -f -- "$home/.lease" "$home/lease"
    } 2>&1) || refuse "it could not be stored: $reason"
    printf '%s accepted\n' "$nonce"
}

# $1 boot, $2 uptime, $3 wall clock, $4 number, $5 lineage: may this be the lease from now on?
judge() {
    local boot up line='' part
    read -r boot </proc/sys/kernel/random/boot_id
    read -r up _ </proc/uptime
    [ "$1" = "$boot" ] || refuse 'it was rebooted meanwhile'
    [ "${up%.*}" -lt "$2" ] || refuse 'the lease came too late: it is over'
    [ "$2" -le $((${up%.*} + 90000)) ] || refuse 'the lease is longer than 25 hours'
    [ ! -f "$owner" ] || read -r line <"$owner" || :
    case $line in
    *"\"lineage\":\"$5\""*) ;;
    *'"lineage":"'*) refuse 'it belongs to another journal' ;;
    esac
    part=$(head -c 400 -- "$home/lease" 2>/dev/null | head -n 1)
    is_newer "$4" "$5" $part || refuse 'a newer lease is there already'
}

# $1 number, $2 lineage, then the words of the lease that is there.
is_newer() {
    local number=$1 lineage=$2
    shift 2
    if [ $# != 5 ] || [ "$5" != "$lineage" ]; then return 0; fi
    case $4 in '' | *[!0-9]*) return 0 ;; esac
    [ "$4" -le "$number" ] 2>/dev/null
}

# Our folder: only root may be able to write there.
ready_home() {
    local words
    words=$(mkdir -p -- "$home" 2>&1) || refuse "$words"
    words=$(stat -c '%F %u %A' -- "$home" 2>&1)
    case $words in
    'directory 0 drwx'?-??-?*) ;;
    *) refuse "only root may be able to write to $home, but it is a $words" ;;
    esac
}

refuse() {
    printf '%s refused\t%s\n' "$nonce" "$(printf '%s' "$1" | tr -s '\n\r\t' ' ' | head -c 800)"
    exit 0
}
"""
