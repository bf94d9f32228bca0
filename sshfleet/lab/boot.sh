# shellcheck shell=sh
# Boot one machine: sh boot.sh launch, with the settings below in the environment. Four stages, each
# one namespace deeper: launch (the host's) -> plug (network) -> enter (pid, mount, uts, ipc) ->
# become (cgroup), which turns into systemd. machine.py says what each setting is.
#   LAB_CGROUP LAB_CPU LAB_BRIDGE LAB_LINK LAB_MAC LAB_ADDRESS LAB_NAME LAB_LOWER LAB_DISK
#   LAB_SHARED LAB_SHARED_AS LAB_CAPABILITIES
# The working directory is the cache folder; LAB_LOWER and LAB_DISK are relative to it, because a
# comma or colon in an absolute path would end an overlay option.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

launch() {
    echo 0 >"$LAB_CGROUP/launcher/cgroup.procs"
    [ -z "$LAB_CPU" ] || echo 0 >"$LAB_CPU/cgroup.procs"
    # A machine that reboots itself ends its pid namespace by SIGHUP (pid_namespaces(7)): 129 here.
    # Its network is made anew too, as the wires of a real machine go silent meanwhile.
    while :; do
        ip link delete "$LAB_LINK" 2>/dev/null || :
        code=0
        unshare --net sh "$0" plug $$ || code=$?
        [ $code = 129 ] || exit $code
    done
}

plug() {
    # The same hardware address at each boot: nobody has to wait until neighbours forget the old one.
    nsenter --net="/proc/$1/ns/net" ip -batch - <<END
link add $LAB_LINK type veth peer name eth0 address $LAB_MAC netns $$
link set $LAB_LINK master $LAB_BRIDGE up
END
    ip -batch - <<END
link set lo up
address add $LAB_ADDRESS/24 dev eth0
link set eth0 up
END
    exec unshare --mount --pid --fork --kill-child --uts --ipc sh "$0" enter
}

enter() {
    # A folder of its own, without the launcher: systemd can only share out controllers of a cgroup
    # that holds no process itself (cgroups(7), "no internal processes").
    echo 0 >"$LAB_CGROUP/machine/cgroup.procs"
    exec unshare --cgroup sh "$0" become
}

become() {
    root=$LAB_DISK/root
    # redirect_dir: renaming a folder that came with the root works as on any disk (dockerd does it).
    mount -t overlay overlay -o redirect_dir=on -o \
        "lowerdir=$LAB_LOWER,upperdir=$LAB_DISK/upper,workdir=$LAB_DISK/work" "$root"
    cd "$root"
    mount -t proc -o nosuid,nodev,noexec proc proc
    # The kernel's settings are the host's, all but those of the machine's own network.
    mount --bind proc/sys proc/sys
    mount --bind proc/sys/net proc/sys/net
    mount -o remount,bind,ro proc/sys
    [ ! -e proc/sysrq-trigger ] || mount --bind /dev/null proc/sysrq-trigger
    mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
    mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=0755,nosuid,nodev,size=256m tmpfs run
    mount -t tmpfs -o mode=1777,nosuid,nodev,size=256m tmpfs tmp
    # Each boot has an ID of its own, as on hardware (systemd-nspawn does it like this, too).
    cat proc/sys/kernel/random/uuid >run/boot-id
    mount --bind run/boot-id proc/sys/kernel/random/boot_id
    mount -o remount,bind,ro proc/sys/kernel/random/boot_id
    rm run/boot-id
    devices
    share
    hostname "$LAB_NAME"
    mkdir run/host-root
    pivot_root . run/host-root
    umount --lazy /run/host-root
    rmdir /run/host-root
    exec env -i container=lab PATH="$PATH" setpriv --bounding-set "$LAB_CAPABILITIES" /sbin/init
}

# One kernel under all machines: who holds a lock on a file in that folder holds it on all of them.
share() {
    [ "$LAB_SHARED" ] || return 0
    mkdir -p "$PWD$LAB_SHARED_AS"
    mount --bind "$LAB_SHARED" "$PWD$LAB_SHARED_AS"
}

devices() {
    mount -t tmpfs -o mode=0755,nosuid,size=64m tmpfs dev
    for node in null zero full random urandom tty; do
        : >"dev/$node"
        mount --bind "/dev/$node" "dev/$node"
    done
    mkdir dev/pts dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
    mount -t tmpfs -o mode=1777,nosuid,nodev,size=64m tmpfs dev/shm
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    ln -s /proc/self/fd/0 dev/stdin
    ln -s /proc/self/fd/1 dev/stdout
    ln -s /proc/self/fd/2 dev/stderr
}

"$@"
