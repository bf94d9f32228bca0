import errno
import os
import stat
from pathlib import Path

import pytest

from sshfleet.errors import JournalError
from sshfleet.journal.trust import check_local, check_owner_and_mode, told_as_journal_error

PATH = Path("/my state/journal.jsonl")


def status(uid: int, mode: int = 0o600) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | mode, 1, 1, 1, uid, uid, 0, 0, 0, 0))


def test_what_is_ours_or_the_systems_is_trusted() -> None:
    check_owner_and_mode(status(os.geteuid()), PATH)
    check_owner_and_mode(status(0, 0o644), PATH)


def test_what_belongs_to_somebody_else_is_refused() -> None:
    with pytest.raises(JournalError, match="belongs to user 12345") as caught:
        check_owner_and_mode(status(12345), PATH)
    assert caught.value.hint.endswith(f"chown {os.geteuid()} '/my state/journal.jsonl'")


def test_what_others_may_write_to_is_refused() -> None:
    for mode in (0o620, 0o602, 0o666):
        with pytest.raises(JournalError, match=f"mode {mode:04o}"):
            check_owner_and_mode(status(os.geteuid(), mode), PATH)


def test_a_network_file_system_is_refused_by_name() -> None:
    check_local("ext4", PATH)
    with pytest.raises(JournalError, match="nfs4") as caught:
        check_local("nfs4", PATH)
    assert caught.value.exit_code == 74
    assert "--journal" in caught.value.hint


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "full"), (errno.EROFS, "read-only"), (errno.EIO, "dmesg")],
)
def test_an_error_of_the_system_says_what_to_do(number: int, words: str) -> None:
    with pytest.raises(JournalError) as caught, told_as_journal_error("write the journal", PATH):
        raise OSError(number, "whatever")
    assert caught.value.message == f"cannot write the journal: {os.strerror(number)}"
    assert caught.value.place == str(PATH)
    assert words in caught.value.hint
