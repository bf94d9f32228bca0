import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.step import Completed
from sshfleet.model.unit import UnitName
from sshfleet.systemd.renewal import Renewal, renewal, renewed
from sshfleet.systemd.sh import RENEW_SCRIPT, RENEW_TEXT
from tests.builders import LINEAGE

NONCE = "0123456789abcdef"
BOOT = "f5048785-ac94-43f4-bf17-0a61403701c1"
ASKED = Renewal(
    boot_id=BOOT,
    deadline=123.9,
    wall=1700000000,
    number=7,
    lineage=LINEAGE,
    units=(UnitName("web.service"), UnitName("a\\x2db.service"), UnitName("web.service")),
)


def said(text: str, status: int | None = 0, stderr: bytes = b"") -> str:
    return renewed(Completed(status=status, stdout=text.encode(), stderr=stderr), NONCE)


def test_a_renewal_is_told_line_by_line_and_its_end_is_never_later() -> None:
    run = renewal(ASKED, NONCE)
    assert run.root
    assert run.script == RENEW_SCRIPT
    assert run.data.decode().splitlines() == [
        f"nonce\t{NONCE}",
        f"lease\t{BOOT} 123 1700000000 7 {LINEAGE}",
        "unit\ta\\x2db.service",
        "unit\tweb.service",
        "end",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"boot_id": "x"},
        {"boot_id": BOOT + "\n"},
        {"deadline": -1.0},
        {"wall": -1},
        {"number": -1},
        {"lineage": ""},
        {"lineage": "a b"},
        {"units": tuple(UnitName(f"{number:0240}.service") for number in range(1000))},
    ],
)
def test_what_no_user_can_cause_is_a_value_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        renewal(replace(ASKED, **wrong), NONCE)  # type: ignore[arg-type]


def test_no_name_and_no_nonce_leaves_that_is_none() -> None:
    with pytest.raises(UnitFileError):
        renewal(replace(ASKED, units=(UnitName("a b.service"),)), NONCE)
    with pytest.raises(ValueError):
        renewal(ASKED, "short")


def test_only_what_the_machine_says_to_this_renewal_counts() -> None:
    assert said(f"good morning\n{NONCE} accepted\n") == ""
    assert said(f"{NONCE} refused\tit was rebooted\tmeanwhile\n") == "it was rebooted meanwhile"
    assert said(f"{NONCE} refused\t\n") == "it was refused"
    assert said(f"x{NONCE} accepted\n") != ""
    assert said(f"{NONCE} accepted later\n") != ""
    assert said("fedcba9876543210 accepted\n", 0) == "no answer from the machine, only status 0:"
    assert said("", None) == "the connection broke off before the machine had answered"
    assert said("", 127, b"sh: no\nsuch") == "no answer from the machine, only status 127: sh: no"
    assert len(said(f"{NONCE} refused\t" + "x" * 5000)) == 800


def test_a_renewal_that_was_cut_does_nothing() -> None:
    run = renewal(ASKED, NONCE)
    done = subprocess.run(
        ["sh", "-c", run.script],
        input=run.data.removesuffix(b"end\n"),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (65, b"")


def test_the_script_is_plain_enough_for_shellcheck(tmp_path: Path) -> None:
    script = tmp_path / "renew.sh"
    script.write_text(RENEW_TEXT)
    shellcheck = Path(sys.executable).with_name("shellcheck")
    told = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert told.stdout == ""
