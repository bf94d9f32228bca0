"""Drop-ins beside a unit file go with it."""

import os
from pathlib import Path

import pytest

from sshfleet.cli.lookup import found, instances
from sshfleet.errors import UnitFileError, UsageError
from sshfleet.model.desired import DesiredState, fold
from sshfleet.model.event import Event, TextStored, UnitSubmitted
from sshfleet.model.unit import Unit, UnitName
from sshfleet.unitfile.read import read_text
from tests.builders import desired

TEXT = "[Service]\nExecStart=/bin/sleep infinity\n"
NICE = "[Service]\nNice=1\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file(path: Path, text: str = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def fresh(*arguments: str, state: DesiredState | None = None, replace: bool = False) -> list[Unit]:
    units = [one.fresh for one in found(arguments, state or desired([]), replace=replace)]
    return [unit for unit in units if unit is not None]


def registered(*units: Unit) -> DesiredState:
    events: list[Event] = []
    for unit in units:
        events.append(TextStored(unit.sha256, unit.text))
        events += [TextStored(unit.sums[name], text) for name, text in unit.dropins.items()]
        events.append(UnitSubmitted(unit.name, unit.sha256, unit.sums))
    return fold(DesiredState(), events)


def refused(*arguments: str) -> UnitFileError:
    with pytest.raises(UnitFileError) as caught:
        fresh(*arguments)
    assert caught.value.hint
    return caught.value


def test_only_what_systemd_would_read_counts(folder: Path) -> None:
    file(folder / "units/web.service")
    for name in ("20-b.conf", "10-a.conf", "README", "10-a.conf~", ".10-a.conf.swp", ".x.conf"):
        file(folder / "units/web.service.d" / name, NICE)
    (web,) = fresh("units/web")
    assert web.dropins == {"10-a.conf": NICE, "20-b.conf": NICE}


def test_a_folder_brings_the_drop_ins_of_its_units(folder: Path) -> None:
    file(folder / "units/web.service")
    file(folder / "units/db.service")
    file(folder / "units/web.service.d/10-a.conf", NICE)
    file(folder / "units/gone.service.d/10-a.conf", NICE)
    assert {unit.name: dict(unit.dropins) for unit in fresh("units")} == {
        "db.service": {},
        "web.service": {"10-a.conf": NICE},
    }


def test_an_instance_takes_its_own_drop_in_before_its_template_s(folder: Path) -> None:
    file(folder / "web@.service")
    file(folder / "web@.service.d/10-a.conf", NICE)
    file(folder / "web@.service.d/20-b.conf", NICE)
    file(folder / "web@1.service.d/10-a.conf", "")
    template, one, two = fresh("web@", "web@1", "web@2")
    assert template.dropins == two.dropins == {"10-a.conf": NICE, "20-b.conf": NICE}
    assert one.dropins == {"10-a.conf": "", "20-b.conf": NICE}
    assert template.content == two.content != one.content


def test_an_instance_of_a_known_template_takes_its_drop_ins_as_registered(folder: Path) -> None:
    file(folder / "web@.service.d/10-a.conf", "[Service]\nNice=2\n")
    file(folder / "web@1.service.d/20-b.conf", "")
    state = registered(read_text(UnitName("web@.service"), TEXT, {"10-a.conf": NICE}))
    (one,) = fresh("web@1", state=state)
    assert one.dropins == {"10-a.conf": NICE, "20-b.conf": ""}


def test_an_error_names_the_drop_in_and_its_line(folder: Path) -> None:
    file(folder / "units/web.service")
    file(folder / "units/web.service.d/10-a.conf", "[Service]\nNice\n")
    assert refused("units/web").place == "units/web.service.d/10-a.conf:2"


def test_a_link_to_a_file_is_read_and_nothing_else_is(folder: Path) -> None:
    file(folder / "web.service")
    file(folder / "shared.conf", NICE)
    (folder / "web.service.d").mkdir()
    link = folder / "web.service.d/10-a.conf"
    link.symlink_to("../shared.conf")
    assert fresh("web")[0].dropins == {"10-a.conf": NICE}
    for elsewhere in ("/dev/null", "/dev/zero", "..", "nowhere"):
        link.unlink()
        link.symlink_to(elsewhere)
        assert refused("web").place == "web.service.d/10-a.conf"
    link.unlink()
    os.mkfifo(link)
    assert refused("web").message == "is not a regular file"


def test_a_folder_of_drop_ins_that_is_a_link_is_refused(folder: Path) -> None:
    file(folder / "web.service")
    file(folder / "elsewhere/10-a.conf", NICE)
    (folder / "web.service.d").symlink_to("elsewhere")
    assert (refused("web").place, refused("web").message) == ("web.service.d", "is a link")


@pytest.mark.parametrize("name", ["10 a.conf", "-a.conf", "é.conf", "a\n.conf"])
def test_a_name_that_is_none_is_refused(folder: Path, name: str) -> None:
    file(folder / "web.service")
    file(folder / "web.service.d" / name, NICE)
    assert "not the name of a drop-in" in refused("web").message


def test_the_longest_name_has_no_room_for_drop_ins(folder: Path) -> None:
    name = "n" * 247 + ".service"
    file(folder / name)
    assert fresh(name)[0].dropins == {}


def test_with_replace_the_template_on_disk_comes_before_the_registered_one(folder: Path) -> None:
    file(folder / "web@.service", NICE)
    state = registered(read_text(UnitName("web@.service"), TEXT))
    assert fresh("web@1", state=state)[0].text == TEXT
    assert fresh("web@1", state=state, replace=True)[0].text == NICE


def test_with_replace_a_known_instance_without_any_file_takes_the_registered_template() -> None:
    template, one = (read_text(UnitName(name), TEXT) for name in ("web@.service", "web@1.service"))
    new = read_text(template.name, NICE)
    (web,) = found(["web@1"], registered(new, one), replace=True)
    assert (web.known, web.fresh and web.fresh.text) == (True, NICE)
    (web,) = found(["web@1"], registered(new, one))
    assert web.fresh is None


def test_instances_of_a_template_are_all_that_are_registered(folder: Path) -> None:
    file(folder / "units/web@.service", NICE)
    file(folder / "units/web@2.service", "[Service]\nNice=2\n")
    file(folder / "units/web@3.service.d/10-a.conf", "")
    known = [f"web@{number}.service" for number in (1, 2, 3)] + ["db@1.service", "web.service"]
    state = registered(*(read_text(UnitName(name), TEXT) for name in known))
    named = found(["units/web@"], state, replace=True)
    followers = [one.fresh for one in instances(named, state) if one.fresh]
    assert [(one.name, one.text) for one in followers] == [
        ("web@1.service", NICE),
        ("web@2.service", "[Service]\nNice=2\n"),
        ("web@3.service", NICE),
    ]
    assert followers[2].dropins == {"10-a.conf": ""}


def test_instances_need_a_template(folder: Path) -> None:
    file(folder / "web.service")
    with pytest.raises(UsageError, match="--instances needs a template"):
        instances(found(["web"], desired([])), desired([]))
