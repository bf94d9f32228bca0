"""What completion offers, and what it costs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sshfleet.cli import completion_table, names
from sshfleet.cli.app import run
from sshfleet.cli.completion import TABLE, answer, completions

INVENTORY = "machines:\n  core-01: {address: 127.0.0.1}\n  core-02: {address: 127.0.0.2}\n"
UNIT = "[Service]\nExecStart=/bin/true\n"
SLOW = {"typer", "asyncssh", "rich", "yaml", "msgspec", "asyncio", "re", "pathlib", "json", "enum"}


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with an inventory, of which a command has been run."""
    for name, folder in (("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "inventory.yaml").write_text(INVENTORY)
    for name in ("web@.service", "db.service"):
        (work / name).write_text(UNIT)
    assert run(["submit", "web@.service", "db.service"]) == 0
    for name in ("web@.service", "db.service"):
        (work / name).unlink()
    assert run(["list-units", "--cached", "--quiet"]) == 0
    return work


def test_the_table_is_that_of_the_verbs() -> None:
    assert Path(TABLE).read_text() == completion_table.table(), (
        f"make it anew, as {completion_table.__file__} says"
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("st", "start status stop"),
        ("stop ", "db.service web@.service"),
        ("stop --no-block d", "db.service"),
        ("status db.service w", "web@.service"),
        ("ssh core", "core-01 core-02"),
        ("ssh core-01 co", ""),
        ("ssh --machine c", "core-01 core-02"),
        ("drain core-02 core-01 ", "core-01 core-02"),
        ("-o js", "json jsonl"),
        ("--output=js", "--output=json --output=jsonl"),
        ("list-units --ca", "--cached"),
        ("list-units --jou", "--journal"),
        ("--journal pl", ""),
        ("-i start sto", "stop"),
        ("lab pa", "partition"),
        ("lab up --with d", "docker"),
        ("lease ", "extend"),
        ("help unl", "unload"),
        ("nonsense ", ""),
    ],
)
def test_words_that_may_follow(fleet: Path, line: str, words: str) -> None:
    *before, begun = line.split(" ")
    assert [word for word, _ in completions(before, begun, os.environ)] == words.split()


def test_unit_files_are_offered_where_a_verb_takes_them(fleet: Path) -> None:
    sub = fleet / "units"
    sub.mkdir()
    for name in ("new.service", "notes.txt", "$(x).service", "a'b.service"):
        (sub / name).write_text(UNIT)
    assert completions(["start"], "units/", os.environ) == [("units/new.service", "")]
    assert completions(["stop"], "units/", os.environ) == []


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("sshfleet sto", "stop\n"),
        ("sshfleet stop web @", ".service\n"),
        ("sshfleet stop 'we", "web@.service\n"),
        ("sshfleet list-units --output = t", "table\n"),
    ],
)
def test_bash_gets_what_follows_its_own_division_of_words(
    fleet: Path, words: str, printed: str
) -> None:
    parts = words.split()
    asked = {**os.environ, "COMP_WORDS": "\n".join(parts), "COMP_CWORD": str(len(parts) - 1)}
    assert answer("complete_bash", asked) == (printed, 0)


def test_zsh_gets_a_command_that_means_nothing_else(fleet: Path) -> None:
    assert answer("complete_zsh", {"_TYPER_COMPLETE_ARGS": "sshfleet unl"}) == (
        '_arguments \'*: :(("unload":"Stop units and take them off their machines."))\'\n',
        0,
    )
    assert answer("complete_zsh", {"_TYPER_COMPLETE_ARGS": "sshfleet nonsense "}) == ("_files\n", 0)


