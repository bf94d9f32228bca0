"""What units ask of each other that no fleet can give."""

import pytest

from sshfleet.model.remark import Level, Remark
from sshfleet.model.unit import Unit, UnitName
from sshfleet.plan.together import remarks
from sshfleet.unitfile.read import Dropin, read_unit

SERVICE = "[Service]\nExecStart=/bin/sleep infinity\n[X-Fleet]\n"


def unit(name: str, *rules: str, dropin: str = "") -> Unit:
    text = SERVICE + "".join(f"{rule}\n" for rule in rules if rule)
    dropins = [Dropin("10.conf", f"[X-Fleet]\n{dropin}\n".encode(), "10.conf")] if dropin else []
    return read_unit(UnitName(name), text.encode(), name, dropins)


def said(of: Unit, *others: Unit) -> list[tuple[Level, str, str]]:
    found = remarks(of, f"units/{of.name}", {other.name: other for other in others})
    return [(one.level, one.place, one.message) for one in found]


def only(of: Unit, *others: Unit) -> Remark:
    (found,) = remarks(of, f"units/{of.name}", {other.name: other for other in others})
    return found


def test_units_that_ask_nothing_of_each_other_get_no_remark() -> None:
    web = unit("web.service", "Conflicts=web@*", "MachineMetadata=a=b")
    assert said(web, unit("db.service", "MachineMetadata=a=c"), unit("api.service")) == []


def test_a_peer_that_nobody_knows_is_a_warning_at_its_line() -> None:
    log = unit("log.service", "MachineMetadata=a=b", "MachineOf=web.service")
    found = only(log)
    assert (found.level, found.place) == (Level.WARNING, "units/log.service:5")
    assert found.message == "nobody knows the unit web.service"
    assert "web.service" in found.hint
    assert said(log, unit("web.service")) == []
    assert said(unit("log@.service", "MachineOf=web@%i.service")) == []


def test_the_rule_of_a_dropin_is_found_in_its_file() -> None:
    log = unit("log.service", dropin="MachineOf=web.service")
    assert only(log).place == "units/log.service.d/10.conf:2"


@pytest.mark.parametrize(
    ("b", "c", "words"),
    [
        ("Conflicts=c.*", "", "Conflicts=c.* of b.service and the name c.service"),
        ("", "Replaces=b.service", "Replaces=b.service of c.service and the name b.service"),
        ("MachineMetadata=d=1", "MachineMetadata=d=2", "d=1 and d=2"),
        ("MachineID=" + "a" * 8, "MachineID=" + "b" * 32, f"MachineID={'a' * 8} and "),
    ],
)
def test_peers_whose_rules_exclude_each_other_are_an_error(b: str, c: str, words: str) -> None:
    peers = unit("b.service", b), unit("c.service", c)
    found = only(unit("a.service", "MachineOf=b.service c.service"), *peers)
    assert (found.level, found.place) == (Level.ERROR, "units/a.service:4")
    assert found.message.startswith("b.service and c.service have to share a machine (MachineOf)")
    assert words in found.message
    assert found.hint != ""


def test_a_peer_that_keeps_the_unit_away_is_told_once() -> None:
    found = only(unit("a.service", "MachineOf=b.service"), unit("b.service", "Conflicts=a.*"))
    assert (found.level, found.place) == (Level.ERROR, "units/a.service:4")


def test_a_conflict_with_the_peer_of_a_peer_is_an_error() -> None:
    a = unit("a.service", "MachineOf=b.service", "Conflicts=c.service")
    b, c = unit("b.service", "MachineOf=c.service"), unit("c.service", "MachineOf=b.service")
    found = only(a, b, c)
    assert (found.level, found.place) == (Level.ERROR, "units/a.service:5")
    assert found.message.startswith("a.service and c.service have to share a machine")


def test_alternatives_with_one_in_common_and_a_short_id_go_together() -> None:
    a = unit("a.service", "MachineOf=b.service", "MachineMetadata=d=1", "MachineMetadata=d=2")
    assert said(a, unit("b.service", "MachineMetadata=d=2", "MachineMetadata=d=3")) == []
    short, whole = "MachineID=" + "a" * 8, "MachineID=" + "a" * 32
    c, d = unit("c.service", short), unit("d.service", whole)
    assert said(unit("e.service", "MachineOf=c.service d.service"), c, d) == []


def test_a_circle_of_replaces_is_an_error_and_is_shown() -> None:
    a, b, c = (
        unit(f"{one}.service", f"Replaces={other}.service") for one, other in ("ab", "bc", "ca")
    )
    found = only(a, b, c)
    assert (found.level, found.place) == (Level.ERROR, "units/a.service:4")
    assert found.message == ("a circle of Replaces: a.service → b.service → c.service → a.service")
    assert said(unit("d.service", "Replaces=a.service"), a, b, c) == []


def test_who_keeps_away_from_a_unit_is_a_note() -> None:
    web = unit("web@6.service")
    others = [unit(f"web@{number}.service", "Conflicts=web@*") for number in range(1, 6)]
    found = only(web, *others)
    assert (found.level, found.place) == (Level.NOTE, "units/web@6.service")
    assert found.message == (
        "never beside web@1.service, web@2.service, web@3.service and 2 more: "
        "their Conflicts match its name"
    )
