"""What a machine says of masks, other files, other drop-ins, and of units just started."""

from sshfleet.model.observed import UnitState
from sshfleet.model.unit import UnitName
from sshfleet.systemd.remarks import with_remarks

WEB, API = UnitName("web.service"), UnitName("api.service")
SEEN = {name: UnitState(name=name, load="loaded", active="active", sub="x") for name in (WEB, API)}


def test_each_line_is_about_the_unit_it_names() -> None:
    lines = [
        ["hidden", WEB, "mask", "/etc/systemd/system/web.service"],
        ["stray", WEB, "/a.conf"],
        ["stray", WEB, "/b.conf"],
        ["hidden", API, "none", "-"],
        ["fresh", API],
    ]
    found = with_remarks(SEEN, lines)
    web, api = found[WEB], found[API]
    assert (web.shadow, web.masked) == ("/etc/systemd/system/web.service", True)
    assert web.strays == ("/a.conf", "/b.conf")
    assert not web.unlinked
    assert (web.fresh, api.fresh) == (False, True)
    assert (api.shadow, api.masked, api.unlinked, api.strays) == ("", False, True, ())


def test_another_file_is_no_mask() -> None:
    web = with_remarks(SEEN, [["hidden", WEB, "file", "/x"]])[WEB]
    assert (web.shadow, web.masked) == ("/x", False)


def test_lines_that_make_no_sense_say_nothing_and_much_is_cut_off() -> None:
    odd = [
        ["hidden"],
        ["hidden", WEB],
        ["stray"],
        ["fresh"],
        ["fresh", "other.service"],
        ["stray", "other.service", "/x"],
        ["x", WEB, "y"],
    ]
    assert with_remarks(SEEN, odd) == SEEN

    many = with_remarks(SEEN, [["stray", WEB, "/" + "x" * 999]] * 99)[WEB].strays
    assert (len(many), len(many[0])) == (20, 300)
