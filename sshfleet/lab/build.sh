# shellcheck shell=sh
# Build a root file system into the folder $ROOT. Run by roots.py as pid 1 of its own pid and mount
# namespaces: killing it ends every process and undoes every mount it made.
#   build.sh base SUITE [MIRROR]    debootstrap into the empty folder $ROOT (no mirror: its default)
#   build.sh docker LAYER LOWER...  write into the empty folder LAYER what docker adds to the roots
#   build.sh podman LAYER LOWER...  below it, and what podman adds; the topmost LOWER comes first
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Units that cannot do anything useful in a machine of the lab, would reach for the host, or wake up.
useless='systemd-sysctl.service systemd-modules-load.service
    systemd-remount-fs.service systemd-pstore.service systemd-hibernate-clear.service
    systemd-journald-audit.socket systemd-journal-catalog-update.service ldconfig.service
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount
    dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount
    sys-kernel-config.mount sys-fs-fuse-connections.mount modprobe@.service
    getty.target getty-static.service console-getty.service systemd-ask-password-console.path
    systemd-ask-password-wall.path systemd-networkd-wait-online.service
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
    e2scrub_reap.service fstrim.timer man-db.timer motd-news.timer systemd-tmpfiles-clean.timer'

base() {
    packages=systemd,systemd-sysv,dbus,openssh-server,sudo
    # Not for sshfleet: for tests that play with the network, need a web server, or look around.
    packages=$packages,iproute2,iptables,busybox-static,procps
    # shellcheck disable=SC2086 # no mirror, no argument: debootstrap has its own default
    debootstrap --variant=minbase --include="$packages" "$1" "$ROOT" ${2:-}
    # Identities belong to machines, not to the root they share.
    rm -f "$ROOT"/etc/ssh/ssh_host_* "$ROOT/etc/machine-id" "$ROOT/var/lib/dbus/machine-id"
    rm -rf "$ROOT"/var/cache/apt/*.bin "$ROOT"/var/cache/apt/archives/*.deb
    rm -f "$ROOT/etc/hostname" "$ROOT/etc/resolv.conf"
    : >"$ROOT/etc/resolv.conf"
    chroot "$ROOT" useradd --uid 1000 --create-home --shell /bin/bash core
    # "*" and not "!": sshd takes a locked account for one that may not log in by key either.
    chroot "$ROOT" usermod --password '*' core
    echo 'core ALL=(ALL) NOPASSWD: ALL' >"$ROOT/etc/sudoers.d/core"
    chmod 0440 "$ROOT/etc/sudoers.d/core"
    mkdir -p "$ROOT/etc/systemd/journald.conf.d"
    # A unit that prints in a tight loop must not fill this computer's disk.
    printf '%s\n' '[Journal]' SystemMaxUse=16M SystemMaxFileSize=4M RuntimeMaxUse=8M \
        RateLimitIntervalSec=10s RateLimitBurst=2000 Audit=no ReadKMsg=no \
        >"$ROOT/etc/systemd/journald.conf.d/lab.conf"
    # shellcheck disable=SC2086 # a list of words
    chroot "$ROOT" systemctl --quiet mask $useless
    uptodate
}

# Tell systemd that /etc and /var fit /usr, or each machine does the first-boot chores again.
uptodate() {
    touch "$ROOT/etc/.updated" "$ROOT/var/.updated"
}

# Mount the layer $1 as $ROOT over the roots below it, fit to run programs in.
open_layer() {
    # Relative paths: a comma or colon in an absolute one would end an option.
    cd "$1/.."
    layer=${1##*/} lowers='' count=0
    shift
    for lower in "$@"; do
        count=$((count + 1))
        ln -s "$lower" lower$count
        lowers=$lowers${lowers:+:}lower$count
    done
    mount -t overlay overlay -o "lowerdir=$lowers,upperdir=$layer,workdir=work" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    mount -t sysfs -o ro sysfs "$ROOT/sys"
    mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
    mount --rbind /dev "$ROOT/dev"
    mount -t tmpfs tmpfs "$ROOT/run"
    mount -t tmpfs tmpfs "$ROOT/tmp"
}

