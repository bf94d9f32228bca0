"""A journal on a network file system: the kernel is made to say so, all else is real."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.test_wrong_input import INVENTORY, is_refused
from tests.lab.user import Ended, User

# Of this process alone, and of what it becomes: every mount is one of NFS.
ON_NFS = r"""
sed 's/ - [^ ]* / - nfs4 /' "/proc/$$/mountinfo" >mounts &&
    mount --bind mounts "/proc/$$/mountinfo" && exec "$@"
"""


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSH_AUTH_SOCK": "", "SSHFLEET_JOURNAL": "j/journal.jsonl"})
    someone.writes("inventory.yaml", INVENTORY)
    return someone


def on_nfs(user: User, *words: str, **variables: str) -> Ended:
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", ON_NFS, "sh", *user.command(*words)],
        cwd=user.folder,
        env={**user.variables, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr, seconds=0)


def test_a_journal_there_is_refused_unless_the_user_insists(user: User) -> None:
    refused = on_nfs(user, "cordon", "one")
    is_refused(refused, 74, "j: the journal's folder is on a network file system (nfs4)")
    assert "--allow-network-fs" in refused.stderr.splitlines()[1]
    assert not (user.folder / "j/journal.jsonl").exists()

    insisted = on_nfs(user, "cordon", "one", "--allow-network-fs")
    assert (insisted.code, insisted.stdout) == (0, "Machine one cordoned\n"), insisted
    insisted = on_nfs(user, "cordon", "two", SSHFLEET_ALLOW_NETWORK_FS="1")
    assert (insisted.code, insisted.stdout) == (0, "Machine two cordoned\n"), insisted


def test_reading_one_there_needs_no_word(user: User) -> None:
    user.gets("cordon", "one")
    read = on_nfs(user, "history", "--fields", "what", "--no-legend")
    assert (read.code, read.stdout) == (0, "the journal begins\ncordoned\n"), read
