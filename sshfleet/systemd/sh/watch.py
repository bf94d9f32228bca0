"""How units are right now, and waiting until they have come to rest."""

SCRIPT = r"""
# Sort the names: $moving are neither inactive nor failed, $broken are failed, $turning change state
# right now; $waiting tells whether one of them waits for its turn. Units that systemd has not
# loaded are inactive. False when systemctl cannot tell; then $states is what it said.
survey() {
    local name state
    moving='' broken='' turning='' waiting=''
    states=$(list "$@" 2>&1) || return 1
    has_jobs "$states" && waiting=yes
    while read -r name _ state _; do
        case $name/$state in
        UNIT/*) continue ;;
        *.*/*) ;;
        *) break ;;
        esac
        case $state in
        '' | inactive) continue ;;
        failed) broken="$broken $name" && continue ;;
        active) ;;
        *) turning="$turning $name" ;; # activating, deactivating, reloading, refreshing …
        esac
        moving="$moving $name"
    done <<END
$states
END
}

# Set $now to the time since boot in hundredths of a second.
read_uptime() {
    read -r now _ </proc/uptime
    now=$((${now%.*} * 100 + 1${now#*.} - 100))
}

past_deadline() { read_uptime && [ $now -ge $deadline ]; }

# Sleep a moment, then longer ones.
nap() {
    sleep "$moment"
    case $moment in
    0.02) moment=0.05 ;;
    0.05) moment=0.1 ;;
    *) moment=0.2 ;;
    esac
}

# Does one of the units change state, or wait for its turn?
in_transition() { survey "$@" && [ "$turning$waiting" ]; }

# Wait for the watched units; tell how they are, then let them settle: to systemd, a service of some
# types is active as soon as it has been forked or executed, however soon it dies.
watch_units() {
    set -- $watched
    [ $# -gt 0 ] || return 0
    moment=0.02
    while in_transition "$@" && ! past_deadline; do nap; done
    before=$(show "$properties" "$@")
    say "$nonce before"
    say "$before"
    say "$nonce after"
    if has_to_settle "$before"; then sleep "$settle"; fi
}

has_to_settle() {
    local line quick='' active=''
    while read -r line; do
        case $line in
        Type=simple | Type=exec | Type=idle) quick=yes ;;
        ActiveState=active) active=yes ;;
        '') quick='' active='' ;;
        esac
        [ ! "$quick" ] || [ ! "$active" ] || return 0
    done <<END
$1
END
    return 1
}
"""
