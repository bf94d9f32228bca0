"""`verify`: what is said of unit files before they are submitted, with systemd's opinion here.

`make setup` installs systemd-analyze; that of a machine is asked in tests/lab/test_verify.py.
"""

import shutil
from pathlib import Path

import msgspec
import pytest

from tests.cli.test_wrong_input import INVENTORY
from tests.lab.user import Ended, User
from tests.schema import VerifyDocument

SLEEP = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture
def user(tmp_path: Path) -> User:
    someone = User(tmp_path, {"SSH_AUTH_SOCK": ""})
    someone.writes("inventory.yaml", INVENTORY)
    return someone


def begins(ended: Ended, word: str) -> list[str]:
    """Return the lines on stderr that begin so."""
    return [line for line in ended.stderr.splitlines() if line.startswith(word)]


def test_systemd_analyze_is_installed() -> None:
    assert shutil.which("systemd-analyze")


def test_a_good_file_with_sections_of_others_is_ok_without_a_word(user: User) -> None:
    user.writes("web.service", SLEEP + "[X-Fleet]\nGlobal=true\n[X-Other]\nA=b\n")
    assert user.gets("verify", "web.service") == "web.service: ok\n"
    assert user.gets("verify", "web") == "web.service: ok\n"


def test_what_systemd_ignores_is_a_warning_with_its_line(user: User) -> None:
    user.writes("a.service", SLEEP + "Typ=simple\n[Unti]\nA=b\n")
    user.writes("a.service.d/10.conf", "[Service]\nMemoryMaxx=1\n")
    user.writes("b@.service", "[Service]\nExecStart=/bin/echo %i\nFoo=1\n")

    ended = user.runs("verify", "a.service", "b@.service")

    assert (ended.code, ended.stdout) == (0, "a.service: ok\nb@.service: ok\n")
    places = sorted(line.split()[1] for line in begins(ended, "warning: "))
    assert places == [
        "a.service.d/10.conf:2:", "a.service:3:", "a.service:4:", "b@.service:3:",
    ]  # fmt: skip


def test_what_may_be_on_the_machines_is_a_note(user: User) -> None:
    user.writes("a.service", "[Service]\nExecStart=/opt/nowhere/bin/a\n")
    user.writes("b.service", SLEEP + "[Unit]\nRequires=nobody.service\n")

    ended = user.runs("verify", "a.service", "b.service")

    assert (ended.code, ended.stdout) == (0, "a.service: ok\nb.service: ok\n")
    assert len(begins(ended, "note: ")) == len(ended.stderr.splitlines()) == 2
    quiet = user.runs("verify", "a.service", "--quiet")
    assert (quiet.code, quiet.stderr) == (0, "")


def test_what_systemd_refuses_is_an_error(user: User) -> None:
    user.writes("a.service", "[Service]\nType=oneshot\n")
    user.writes("b.service", SLEEP)

    ended = user.runs("verify", "a.service", "b.service")

    assert (ended.code, ended.stdout) == (2, "b.service: ok\n")
    (error,) = begins(ended, "error: ")
    assert error.startswith("error: a.service: Service has no ExecStart=")
    assert len(begins(ended, "hint: ")) == 1


def test_files_and_registered_units_are_looked_at_together(user: User) -> None:
    user.writes("a.service", SLEEP + "[X-Fleet]\nMachineOf=b.service\n")
    user.writes("b.service", SLEEP + "[X-Fleet]\nConflicts=a.service\n")
    alone = user.runs("verify", "a.service")
    assert (alone.code, alone.stdout) == (0, "a.service: ok\n")
    assert alone.stderr.startswith("warning: a.service:4: nobody knows the unit b.service")

    ended = user.runs("verify", "a.service", "b.service")
    assert (ended.code, ended.stdout) == (2, "b.service: ok\n")
    assert begins(ended, "error: a.service:4: a.service and b.service have to share a machine")

    user.gets("submit", "b.service")
    known = user.runs("verify", "a.service")
    assert (known.code, known.stdout) == (2, "")
    assert begins(known, "error: ") == begins(ended, "error: ")


def test_a_registered_unit_is_not_missed_by_systemd(user: User) -> None:
    user.writes("b.service", SLEEP)
    user.writes("a.service", SLEEP + "[Unit]\nRequires=b.service\n")
    assert user.gets("verify", "a.service", "b.service") == "a.service: ok\nb.service: ok\n"
    user.gets("submit", "b.service")
    (user.folder / "b.service").unlink()
    assert user.gets("verify", "a.service") == "a.service: ok\n"


def test_a_folder_means_every_unit_file_in_it(user: User) -> None:
    user.writes("units/b.service", SLEEP)
    user.writes("units/a.timer", "[Timer]\nOnCalendar=daily\n")
    user.writes("units/README.md", "")
    assert user.gets("verify", "units") == "a.timer: ok\nb.service: ok\n"


def test_without_an_inventory_files_are_verified_all_the_same(user: User) -> None:
    (user.folder / "inventory.yaml").unlink()
    user.writes("a.service", SLEEP)
    ended = user.runs("verify", "a.service")
    assert (ended.code, ended.stdout) == (0, "a.service: ok\n")
    assert ended.stderr.startswith("note: not compared with registered units: no inventory")


def test_a_machine_that_nobody_listed_is_told(user: User) -> None:
    user.writes("a.service", SLEEP)
    ended = user.runs("verify", "a.service", "--on", "onee")
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr == ("error: no machine 'onee' in the inventory\nhint: did you mean one?\n")


def test_what_is_said_is_told_as_json(user: User) -> None:
    user.writes("a.service", SLEEP + "Typ=simple\n")
    user.writes("b.service", "[Service\n")

    ended = user.runs("verify", "a.service", "b.service", "-o", "json")

    assert ended.code == 2
    document = msgspec.json.decode(ended.stdout, type=VerifyDocument)
    good, bad = document.files
    assert (document.on, good.file, good.unit, good.ok) == (None, "a.service", "a.service", True)
    assert [(one.level, one.place, one.hint) for one in good.remarks] == [
        ("warning", "a.service:3", None)
    ]
    assert (bad.unit, bad.ok, bad.remarks[0].level) == (None, False, "error")
    assert bad.remarks[0].place == "b.service:1"
