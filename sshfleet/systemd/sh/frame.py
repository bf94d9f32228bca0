"""What every part uses: the order of work, the request, lines of the reply."""

SCRIPT = r"""# shellcheck shell=dash disable=SC2086 # lists of names are words
set -uf
umask 022
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export SYSTEMD_COLORS=0 SYSTEMD_PAGER='' SYSTEMD_URLIFY=0
tab='	'
newline='
'
reply=''

# The order of work on one machine. Nothing is done before the request has been read to its end.
main() {
    read_request
    say "$nonce begin"
    learn_manager
    read_uptime
    deadline=$((now + patience))
    if [ "$actions$claim" ]; then
        claim
        admit_all
        find_unfinished
        stop_units
        remove_units
        install_units
        leave_nothing
        leave_guard
        reload
        write_records
        end_guard
        drop_new
        set_going start $starts
        set_going restart $restarts
        disclaim
    fi
    watch_units
    look_at_all
    say "$nonce end"
    send
}

# The request: lines of fields between tabs; no field is empty, and the last line is `end`. (`claim`
# says the line that makes the machine ours, below which number a mark is old, known marks, which
# change of the machine was seen last, and on which boot. An `install` says name, content hash,
# generation, target, whether [Install] is to be followed, its home (etc or run), its lease (no, or
# as in Action.guard), and the names of drop-ins with commas between them, if there are any. Then
# each file of the unit has a `part`: its SHA-256 and its path below our folder.)
read_request() {
    stops='' removes='' installs='' starts='' restarts='' asked='' watched=''
    actions='' failed='' told='' late='' dirty='' changed='' new='' complete='' before='' texts=''
    claim=''
    local key one two three four five six seven eight
    while IFS=$tab read -r key one two three four five six seven eight; do
        case $key in
        nonce) nonce=$one ;;
        lineage) lineage=$one ;;
        claim) claim=$one floor=$two accepted=" $three" seen=$four seen_boot=$five ;;
        staging) staging=$one ;;
        patience) patience=$one ;; # hundredths of a second
        settle) settle=$one ;;     # seconds, as sleep takes them
        touch) actions="$actions $one/$two" ;; # each name below, once, and its first verb
        stop) stops="$stops $one" ;;
        remove) removes="$removes $one" ;;
        part) texts="$texts $one/$two" ;;
        install)
            installs="$installs $one/$two/$three/$four/$five/$six/$seven/$eight"
            [ "$eight" ] || texts="$texts $two/$one"
            ;;
        start) starts="$starts $one" ;;
        restart) restarts="$restarts $one" ;;
        watch) watched="$watched $one" ;;
        look) asked="$asked $one" ;; # every name above too, once
        end) complete=yes && break ;;
        esac
    done
    [ "$complete" ] || exit 65 # EX_DATAERR: the connection broke off
}

# Is the word $1 in the list $2?
is_in() {
    case "$2 " in
    *" $1 "*) ;;
    *) return 1 ;;
    esac
}

# Add a line to the reply: fields between tabs.
say() {
    local field line=$1
    shift
    for field in "$@"; do line=$line$tab$field; done
    reply=$reply$line$newline
    [ ${#reply} -lt 8192 ] || send
}

# Send what was said until now: each write is a packet, and work for who reads it.
send() { printf '%s' "$reply" && reply=''; }

# Give up: systemd cannot be worked with here.
refuse() {
    say "$nonce refused" "$(one_line "$1")"
    send
    exit 69 # EX_UNAVAILABLE
}

# Print $1 as one line of bounded length.
one_line() { printf '%s' "$1" | tr -s '\n\r\t' ' ' | head -c 800; }
"""
