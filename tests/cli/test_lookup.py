"""Unit arguments are looked up as fleet did, and read in full before anything is registered."""

from pathlib import Path

import pytest

from sshfleet.cli.lookup import found, known, not_known, refuse_templates
from sshfleet.errors import SshfleetError, UnitFileError, UsageError
from sshfleet.model.event import TargetState
from sshfleet.model.unit import UnitName
from tests.builders import desired, unit

TEXT = "[Service]\nExecStart=/bin/sleep infinity\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file(path: Path, text: str = TEXT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_path_names_the_unit_by_its_last_part(folder: Path) -> None:
    file(folder / "units/web.service")
    (one,) = found(["units/web.service"], desired([]))
    assert (one.name, one.known) == ("web.service", False)
    assert one.fresh is not None
    assert one.fresh.text == TEXT


def test_service_is_what_no_suffix_means(folder: Path) -> None:
    file(folder / "web.service")
    assert [one.name for one in found(["web"], desired([]))] == ["web.service"]


def test_the_same_unit_twice_is_one(folder: Path) -> None:
    file(folder / "web.service")
    assert len(found(["web", "./web.service"], desired([]))) == 1


def test_a_known_unit_needs_no_file(folder: Path) -> None:
    (one,) = found(["web"], desired([unit("web.service")]))
    assert (one.known, one.fresh) == (True, None)


def test_an_instance_takes_the_known_template_before_the_one_on_disk(folder: Path) -> None:
    file(folder / "web@.service", "[Service]\nExecStart=/bin/disk\n")
    (one,) = found(["web@1"], desired([unit("web@.service", text=TEXT)]))
    assert one.fresh is not None
    assert (one.name, one.fresh.text) == ("web@1.service", TEXT)


def test_an_instance_takes_the_template_beside_it(folder: Path) -> None:
    file(folder / "units/web@.service")
    (one,) = found(["units/web@1.service"], desired([]))
    assert one.fresh is not None
    assert (one.name, one.fresh.name) == ("web@1.service", "web@1.service")


def test_an_instance_with_a_file_of_its_own_takes_that(folder: Path) -> None:
    file(folder / "web@.service")
    file(folder / "web@1.service", "[Service]\nExecStart=/bin/own\n")
    (one,) = found(["web@1"], desired([]))
    assert one.fresh is not None
    assert "own" in one.fresh.text


def test_a_folder_means_every_unit_file_in_it(folder: Path) -> None:
    for name in ("b.service", "a.timer", "web@.service", "notes.txt"):
        text = "[Timer]\nOnBootSec=1\n" if name == "a.timer" else TEXT
        file(folder / "units" / name, text)
    names = [one.name for one in found(["units"], desired([]))]
    assert names == ["a.timer", "b.service", "web@.service"]


def test_a_folder_without_unit_files_is_wrong_usage(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="no unit file in empty"):
        found(["empty"], desired([]))


def test_a_glob_means_units_of_the_journal_never_files(folder: Path) -> None:
    file(folder / "web-disk.service")
    state = desired([unit("web@1.service"), unit("web@2.service"), unit("db.service")])
    assert [one.name for one in found(["web*"], state)] == ["web@1.service", "web@2.service"]
    assert known(["web@?"], state) == (["web@1.service", "web@2.service"], [])


def test_a_glob_is_none_of_the_files_that_are_called_like_it(folder: Path) -> None:
    for name in ("a.service", "b.service", "[ab]", "[ab].service"):
        file(folder / name)
    state = desired([unit("a.service"), unit("c.service")])
    for argument in ("[ab]", "[ab].service"):
        assert [one.name for one in found([argument], state)] == ["a.service"]
    with pytest.raises(SshfleetError, match=r"no unit matches '\[xy\]'"):
        found(["[xy]"], state)


def test_a_folder_may_have_brackets_in_its_name(folder: Path) -> None:
    file(folder / "[old]/web.service")
    assert [one.name for one in found(["[old]/web"], desired([]))] == ["web.service"]


def test_what_is_nowhere_is_told_with_the_closest_name(folder: Path) -> None:
    file(folder / "web.service")
    with pytest.raises(SshfleetError) as caught:
        found(["wed"], desired([]))
    assert caught.value.message == "unable to find unit wed.service in the journal or on disk"
    assert caught.value.hint == "did you mean web.service?"


def test_one_bad_file_among_many_registers_none(folder: Path) -> None:
    file(folder / "a.service")
    file(folder / "b.service", "[Service\n")
    with pytest.raises(UnitFileError) as caught:
        found(["a", "b"], desired([]))
    assert caught.value.place.startswith("b.service:1")


def test_a_device_is_not_a_unit_file(folder: Path) -> None:
    (folder / "null.service").symlink_to("/dev/null")
    with pytest.raises(UnitFileError, match="not a regular file"):
        found(["null"], desired([]))


@pytest.mark.parametrize("name", ["-H evil", "../../etc/x y", "a\nb", "foo@{1..3}", "x" * 300])
def test_a_name_that_is_none_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(UnitFileError, match="is not a unit name"):
        found([name], desired([]))


def test_a_destroyed_unit_is_unknown() -> None:
    state = desired(
        [unit("web.service")],
        placed={"web.service": "m1"},
        targets={"web.service": TargetState.ABSENT},
    )
    assert UnitName("web.service") in state.units
    assert known(["web"], state) == ([], ["web"])


def test_a_typo_is_answered_with_the_known_name() -> None:
    state = desired([unit("web.service")])
    error = not_known("wbe", state)
    assert (error.message, error.hint) == (
        "Unit wbe.service not found",
        "did you mean web.service?",
    )


def test_a_template_itself_cannot_be_started(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_templates("start", ["units/web@.service"])
    assert caught.value.hint == "start an instance of it: sshfleet start web@1.service"


def test_a_glob_of_units_to_stop_means_those_on_machines() -> None:
    units = [unit("web@.service"), unit("web@1.service"), unit("web@2.service")]
    targets = {"web@.service": TargetState.INACTIVE, "web@2.service": TargetState.LOADED}
    names, unknown = known(["web@*"], desired(units, targets=targets), placed=True)
    assert (names, unknown) == (["web@1.service", "web@2.service"], [])
