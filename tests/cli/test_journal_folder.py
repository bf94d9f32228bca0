"""A journal that others could have had a hand in is refused, and what the hint says mends it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sshfleet.cli.app import run
from tests.cli.test_wrong_input import INVENTORY, is_refused
from tests.lab.user import Ended

Runs = Callable[..., Ended]
Spoil = Callable[[Path], None]


@pytest.fixture
def runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Runs:
    """Give what runs a command in this process, in a folder with an inventory and a journal."""
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    monkeypatch.chdir(tmp_path)

    def ended(*words: str, journal: str = "j/journal.jsonl") -> Ended:
        code = run([*words, "--journal", journal])
        return Ended(code, *capsys.readouterr(), seconds=0)

    assert ended("cordon", "one").code == 0
    return ended


def set_mode(name: str, mode: int) -> Spoil:
    return lambda folder: (folder / name).chmod(mode)


def give_away(name: str) -> Spoil:
    return lambda folder: os.chown(folder / name, 4711, -1)


MENDED_BY_COMMAND = {
    "a folder that all may write to": set_mode(".", 0o777),
    "a journal that all may write to": set_mode("journal.jsonl", 0o666),
    "a journal that a group may write to": set_mode("journal.jsonl", 0o660),
    "a lock that all may write to": set_mode("journal.jsonl.lock", 0o622),
}
if os.geteuid() == 0:  # who else could give files away?
    MENDED_BY_COMMAND |= {
        "somebody's folder": give_away("."),
        "somebody's journal": give_away("journal.jsonl"),
        "somebody's lock": give_away("journal.jsonl.lock"),
    }


@pytest.mark.parametrize("what", MENDED_BY_COMMAND)
def test_what_is_not_ours_alone_is_refused_until_the_command_of_the_hint_was_run(
    runs: Runs, tmp_path: Path, what: str
) -> None:
    MENDED_BY_COMMAND[what](tmp_path / "j")
    before = (tmp_path / "j/journal.jsonl").read_bytes()

    refused = runs("cordon", "two")
    is_refused(refused, 74, str(Path("j")))
    assert (tmp_path / "j/journal.jsonl").read_bytes() == before
    if "lock" not in what:  # readers do not touch it
        is_refused(runs("list-machines", "--cached", "--quiet"), 74, str(Path("j")))

    _, command = refused.stderr.strip().rsplit(": ", 1)
    assert command.startswith(("chmod ", "chown "))
    subprocess.run(command, shell=True, check=True)  # noqa: S602 - as a user pastes it
    assert runs("cordon", "two").stdout == "Machine two cordoned\n"


def test_a_link_to_a_folder_is_refused_and_the_real_path_taken(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("j")
    for words in (("cordon", "two"), ("history",)):
        refused = runs(*words, journal="link/journal.jsonl")
        is_refused(refused, 74, "link: cannot open the journal's folder")
        assert "a symbolic link to one: give --journal the real path" in refused.stderr
    assert runs("cordon", "two").code == 0


def test_a_link_to_a_journal_is_refused_and_the_real_path_taken(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "k").mkdir(0o700)
    (tmp_path / "k/journal.jsonl").symlink_to("../j/journal.jsonl")
    for words in (("cordon", "two"), ("history",)):
        refused = runs(*words, journal="k/journal.jsonl")
        is_refused(refused, 74, "k/journal.jsonl: cannot open")
        assert "it is a symbolic link: give --journal the path it points to" in refused.stderr
    assert runs("cordon", "two").code == 0


def test_a_link_in_the_place_of_the_lock_is_refused_until_it_is_removed(
    runs: Runs, tmp_path: Path
) -> None:
    (tmp_path / "j/journal.jsonl.lock").rename(tmp_path / "moved")
    (tmp_path / "j/journal.jsonl.lock").symlink_to(tmp_path / "moved")
    refused = runs("cordon", "two")
    is_refused(refused, 74, "j/journal.jsonl.lock: cannot open")
    assert "or remove the link" in refused.stderr
    (tmp_path / "j/journal.jsonl.lock").unlink()
    assert runs("cordon", "two").code == 0


def test_everything_is_made_for_us_alone(runs: Runs, tmp_path: Path) -> None:
    usual = os.umask(0)
    try:
        assert runs("cordon", "two", journal="new/deep/journal.jsonl").code == 0
    finally:
        os.umask(usual)
    made = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert len(made) > 3
    for path in made:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
