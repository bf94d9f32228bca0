import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.action import Action, Verb
from sshfleet.model.event import TargetState
from sshfleet.model.machine import MachineId, MachineName
from sshfleet.model.unit import UnitName, content_hash
from sshfleet.systemd.sh import ACT_SCRIPT, FULL_TEXT, GUARD_SCRIPT, LOOK_SCRIPT, RENEW_SCRIPT
from sshfleet.systemd.transaction import Transaction, request, uploads_needed
from tests.builders import LINEAGE, reached, sha256, state, unit

NONCE = "0123456789abcdef"
WEB, DB = UnitName("web.service"), UnitName("db.service")


def action(verb: Verb, name: str = "web.service", **more: object) -> Action:
    base = Action(
        machine=MachineName("m1"),
        machine_id=MachineId("0" * 32),
        verb=verb,
        unit=UnitName(name),
        reason="test",
    )
    return replace(base, **more)  # type: ignore[arg-type]


def install(name: str = "web.service", **more: object) -> Action:
    return action(Verb.INSTALL, name, **{"sha256": sha256("x"), "generation": 3, **more})


def lines(*actions: Action, **more: object) -> list[str]:
    transaction = Transaction(actions=actions, lineage=LINEAGE, **more)  # type: ignore[arg-type]
    return request(transaction, NONCE).data.decode().splitlines()


def test_orders_go_by_verb_then_name() -> None:
    asked = [action(Verb.START), install(), action(Verb.STOP, "z.service"), action(Verb.STOP)]

    told = [line.split("\t")[:2] for line in lines(*asked)]

    assert told[told.index(["settle", "0.500"]) + 1 :] == [
        ["touch", "web.service"],
        ["touch", "z.service"],
        ["stop", "web.service"],
        ["stop", "z.service"],
        ["install", "web.service"],
        ["start", "web.service"],
        ["look", "web.service"],
        ["look", "z.service"],
        ["end"],
    ]


def test_each_name_is_touched_once_by_its_first_verb() -> None:
    asked = [action(Verb.START), install(), action(Verb.STOP, "z.service"), action(Verb.REMOVE)]
    assert [line for line in lines(*asked) if line.startswith("touch")] == [
        "touch\tz.service\tstop",
        "touch\tweb.service\tremove",
    ]


def test_units_of_one_text_stand_together() -> None:
    texts = {"a.service": "f" * 64, "b.service": "0" * 64, "c.service": "f" * 64}
    told = lines(*(install(name, sha256=text) for name, text in texts.items()))
    assert [line.split("\t")[1] for line in told if line.startswith("install")] == [
        "b.service",
        "a.service",
        "c.service",
    ]


def test_install_carries_its_particulars() -> None:
    launched = install(target=TargetState.LAUNCHED, installs=True)
    assert f"install\tweb.service\t{sha256('x')}\t3\tlaunched\tyes\tetc\tno" in lines(launched)
    assert f"install\tweb.service\t{sha256('x')}\t3\tloaded\tno\tetc\tno" in lines(install())


def test_install_says_where_the_unit_lives_and_how_it_is_guarded() -> None:
    def told(**more: object) -> str:
        (line,) = (line for line in lines(install(**more)) if line.startswith("install"))  # type: ignore[arg-type]
        return line.partition("\tno\t")[2]

    assert told(runtime=True) == "run\tno"
    assert told(runtime=True, guard="-") == "run\t-"
    assert told(runtime=True, guard="15") == "run\t15"


def test_the_guard_travels_only_where_it_is_wanted() -> None:
    def script(*actions: Action) -> str:
        return request(Transaction(actions=actions, lineage=LINEAGE), NONCE).script

    assert script(install(runtime=True), action(Verb.START, "db.service")) == ACT_SCRIPT
    guarded = install("db.service", runtime=True, guard="15")
    assert script(install(), guarded) == GUARD_SCRIPT


def test_only_looking_needs_no_root_and_less_than_half_of_the_script() -> None:
    look = request(Transaction(look=(WEB,)), NONCE)
    act = request(Transaction(actions=(install(),), lineage=LINEAGE), NONCE)

    assert (look.root, act.root) == (False, True)
    assert len(look.script) < len(act.script) / 2


def test_the_scripts_fit_into_a_round_trip() -> None:
    # Ten segments of 1460 bytes are what TCP sends at first (RFC 6928); a login opens the window to
    # about twice that. What is asked for has to fit in, too. Two homes, leases and drift have made
    # the act longer than that window: it may cost a round trip more, a look does not.
    assert len(LOOK_SCRIPT) < 12000
    assert len(ACT_SCRIPT) < 35000


def test_names_are_asked_for_once_and_templates_never() -> None:
    asked = lines(install(), look=(WEB, UnitName("a@.service"), DB), watch=(WEB, WEB))
    assert [line for line in asked if line.startswith(("look", "watch"))] == [
        "watch\tweb.service",
        "look\tdb.service",
        "look\tweb.service",
    ]


