"""sshfleet.target: what starts our launched units at boot. It goes with the last unit of ours."""

SCRIPT = r"""
boot_target=$home/sshfleet.target
boot_link=$etc_links/sshfleet.target

# Without default dependencies: they would order this target, and so multi-user.target, after each
# of our units, and one that is itself ordered after multi-user.target would close a circle.
boot_text='# Made by sshfleet; removed with its last unit.
[Unit]
Description=Units that sshfleet starts at boot
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
[Install]
WantedBy=multi-user.target'

# Make the target start at boot; false, with $words, when it cannot be had.
ready_boot_target() {
    words=''
    [ -e "$boot_link" ] || [ -L "$boot_link" ] || ln -s -- "$boot_target" "$boot_link" 2>/dev/null
    if ! leads_to "$boot_link" "$boot_target"; then
        words="the name sshfleet.target is taken by $boot_link"
        return 1
    fi
    words=$(mkdir -p -- "$boot_wants" "${boot_start%/*}" 2>&1) || return 1
    if [ -f "$boot_target" ] && [ "$(cat "$boot_target")" = "$boot_text" ] &&
        [ -L "$boot_link" ] && [ -L "$boot_start" ]; then return 0; fi
    dirty=yes
    words=$({
        printf '%s\n' "$boot_text" >"$new/.target" &&
            sync -- "$new/.target" &&
            mv -f -- "$new/.target" "$boot_target" &&
            ln -sf -- "$boot_target" "$boot_link" &&
            ln -sf -- "$boot_target" "$boot_start"
    } 2>&1)
}

# With the last unit of ours goes everything: an unused machine keeps no trace.
leave_nothing() {
    local any
    [ "$removes" ] || return 0
    set +f
    for any in "$home/units"/* "$run_home/units"/*; do
        if [ -e "$any" ] || [ -L "$any" ]; then set -f && return 0; fi
    done
    set -f
    ready_new || :
    if leads_to "$boot_link" "$boot_target"; then
        dirty=yes
        systemctl stop --no-block -- sshfleet.target >/dev/null 2>&1 || :
        # The link goes last: as long as it is there, the rest is still to be cleared away.
        rm -f -- "$boot_target" "$boot_start" "$boot_link"
        rmdir -- "${boot_start%/*}" 2>/dev/null || :
    fi
    [ ! -d "$boot_wants" ] || rmdir -- "$boot_wants" 2>/dev/null || :
    # With no unit left these tell nothing.
    rm -rf -- "$home/records" "$run_home/records" "$leased"
    rm -f -- "$run_home/lease" "$run_home/.lease" "$run_home/.guard"
}
"""
