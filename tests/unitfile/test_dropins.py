"""Drop-ins are read as if they stood at the end of the unit file, and tell their own lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import Unit, UnitName, sha256_of
from sshfleet.unitfile.read import MAX_BYTES, Dropin, read_text, read_unit

WEB = UnitName("web.service")
TEXT = "[Unit]\nDescription=web\n[Service]\nExecStart=/bin/sleep infinity\n"


def web(text: str = TEXT, **dropins: str) -> Unit:
    return read_text(WEB, text, {f"{name}.conf": each for name, each in dropins.items()})


def refused(*dropins: Dropin, text: str = TEXT) -> UnitFileError:
    with pytest.raises(UnitFileError) as caught:
        read_unit(WEB, text.encode(), "x/web.service", dropins)
    assert caught.value.hint
    return caught.value


def conf(text: str | bytes) -> Dropin:
    data = text.encode() if isinstance(text, str) else text
    return Dropin("10-x.conf", data, "x/web.service.d/10-x.conf")


def test_a_unit_without_drop_ins_is_what_it_was() -> None:
    plain = web()
    assert plain.content == plain.sha256 == sha256_of(TEXT)
    assert plain == read_unit(WEB, TEXT.encode(), "anywhere", [])


def test_the_text_and_each_drop_in_are_kept_byte_for_byte() -> None:
    unit = web(b="[Service]\r\nNice=1", a="# é\n")
    assert (unit.text, unit.sha256) == (TEXT, sha256_of(TEXT))
    assert list(unit.dropins.items()) == [("a.conf", "# é\n"), ("b.conf", "[Service]\r\nNice=1")]
    assert unit.sums == {name: sha256_of(text) for name, text in unit.dropins.items()}


@given(st.permutations(["a.conf", "b.conf", "c.conf"]))
def test_the_order_in_which_they_were_found_does_not_matter(names: list[str]) -> None:
    found = {name: f"[Service]\nEnvironment=FILE={name}\n" for name in names}
    sorted_ = read_text(WEB, TEXT, dict(sorted(found.items())))
    assert read_text(WEB, TEXT, found) == sorted_


def test_their_x_fleet_keys_are_appended() -> None:
    own = TEXT + "[X-Fleet]\nConflicts=a*.service\nMachineMetadata=disk=ssd\n"
    unit = web(own, a="[X-Fleet]\nConflicts=b*.service\n", b="[X-Fleet]\nGlobal=true\n")
    assert unit.requirements.conflicts == ("a*.service", "b*.service")
    assert unit.requirements.metadata == (("disk", "ssd"),)
    assert unit.requirements.is_global


def test_install_options_and_descriptions_of_drop_ins_count() -> None:
    assert not web().installs
    assert web(a="[Install]\nWantedBy=basic.target\n").installs
    assert web().description == "web"
    assert web(a="[Unit]\nDescription=a\n", b="[Unit]\nAfter=x.service\n").description == "a"


def test_the_hash_users_see_changes_with_options_not_with_comments() -> None:
    seen = [web(), web(a="[Service]\nNice=1\n"), web(b="[Service]\nNice=1\n")]
    assert len({unit.hash for unit in seen}) == 3
    assert web(a="# why\n[Service]\nNice = 1\n").hash == seen[1].hash
    assert web(a="# why\n[Service]\nNice = 1\n").content != seen[1].content


def test_an_empty_drop_in_is_one() -> None:
    unit = web(a="")
    assert unit.dropins == {"a.conf": ""}
    assert unit.content != web().content


def test_a_unit_file_needs_an_option_of_its_own() -> None:
    assert refused(conf("[Service]\nNice=1\n"), text="# nothing\n").place == "x/web.service"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("Nice=1\n", ":1", "stands before the first section"),
        ("[Service]\nNice\n", ":2", "has no '='"),
        ("[X-Fleet]\n\nGlobale=true\n", ":3", "no key of"),
        ("[x-fleet]\nGlobal=true\n", ":1", "nobody reads a section"),
        ("[X-Fleet]\nMachineMetadata=a\n", ":2", "is not KEY=VALUE"),
        ("[X-Fleet]\nReplaces=c*\n", ":2", "cannot be used together with"),
        (b"[Unit]\n\xff\n", ":2", "is not UTF-8"),
        (b"[Unit]\nA=\0\n", ":2", "NUL byte"),
    ],
)
def test_an_error_names_the_drop_in_and_its_line(text: str | bytes, line: str, words: str) -> None:
    error = refused(conf(text), text=TEXT + "[X-Fleet]\nConflicts=b*\n")
    assert error.place == "x/web.service.d/10-x.conf" + line
    assert words in error.message


def test_all_parts_together_are_limited() -> None:
    half = "#" * (MAX_BYTES // 2) + "\n"
    read_unit(WEB, TEXT.encode(), "x", [conf(half)])
    error = refused(conf(half), text=half + TEXT)
    assert "with this drop-in the unit has 10" in error.message
    assert error.place == "x/web.service.d/10-x.conf"