def test_patience_and_settle_prolong_the_deadline() -> None:
    hasty = request(Transaction(), NONCE).seconds
    patient = request(Transaction(patience=8.0, settle=2.0), NONCE).seconds
    assert patient == hasty + 8.0 + 1.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"lineage": ""},
        {"lineage": 'x"y'},
        {"lineage": "a\tb"},
        {"staging": "relative"},
        {"staging": "/a\nend"},
        {"staging": "/a\tb"},
        {"actions": (install(sha256=""),)},
        {"actions": (install(sha256="X" * 64),)},
        {"actions": (install(target=TargetState.ABSENT),)},
        {"actions": (install(generation=-1),)},
        {"actions": (install("web@.service"),)},
        {"actions": (install(guard="15"),)},
        {"actions": (install(guard="0", runtime=True),)},
        {"actions": (install(guard="15s", runtime=True),)},
        {"actions": (install("web.socket", guard="15", runtime=True),)},
    ],
)
def test_what_no_user_can_cause_is_a_value_error(wrong: dict[str, object]) -> None:
    base = Transaction(actions=(install(),), lineage=LINEAGE)
    with pytest.raises(ValueError):
        request(replace(base, **wrong), NONCE)  # type: ignore[arg-type]


@pytest.mark.parametrize("nonce", ["", "short", "0123456789ABCDEF", "0123456789abcde\n"])
def test_a_nonce_is_hexadecimal(nonce: str) -> None:
    with pytest.raises(ValueError):
        request(Transaction(), nonce)


@pytest.mark.parametrize("name", ["a b.service", "a\tb.service", "*.service", "../x.service", "-x"])
def test_no_name_leaves_that_is_none(name: str) -> None:
    with pytest.raises(UnitFileError):
        request(Transaction(look=(UnitName(name),)), NONCE)
    with pytest.raises(UnitFileError):
        request(Transaction(actions=(action(Verb.STOP, name),), lineage=LINEAGE), NONCE)


def test_only_texts_that_are_not_in_place_are_uploaded() -> None:
    old, new = unit("web.service"), unit("db.service")
    held = reached("m1", state(old))
    asked = [install("web.service", sha256=old.sha256), install("db.service", sha256=new.sha256)]

    assert uploads_needed([*asked, action(Verb.STOP)], held) == {new.sha256}
    assert uploads_needed(asked, None) == {old.sha256, new.sha256}


def test_the_script_is_plain_enough_for_shellcheck(tmp_path: Path) -> None:
    script = tmp_path / "transaction.sh"
    script.write_text(FULL_TEXT)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    said = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert said.stdout == ""


@pytest.mark.parametrize("text", [LOOK_SCRIPT, ACT_SCRIPT, GUARD_SCRIPT, RENEW_SCRIPT])
@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_what_travels_is_still_a_script(shell: str, text: str) -> None:
    said = subprocess.run([shell, "-n"], input=text.encode(), capture_output=True, check=False)
    assert (said.returncode, said.stderr) == (0, b"")


@pytest.mark.parametrize("text", [LOOK_SCRIPT, ACT_SCRIPT, GUARD_SCRIPT, RENEW_SCRIPT])
def test_what_travels_is_ascii_without_comments(text: str) -> None:
    assert text.isascii()
    assert not [line for line in text.splitlines() if not line or line.startswith((" ", "#"))]


def test_the_files_of_a_unit_with_drop_ins_are_told_one_by_one() -> None:
    dropins = {"b.conf": sha256("b"), "a.conf": sha256("x")}
    told = lines(install(dropins=dropins), install("db.service"))
    content = content_hash(sha256("x"), dropins)
    assert f"install\tweb.service\t{content}\t3\tloaded\tno\tetc\tno\ta.conf,b.conf" in told
    assert f"install\tdb.service\t{sha256('x')}\t3\tloaded\tno\tetc\tno" in told
    assert [line for line in told if line.startswith("part")] == sorted(
        f"part\t{digest}\tweb.service{path}"
        for path, digest in (
            ("", sha256("x")),
            (".d/a.conf", sha256("x")),
            (".d/b.conf", sha256("b")),
        )
    )


@pytest.mark.parametrize("name", ["a", "../a.conf", "a b.conf", "a,b.conf", ".a.conf", "a\n.conf"])
def test_no_drop_in_leaves_whose_name_is_none(name: str) -> None:
    with pytest.raises(ValueError):
        lines(install(dropins={name: sha256("x")}))
    with pytest.raises(ValueError):
        lines(install(dropins={"a.conf": "x"}))


def test_a_unit_that_moves_to_its_other_home_is_uploaded_anew() -> None:
    old = unit("web.service")
    asked = [install("web.service", sha256=old.sha256, runtime=True)]
    assert uploads_needed(asked, reached("m1", state(old))) == {old.sha256}
    assert uploads_needed(asked, reached("m1", replace(state(old), runtime=True))) == set()


def test_only_parts_that_are_not_in_place_are_uploaded() -> None:
    old = state(unit("web.service", text="x"), dropins={"a.conf": sha256("a"), "c.conf": "c"})
    wanted = {"a.conf": sha256("a"), "b.conf": sha256("b")}
    held = reached("m1", old)
    assert uploads_needed([install(dropins=wanted)], held) == {sha256("b")}
    assert uploads_needed([install(dropins=wanted)], None) == {sha256(text) for text in "xab"}
