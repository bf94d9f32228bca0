"""Tell how the machine and the units on it are."""

SCRIPT = r"""
home=/etc/sshfleet
units=$home/units
records=$home/records
runtime_units=/run/sshfleet/units
links=/etc/systemd/system
runtime_links=/run/systemd/system

locked=$runtime_links # by who changes the machine: a folder that is always there
boot_wants=$links/sshfleet.target.wants
boot_start=$links/multi-user.target.wants/sshfleet.target

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
    [ "$unit_path" ] || unit_path="$links $runtime_links /usr/lib/systemd/system"
}

# Is $1 a link that leads to $2? (Only a link to nothing has to be read, which is a fork.)
leads_to() {
    [ -L "$1" ] && { [ "$1" -ef "$2" ] || { [ ! -e "$1" ] && [ "$(readlink -- "$1")" = "$2" ]; }; }
}

# Is $1 a drop-in of our unit $2, linked from our folder? (Others may put what they like beside it.)
is_our_dropin() { is_word "${1##*/}" && leads_to "$1" "$units/$2.d/${1##*/}"; }

# Has $1 only the characters of names?
is_word() {
    case $1 in
    *[!A-Za-z0-9:_.\\@-]*) return 1 ;;
    esac
}

# Is the file $1 a link to our unit $2?
is_our_link() { leads_to "$1" "$units/$2" || leads_to "$1" "$runtime_units/$2"; }

# Set $record to the one line beside the unit $1, empty when there is none.
read_record() {
    record=''
    if [ -f "$records/$1" ]; then read -r record <"$records/$1" || :; fi
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
    for file in "$units"/* "$runtime_units"/*; do
        name=${file##*/}
        if [ ! -f "$file" ] || [ -L "$file" ] || ! is_showable "$name"; then continue; fi
        case $file in
        "$runtime_units"/*) [ ! -f "$units/$name" ] || continue ;;
        esac
        names="$names $name" files="$files $file"
        for dropin in "$links/$name.d"/*.conf; do
            if [ -e "$dropin" ] && is_our_dropin "$dropin" "$name"; then files="$files $dropin"; fi
        done
    done
    set -f
    for name in $asked; do
        [ -f "$units/$name" ] || [ -f "$runtime_units/$name" ] || names="$names $name"
    done
}

properties=Id,LoadState,ActiveState,SubState,Result,Type,InvocationID,NRestarts,ExecMainStatus
properties=$properties,Job,FragmentPath,UnitFileState

tell_machine() {
    local id='' boot='' up='' memory='' line os='' owner=''
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
    [ "$claim" ] || flock -ns $locked true || [ $? != 1 ] || say busy yes
}

# Tell of the units of ours that simply run what `systemctl list-units` knows of all in one go, and
# set $others to the rest of $names: `systemctl show` takes two thousandths of a second for each.
# InvocationID is where systemd leaves it for the journal; units that run have one.
tell_running() {
    local name load active sub jobs word told brief='' ids='' paths=''
    others=$names
    [ "$names" ] || return 0
    jobs=" $(systemctl list-jobs --no-legend -- $names 2>&1) " || return 0
    while read -r name load active sub _; do
        case $load/$active/$jobs in
        *" $name "*) ;;
        loaded/active/*)
            if is_our_link "$links/$name" "$name" && [ -L "$invocations:$name" ]; then
                brief="$brief $name/$sub" paths="$paths $invocations:$name"
            fi
            ;;
        esac
    done <<END
$(systemctl list-units --all --full --plain --no-legend -- $names 2>/dev/null)
END
    [ "$brief" ] && ids=$(readlink -- $paths) || return 0
    set -- $ids
    told=''
    for word in $brief; do
        name=${word%/*}
        if is_same_run "$name" "$1"; then
            say brief "$name" "${word#*/}" "$1" "$links/$name"
            told="$told $name"
        fi
        shift
    done
    others=''
    for name in $names; do is_in "$name" "$told" || others="$others $name"; done
}

# $1 unit, $2 invocation ID: of what is watched and was started anew meanwhile, more must be told.
is_same_run() {
    is_in "$1" "$watched" || return 0
    case $before in
    *"InvocationID=$2"*) ;;
    *) return 1 ;;
    esac
}

invocations=/run/systemd/units/invocation

look_at_all() {
    local name boot record
    tell_machine
    list_units
    for name in $names; do
        boot=no
        if [ -L "$boot_wants/$name" ] && [ -L "$boot_start" ]; then boot=yes; fi
        read_record "$name"
        say unit "$name" "$boot" "${record:--}"
    done
    tell_running
    printf '%s sums\n' "$nonce"
    [ ! "$files" ] || sha256sum -- $files
    printf '%s show\n' "$nonce"
    show "$properties" $others
}
"""
