"""Tell how the machine and the units on it are."""

SCRIPT = r"""
home=/etc/sshfleet # of units that a reboot leaves alone
run_home=/run/sshfleet # and of those it takes away
etc_links=/etc/systemd/system
run_links=/run/systemd/system

locked=$run_links # by who changes the machine: a folder that is always there
boot_wants=$etc_links/sshfleet.target.wants
boot_start=$etc_links/multi-user.target.wants/sshfleet.target

leased=$run_home/leased
lease_dropin='~sshfleet-lease.conf'
guard_files="$run_home/guard.sh $run_links/sshfleet-guard.service"
guard_files="$guard_files $run_links/sshfleet-guard.timer $run_links/sshfleet-lease-fail.target"

# Learn where systemd looks for units ($unit_path, first wins) and its version.
learn_manager() {
    local answer line
    answer=$(systemctl show -p Version -p UnitPath 2>&1) ||
        refuse "systemd does not answer: $answer"
    version='' unit_path=''
    while read -r line; do
        case $line in
        Version=*) version=${line#*=} ;;
        UnitPath=*) unit_path=${line#*=} ;;
        esac
    done <<END
$answer
END
    [ "$unit_path" ] || unit_path="$etc_links $run_links /usr/lib/systemd/system"
}

# Is $1 a link that leads to $2? (Only a link to nothing has to be read, which is a fork.)
leads_to() {
    [ -L "$1" ] && { [ "$1" -ef "$2" ] || { [ ! -e "$1" ] && [ "$(readlink -- "$1")" = "$2" ]; }; }
}

# Is $1 a drop-in of our unit $2, linked from our folder? (Others may put what they like beside it.)
is_our_dropin() {
    is_word "${1##*/}" || return 1
    leads_to "$1" "$home/units/$2.d/${1##*/}" || leads_to "$1" "$run_home/units/$2.d/${1##*/}"
}

# Has $1 only the characters of names?
is_word() {
    case $1 in
    *[!A-Za-z0-9:_.\\@-]*) return 1 ;;
    esac
}

# Is the file $1 a link to our unit $2?
is_our_link() { leads_to "$1" "$home/units/$2" || leads_to "$1" "$run_home/units/$2"; }

# Set $record to the one line beside the unit $1, empty when there is none.
read_record() {
    local file
    record=''
    for file in "$home/records/$1" "$run_home/records/$1"; do
        [ -f "$file" ] || continue
        read -r record <"$file" || :
        return
    done
}

# $1 properties, then names: `systemctl show`, a few hundred names at a time.
show() {
    local wanted=$1 batch='' count=0 name
    shift
    for name in "$@"; do
        batch="$batch $name" count=$((count + 1))
        if [ $count = 400 ]; then
            systemctl show -p "$wanted" -- $batch
            echo
            batch='' count=0
        fi
    done
    [ ! "$batch" ] || systemctl show -p "$wanted" -- $batch
}

# May the name be given to `systemctl show`? One that is no unit's would spoil the whole answer.
is_showable() {
    local stem=${1%.*}
    case $1 in
    *[!A-Za-z0-9:_.\\@-]* | [@.-]*) return 1 ;;
    "${stem%%@*}@.${1##*.}") return 1 ;; # a template
    *.service | *.socket | *.timer | *.path | *.mount | *.automount | *.device) ;;
    *) return 1 ;;
    esac
}

# Set $names to the units in our folders and those asked for, $files to their files and drop-ins.
list_units() {
    local file name dropin
    names='' files=''
    set +f
    for file in "$home/units"/* "$run_home/units"/*; do
        name=${file##*/}
        if [ ! -f "$file" ] || [ -L "$file" ] || ! is_showable "$name"; then continue; fi
        case $file in
        "$run_home"/*) [ ! -f "$home/units/$name" ] || continue ;;
        esac
        names="$names $name" files="$files $file"
        for dropin in "$etc_links/$name.d"/*.conf "$run_links/$name.d"/*.conf; do
            [ -e "$dropin" ] || continue
            if is_our_dropin "$dropin" "$name" || [ "${dropin##*/}" = $lease_dropin ]; then
                files="$files $dropin"
            fi
        done
    done
    for file in "$home/records"/* "$run_home/records"/*; do
        name=${file##*/}
        if [ -f "$file" ] && is_showable "$name"; then list_without_file "$name"; fi
    done
    set -f
    for name in $asked; do list_without_file "$name"; done
    for file in $guard_files; do [ ! -f "$file" ] || files="$files $file"; done
}

list_without_file() { is_here "$1" || is_in "$1" "$names" || names="$names $1"; }

# Is there a file of ours for the unit $1?
is_here() { [ -f "$home/units/$1" ] || [ -f "$run_home/units/$1" ]; }

properties=Id,LoadState,ActiveState,SubState,Result,Type,InvocationID,NRestarts,ExecMainStatus
properties=$properties,Job,FragmentPath,UnitFileState

tell_machine() {
    local id='' boot='' up='' memory='' line os='' owner=''
    wall=$(date +%s)
    read -r id </etc/machine-id || :
    read -r boot </proc/sys/kernel/random/boot_id
    read -r up _ </proc/uptime
    [ ! -f $home/owner ] || read -r owner <$home/owner || :
    read -r _ memory _ </proc/meminfo # MemTotal is the first line
    while read -r line; do
        case $line in PRETTY_NAME=*) os=${line#*=} && break ;; esac
    done </etc/os-release
    say machine "$id"
    say boot "$boot"
    say uptime "$up"
    say os "$os"
    say arch "$(uname -m)"
    say systemd "$version"
    say cpus "$(nproc)"
    say memory "$memory"
    say owner "${owner:--}"
    say wall "$wall"
    ! command -v flock >/dev/null || say flock yes
    [ ! -f $run_home/guard.sh ] || ! systemctl -q is-active sshfleet-guard.timer || say guard yes
    [ "$claim" ] || flock -ns 9 9<$locked || [ $? != 1 ] || say busy yes
}

# List the units of these names: a legend, a line each, and, after a line without a unit, words.
list() { systemctl list-units --all --full --plain -- "$@"; }

# Has one of the units of this list a pending job? Then its legend has a column for them.
has_jobs() {
    case ${1%%"$newline"*} in *' JOB '*) ;; *) return 1 ;; esac
}

# Tell of the units of ours that simply run what `systemctl list-units` knows of all in one go, and
# set $others to the rest of $names: `systemctl show` takes two thousandths of a second for each.
# InvocationID is where systemd leaves it for the journal; units that run have one, as old as their
# run. One that is hidden may run from another file, and one just started may crash all the time.
tell_running() {
    local name load active sub word link listed stats rest id since
    local ours='' jobs='' told='' found='' paths=''
    others=$names
    for name in $names; do ! is_here "$name" || ours="$ours $name"; done
    [ "$ours" ] || return 0
    listed=$(list $ours 2>/dev/null)
    if has_jobs "$listed"; then
        jobs=" $(systemctl list-jobs --no-legend -- $ours 2>&1) " || return 0
    fi
    while read -r name load active sub _; do
        case $name in
        UNIT) continue ;;
        *.*) word='' ;;
        *) break ;;
        esac
        case $load/$active/$jobs$hidden in
        *" $name "*) active=changing ;;
        loaded/active/*)
            link=$etc_links/$name
            [ -L "$link" ] || link=$run_links/$name
            ! is_our_link "$link" "$name" || word=$sub$link
            ;;
        esac
        if [ -L "$invocations:$name" ]; then
            found="$found $name/$word" paths="$paths $invocations:$name"
        elif [ $active != inactive ] && [ $active != failed ]; then
            begins_now "$name"
        fi
    done <<END
$listed
END
    [ "$found" ] || return 0
    stats=$(QUOTING_STYLE=shell-always stat -c '%N %Y' -- $paths 2>/dev/null) || : # in their order
    for word in $found; do
        name=${word%%/*} word=${word#*/} rest=${stats#*":$name' -> '"}
        if [ "$rest" = "$stats" ]; then
            begins_now "$name"
            continue
        fi
        stats=$rest id=${rest%%\'*} rest=${rest#*\' } since=${rest%%[!0-9]*}
        if is_known_run "$name" "$since" "$id" && [ "$word" ]; then
            say brief "$name" "${word%%/*}" "$id" "/${word#*/}"
            told="$told $name"
        fi
    done
    others=''
    for name in $names; do is_in "$name" "$told" || others="$others $name"; done
}

# The unit $1 does not run now: if it does when it is shown, it has just begun.
begins_now() { is_in "$1" "$watched" || say fresh "$1"; }

# $1 unit, $2 since when it runs, $3 invocation ID: is there nothing more to tell of this run? Of
# one that is watched there is not if it was watched from the start, of others once they are ten
# seconds old and no longer fresh.
is_known_run() {
    if is_in "$1" "$watched"; then
        case $before in *"InvocationID=$3"*) return 0 ;; esac
    else
        case $((wall - $2)) in # below zero: it has begun after $wall was read
        -[0-9] | [0-9]) say fresh "$1" ;;
        *) return 0 ;;
        esac
    fi
    return 1
}

invocations=/run/systemd/units/invocation

look_at_all() {
    local name boot record place
    tell_machine
    list_units
    for name in $names; do
        boot=no
        if [ -L "$boot_wants/$name" ] && [ -L "$boot_start" ]; then boot=yes; fi
        place=''
        if [ ! -f "$home/units/$name" ] && [ -f "$run_home/units/$name" ]; then
            place=run
            [ ! -f "$leased/$name" ] || place=leased
        fi
        read_record "$name"
        say unit "$name" "$boot" "${record:--}" $place
    done
    tell_hidden
    tell_strays
    tell_running
    say "$nonce sums"
    [ ! "$files" ] || say "$(sha256sum -- $files)"
    say "$nonce show"
    [ ! "$others" ] || { send && show "$properties" $others; }
}
"""