def test_fish_gets_words_and_their_help(fleet: Path) -> None:
    asked = {"_TYPER_COMPLETE_ARGS": "sshfleet unl", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    help_ = "Stop units and take them off their machines."
    assert answer("complete_fish", asked) == (f"unload\t{help_}\n", 0)
    asked["_TYPER_COMPLETE_FISH_ACTION"] = "is-args"
    assert answer("complete_fish", asked) == ("", 0)
    assert answer("complete_fish", asked | {"_TYPER_COMPLETE_ARGS": "sshfleet x "}) == ("", 1)


@pytest.mark.parametrize("asked", ["source_bash", "complete_powershell", "complete_", "1"])
def test_the_rest_is_left_to_typer(asked: str) -> None:
    assert answer(asked, {}) is None


def test_nothing_that_takes_time_is_imported(fleet: Path) -> None:
    done = _tab("stop", "d")
    assert done.stdout == "db.service\n"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & (SLOW - _at_every_start())


def test_a_name_that_was_damaged_on_disk_is_not_run_by_a_shell(fleet: Path) -> None:
    kept = _kept(fleet)
    kept.write_text(
        f"{kept.read_text()}\nu $(touch gone).service\nu `x`\nu 'y'\nu \"z\nu ok.service"
    )
    found = completions(["stop"], "", os.environ)
    assert [word for word, _ in found] == ["db.service", "ok.service", "web@.service"]


def test_names_of_another_inventory_are_not_offered(fleet: Path) -> None:
    shutil.copy("inventory.yaml", "other.yaml")
    assert completions(["-i", "other.yaml", "stop"], "", os.environ) == []
    assert completions([f"--inventory={fleet}/inventory.yaml", "stop"], "d", os.environ) != []


def test_the_inventory_in_the_users_configuration_is_found(
    fleet: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config/sshfleet").mkdir(parents=True)
    (fleet / "inventory.yaml").rename(tmp_path / "config/sshfleet/inventory.yaml")
    assert completions(["drain"], "", os.environ) == []
    assert run(["list-units", "--cached", "--quiet"]) == 0
    assert [word for word, _ in completions(["drain"], "", os.environ)] == ["core-01", "core-02"]


def test_names_are_kept_for_us_alone(fleet: Path) -> None:
    kept = _kept(fleet)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o777 == 0o700
    assert list(kept.parent.iterdir()) == [kept]


def test_names_are_written_only_when_they_change(fleet: Path) -> None:
    before = _kept(fleet).stat()
    assert run(["list-units", "--cached", "--quiet"]) == 0
    assert _kept(fleet).stat() == before
    (fleet / "new.service").write_text(UNIT)
    assert run(["submit", "new.service"]) == 0
    assert "u new.service" in _kept(fleet).read_text().splitlines()


@pytest.mark.parametrize("target", ["file", "folder"])
def test_no_link_is_followed_and_no_command_fails_for_it(fleet: Path, target: str) -> None:
    kept, victim, mine = _kept(fleet), fleet / "victim", ""
    if target == "file":
        mine = kept.read_text()
        kept.rename(victim)
        kept.symlink_to(victim)
        assert completions(["stop"], "", os.environ) == []
    else:
        shutil.rmtree(kept.parent)
        victim.mkdir()
        kept.parent.symlink_to(victim)
    assert run(["list-units", "--cached", "--quiet"]) == 0
    if target == "file":
        assert (victim.read_text(), kept.is_symlink()) == (mine, False)
    else:
        assert list(victim.iterdir()) == []


def test_a_cache_that_cannot_be_written_fails_no_command(
    fleet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    for place in ("/dev/null/x", "/proc/nowhere", f"{fleet}/inventory.yaml"):
        monkeypatch.setenv("XDG_CACHE_HOME", place)
        assert run(["list-units", "--cached", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_names_of_the_fleets_used_last_are_kept(
    fleet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MOST", 2)
    for number in range(4):
        names.keep(f"/inventory-{number}\t", ["u"], ["m"], os.environ)
    assert len(list(Path(names.folder(os.environ)).iterdir())) == 2
    assert names.known("/inventory-3", "", os.environ) == (["u"], ["m"])


def _kept(fleet: Path) -> Path:
    which = names.fleet_key(str(fleet / "inventory.yaml"), "")
    return Path(names.folder(os.environ), names.file_name(which))


def _tab(*words: str) -> subprocess.CompletedProcess[str]:
    asked = {
        "COMP_WORDS": "\n".join(["sshfleet", *words]),
        "COMP_CWORD": str(len(words)),
        "_SSHFLEET_COMPLETE": "complete_bash",
    }
    command = [sys.executable, "-X", "importtime", "-m", "sshfleet"]
    return subprocess.run(
        command, env=os.environ | asked, capture_output=True, text=True, check=False
    )


def _at_every_start() -> set[str]:
    """Return what Python itself imports here, perhaps for an editable installation."""
    program = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())
