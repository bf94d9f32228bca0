"""Put the guard and the marks of leased units in place; it travels only where some are installed.

Rule 1: a unit is marked before systemd can learn of it, and the timer runs before systemd learns
that a unit is bound to it: else a unit that runs already would be stopped.
"""

from sshfleet.systemd.sh.watchman import DROPIN_HEAD, GUARD_FILES

_TEXTS = "".join(
    f"guard_text_{number}='{text.removesuffix(chr(10))}'\n"
    for number, text in enumerate(GUARD_FILES.values(), 1)
)

SCRIPT = (
    "\n# shellcheck disable=SC2016 # the text of a script\n"
    + _TEXTS
    + f"dropin_head='{DROPIN_HEAD}'\n"
    + r"""
# Have the guard of this version there and at work: false, with $words, when it cannot be had.
ready_guard() {
    local name folder
    words='there is no flock (util-linux), which leases need'
    command -v flock >/dev/null || return 1
    words="systemd $version knows no ExecCondition=, which leases need"
    [ "${version%%[!0-9]*}" -ge 243 ] 2>/dev/null || return 1
    for name in service timer; do
        for folder in $unit_path; do
            [ "$folder" != "$run_links" ] || break
            words="the name sshfleet-guard.$name is taken by $folder/sshfleet-guard.$name"
            if [ -e "$folder/sshfleet-guard.$name" ] || [ -L "$folder/sshfleet-guard.$name" ]; then
                return 1
            fi
        done
    done
    words=$(mkdir -p -- "$leased" 2>&1) || return 1
    if [ "$(cat -- $guard_files 2>/dev/null)" != "$(guard_texts)" ]; then
        dirty=yes
        ready_new || return 1
        words=$(write_guard $guard_files 2>&1) || return 1
        systemctl daemon-reload >/dev/null 2>&1 || : # it may have known an older one
    fi
    words=$(systemctl start -- sshfleet-guard.timer 2>&1)
}

guard_texts() {
    printf '%s\n' "$guard_text_1" "$guard_text_2" "$guard_text_3" "$guard_text_4"
}

# The script comes first, for it says that the rest is to be cleared away.
write_guard() {
    local text
    for text in "$guard_text_1" "$guard_text_2" "$guard_text_3" "$guard_text_4"; do
        printf '%s\n' "$text" >"$run_home/.guard" && mv -f -- "$run_home/.guard" "$1" || return 1
        shift
    done
}

# Set $wanted_dropin to what the word taken apart last asks for.
wanted_dropin() {
    wanted_dropin=$dropin_head$generation
    [ "$guard" = - ] || wanted_dropin="$wanted_dropin
TimeoutStopSec=$guard"
}

# Does the unit of the word taken apart last have its mark and drop-in?
is_guarded() {
    local line text=''
    [ -f "$leased/$name" ] && [ -f "$run_links/$name.d/$lease_dropin" ] || return 1
    while read -r line; do
        text="$text${text:+
}$line"
    done <"$run_links/$name.d/$lease_dropin"
    wanted_dropin
    [ "$text" = "$wanted_dropin" ]
}

# Tell systemd what the units of the words need that are to have a lease.
guard_units() {
    local word words folders=''
    for word in "$@"; do
        fields "$word"
        [ "$guard" = no ] || folders="$folders $run_links/$name.d"
    done
    [ "$folders" ] || return 0
    mkdir -p -- $folders 2>/dev/null || : # what is missing is seen below
    for word in "$@"; do
        fields "$word"
        [ "$guard" != no ] || continue
        wanted_dropin
        printf '%s\n' "$wanted_dropin" 2>/dev/null >"$run_links/$name.d/$lease_dropin" ||
            fail install "$name" 'the drop-in of its lease could not be stored'
    done
}
"""
)
