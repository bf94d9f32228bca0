import os
import subprocess

import pytest

from sshfleet.journal.mounts import fs_type_in, fs_type_of, may_be_elsewhere

MOUNTINFO = """\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 24 0:27 / /home rw,relatime shared:7 master:1 - nfs4 server:/home rw,vers=4.2
310 24 0:31 / /mnt/with\\040-\\040blank rw - fuse.sshfs core@host:/ rw,user_id=0
"""


def test_the_type_is_that_of_the_mount_with_the_number() -> None:
    assert fs_type_in(MOUNTINFO, "24") == "ext4"
    assert fs_type_in(MOUNTINFO, "31") == "nfs4"
    assert fs_type_in(MOUNTINFO, "310") == "fuse.sshfs"
    assert fs_type_in(MOUNTINFO, "3") == ""


@pytest.mark.parametrize("fs_type", ["nfs", "nfs4", "cifs", "smb3", "fuse", "fuse.sshfs", "9p"])
def test_locks_of_network_file_systems_are_not_trusted(fs_type: str) -> None:
    assert may_be_elsewhere(fs_type)


@pytest.mark.parametrize("fs_type", ["", "ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "nfsd"])
def test_local_file_systems_are_trusted(fs_type: str) -> None:
    assert not may_be_elsewhere(fs_type)


@pytest.mark.parametrize("place", ["/", "/proc", "/dev", "/sys"])
def test_the_type_of_an_open_folder_is_what_the_system_says(place: str) -> None:
    asked = subprocess.run(
        ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", place],
        check=True,
        capture_output=True,
        text=True,
    )
    fd = os.open(place, os.O_RDONLY)
    assert fs_type_of(fd) == asked.stdout.split()[-1]
    os.close(fd)
