"""Disposable real machines on this computer: systemd as pid 1 and sshd in Linux namespaces.

Rule 1: tests and scenarios know `lab.Lab` and `spec.LabSpec` only.
Rule 2: nothing outside the lab's own namespaces, bridge, cgroups, cache and run folder is touched.
Rule 3: whatever a lab makes has a name that follows from the lab's name, so that `lab down` finds
        it without any memory, also after a `kill -9` of `lab up` at any point.
Rule 4: what can vanish with the processes does: mounts and network namespaces have no name on the
        host and are gone when the machine's last process is.
"""
