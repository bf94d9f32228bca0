"""Which file system a folder is on: locks and fsync of network file systems cannot be trusted.

Linux tells it exactly: /proc/self/fdinfo/N names the mount of an open file, /proc/self/mountinfo
the type of each mount (proc(5)). Elsewhere the type stays unknown, and unknown is let pass.
"""

import re
from pathlib import Path

# Alternatives of one pattern; FUSE has a type for each of its programs, such as fuse.sshfs.
_ELSEWHERE = re.compile(
    "9p|acfs|afs|beegfs|ceph|cifs|coda|drvfs|fhgfs|fuse.*|gfs2|glusterfs|gpfs|lustre|ncpfs|nfs4?"
    "|ocfs2|orangefs|panfs|prl_fs|pvfs2|smb3|smbfs|vboxsf|virtiofs|vmhgfs"
)


def may_be_elsewhere(fs_type: str) -> bool:
    """Tell whether another computer, or a program, may stand behind a type of file system."""
    return bool(_ELSEWHERE.fullmatch(fs_type))


def fs_type_of(fd: int) -> str:
    """Return the type of the file system an open file is on, or nothing when it is not told."""
    try:
        fdinfo = Path(f"/proc/self/fdinfo/{fd}").read_text()
        mountinfo = Path("/proc/self/mountinfo").read_text(errors="replace")
    except OSError:
        return ""
    mount = re.search(r"^mnt_id:\s*(\d+)$", fdinfo, re.MULTILINE)
    return fs_type_in(mountinfo, mount[1]) if mount else ""


def fs_type_in(mountinfo: str, mount: str) -> str:
    """Return the type of one mount, by its number, from the text of /proc/PID/mountinfo."""
    for line in mountinfo.splitlines():
        if line.startswith(mount + " "):
            # Blanks within fields are written \040, so " - " stands only before the type.
            return line.partition(" - ")[2].partition(" ")[0]
    return ""
