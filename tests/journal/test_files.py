import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from sshfleet.errors import InventoryError, JournalError
from sshfleet.journal.files import Folder, default_path, read_all

HOME = {"HOME": "/home/core"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder.open(tmp_path / "demo", create=True) as opened:
        yield opened


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refusal(path: Path) -> JournalError:
    with pytest.raises(JournalError) as caught:
        Folder.open(path, create=True)
    return caught.value


def test_the_default_is_below_the_state_folder_of_the_user() -> None:
    path = default_path("demo", {**HOME, "XDG_STATE_HOME": "/var/state"})
    assert path == Path("/var/state/sshfleet/demo/journal.jsonl")
    for unusable in ("", "relative/state"):
        path = default_path("demo", {**HOME, "XDG_STATE_HOME": unusable})
        assert path == Path("/home/core/.local/state/sshfleet/demo/journal.jsonl")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", ".hidden", "a\n", "a" * 65])
def test_a_fleet_whose_name_cannot_name_a_folder_is_refused(name: str) -> None:
    with pytest.raises(InventoryError):
        default_path(name, HOME)


def test_without_a_home_the_journal_has_no_place() -> None:
    with pytest.raises(JournalError, match="no home folder") as caught:
        default_path("demo", {})
    assert "--journal" in caught.value.hint


def test_a_missing_folder_is_made_for_us_alone_with_a_readme(tmp_path: Path) -> None:
    path = tmp_path / "state" / "sshfleet" / "demo"
    usual = os.umask(0)
    Folder.open(path, create=True).close()
    os.umask(usual)
    assert [mode(made) for made in (path, path.parent, path.parent.parent)] == [0o700] * 3
    assert mode(path / "README") == 0o600
    assert "docs/journal.md" in (path / "README").read_text()


def test_a_folder_that_was_there_gets_no_readme(tmp_path: Path) -> None:
    Folder.open(tmp_path, create=True).close()
    assert list(tmp_path.iterdir()) == []


def test_readers_make_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Folder.open(tmp_path / "demo")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_others_can_read_is_accepted(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Folder.open(tmp_path).close()


def test_a_folder_like_tmp_or_of_a_private_group_is_accepted(tmp_path: Path) -> None:
    os.chown(tmp_path, -1, os.geteuid() if os.geteuid() == 0 else tmp_path.stat().st_gid)
    tmp_path.chmod(0o1777)
    Folder.open(tmp_path).close()
    if tmp_path.stat().st_gid == tmp_path.stat().st_uid:
        tmp_path.chmod(0o770)
        Folder.open(tmp_path).close()


@pytest.mark.parametrize("bits", [0o777, 0o707])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, bits: int) -> None:
    tmp_path.chmod(bits)
    error = refusal(tmp_path)
    assert f"mode {bits:04o}" in error.message
    assert error.hint.endswith(f"chmod go-w {tmp_path}")
    assert error.place == str(tmp_path)
    assert error.exit_code == 74


def test_a_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "link").symlink_to("real")
    assert "symbolic link" in refusal(tmp_path / "link").hint
    (tmp_path / "nowhere").symlink_to("missing")
    assert "symbolic link" in refusal(tmp_path / "nowhere").hint


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "no folder" in refusal(tmp_path / "file").hint
    assert "make the journal's folder" in refusal(tmp_path / "file" / "demo").message


def test_files_are_made_for_us_alone(folder: Folder) -> None:
    os.close(folder.open_file("new", os.O_RDWR | os.O_CREAT))
    folder.stage("staged", b"text")
    assert mode(folder.path / "new") == mode(folder.path / "staged") == 0o600


def test_a_file_that_others_may_write_to_is_refused(folder: Folder) -> None:
    (folder.path / "journal.jsonl").write_text("")
    (folder.path / "journal.jsonl").chmod(0o620)
    with pytest.raises(JournalError, match="mode 0620") as caught:
        folder.open_file("journal.jsonl", os.O_RDONLY)
    assert "chmod go-w" in caught.value.hint


def test_links_pipes_and_folders_are_no_files(folder: Folder) -> None:
    (folder.path / "real").write_text("")
    (folder.path / "link").symlink_to("real")
    os.mkfifo(folder.path / "pipe", 0o600)
    (folder.path / "folder").mkdir(0o700)
    for name in ("link", "pipe", "folder"):
        with pytest.raises(JournalError):
            folder.open_file(name, os.O_RDONLY)
    with pytest.raises(JournalError) as caught:
        folder.open_file("link", os.O_RDWR | os.O_CREAT)
    assert "symbolic link" in caught.value.hint


def test_no_open_file_is_left_after_a_refusal(folder: Folder) -> None:
    (folder.path / "folder").mkdir(0o700)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(JournalError):
        folder.open_file("folder", os.O_RDONLY)
    folder.path.chmod(0o777)
    refusal(folder.path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_opened_files_are_not_inherited(folder: Folder) -> None:
    fd = folder.open_file("new", os.O_RDWR | os.O_CREAT)
    assert not os.get_inheritable(fd)
    os.close(fd)


def test_staging_replaces_what_a_crash_left_over(folder: Folder) -> None:
    (folder.path / "staged").write_text("half of an old")
    folder.stage("staged", b"new")
    folder.rename("staged", "final")
    assert (folder.path / "final").read_bytes() == b"new"
    assert not (folder.path / "staged").exists()


def test_a_name_means_another_file_once_it_was_replaced(folder: Folder) -> None:
    fd = folder.open_file("new", os.O_RDWR | os.O_CREAT)
    assert folder.is_at("new", fd)
    folder.stage("other", b"")
    folder.rename("other", "new")
    assert not folder.is_at("new", fd)
    folder.remove("new")
    assert not folder.is_at("new", fd)
    os.close(fd)


def test_a_file_is_read_from_its_start_wherever_it_was_left(folder: Folder) -> None:
    (folder.path / "file").write_bytes(b"0123456789")
    fd = folder.open_file("file", os.O_RDONLY)
    os.lseek(fd, 5, os.SEEK_SET)
    assert read_all(fd) == b"0123456789"
    os.close(fd)


def test_of_two_who_make_the_folder_at_once_only_one_writes_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fleet"

    def missing(asked: Path) -> bool:
        if asked == path:
            path.mkdir(mode=0o700)  # by the other one, as soon as we have looked
        return asked != path

    monkeypatch.setattr(os.path, "lexists", missing)
    Folder.open(path, create=True).close()

    assert list(path.iterdir()) == []