apt() {
    chroot "$ROOT" apt-get -q -y -o Dpkg::Options::=--force-unsafe-io -o Acquire::Retries=3 "$@"
}

# Let packages be installed, but nothing started.
open_apt() {
    printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
    chmod 0755 "$ROOT/usr/sbin/policy-rc.d"
    cat /etc/resolv.conf >"$ROOT/etc/resolv.conf"
    apt update
}

close_apt() {
    apt clean
    : >"$ROOT/etc/resolv.conf"
    rm "$ROOT/usr/sbin/policy-rc.d"
}

docker() {
    open_layer "$@"
    open_apt
    # From trixie on the command `docker` is a package of its own.
    # shellcheck disable=SC2046 # two words or one
    apt --no-install-recommends install docker.io $(chroot "$ROOT" apt-cache pkgnames docker-cli)
    close_apt
    printf '%s\n' '{"storage-driver": "vfs", "log-driver": "json-file",' \
        ' "log-opts": {"max-size": "1m", "max-file": "1"}}' >"$ROOT/etc/docker/daemon.json"
    # A container that loops yields to the machine's own services, and to this computer's.
    for service in docker containerd; do
        mkdir -p "$ROOT/etc/systemd/system/$service.service.d"
        printf '%s\n' '[Service]' Nice=10 >"$ROOT/etc/systemd/system/$service.service.d/lab.conf"
    done
    # In a network of its own: the bridge docker0 must not appear on this computer.
    unshare --net sh "$0" image
    rm -f "$ROOT/var/lib/docker/engine-id"
    uptodate
}

# Let dockerd itself lay down the image `busybox`, so that a machine has it from its first second.
image() {
    chroot "$ROOT" dockerd --bridge=none --iptables=false >"$ROOT/tmp/dockerd.log" 2>&1 &
    daemon=$!
    tries=0
    until chroot "$ROOT" docker info >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries = 300 ] || ! kill -0 $daemon; then
            tail -n 20 "$ROOT/tmp/dockerd.log" >&2
            exit 1
        fi
        sleep 0.1
    done
    image_archive | chroot "$ROOT" docker import --change 'CMD ["sh"]' - busybox
    kill $daemon
    wait $daemon || :
}

podman() {
    open_layer "$@"
    open_apt
    # Not crun, the other choice: it insists on raising limits, which root may not do in every lab.
    apt --no-install-recommends install podman runc
    close_apt
    chroot "$ROOT" systemctl --quiet mask podman.service podman.socket podman-auto-update.service \
        podman-auto-update.timer podman-restart.service podman-clean-transient.service
    mkdir -p "$ROOT/etc/containers"
    printf '%s\n' '[storage]' 'driver = "vfs"' 'graphroot = "/var/lib/containers/storage"' \
        'runroot = "/run/containers/storage"' >"$ROOT/etc/containers/storage.conf"
    # A network of its own needs programs that only recommended packages bring, a limit of processes
    # a controller that a hybrid tree does not offer.
    printf '%s\n' '[containers]' 'netns = "host"' 'pids_limit = 0' \
        >"$ROOT/etc/containers/containers.conf"
    image_archive | chroot "$ROOT" podman import --change 'CMD ["sh"]' - docker.io/library/busybox
    uptodate
}

# Print the image `busybox` as an archive.
image_archive() {
    mkdir -p "$ROOT/tmp/image/bin"
    for name in $("$ROOT/bin/busybox" --list); do
        ln -s busybox "$ROOT/tmp/image/bin/$name"
    done
    rm -f "$ROOT/tmp/image/bin/busybox" # the list names busybox itself
    cp "$ROOT/bin/busybox" "$ROOT/tmp/image/bin/"
    tar -C "$ROOT/tmp/image" -c .
}

"$@"
