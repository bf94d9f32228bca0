import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from sshfleet.model.unit import dropin_problem
from sshfleet.systemd.sh import GUARD_SCRIPT
from sshfleet.systemd.sh.watchman import (
    DROPIN_NAME,
    GUARD,
    GUARD_FILES,
    GUARD_VERSION,
    guard_version,
    lease_dropin,
)

SUMS = {path: sha256(text.encode()).hexdigest() for path, text in GUARD_FILES.items()}


def test_what_arrives_is_what_is_looked_for() -> None:
    script = GUARD_SCRIPT.removesuffix("main\n")
    tail = 'guard_texts\ngeneration=7 guard=15\nwanted_dropin\nprintf "%s\\n" "$wanted_dropin"\n'
    told = subprocess.run(["sh", "-c", script + tail], capture_output=True, check=True).stdout
    assert told.decode() == "".join(GUARD_FILES.values()) + lease_dropin(7, "15")


def test_the_guard_is_plain_enough_for_shellcheck(tmp_path: Path) -> None:
    script = tmp_path / "guard.sh"
    script.write_text(f"# shellcheck shell=dash disable=SC2086\n{GUARD}")
    shellcheck = Path(sys.executable).with_name("shellcheck")
    said = subprocess.run([shellcheck, script], capture_output=True, text=True, check=False)
    assert said.stdout == ""


@pytest.mark.parametrize("path", GUARD_FILES)
def test_each_file_of_the_guard_counts(path: str) -> None:
    assert guard_version(SUMS) == GUARD_VERSION
    assert guard_version({**SUMS, path: "0" * 64}) not in ("", GUARD_VERSION)
    assert guard_version({key: value for key, value in SUMS.items() if key != path}) == ""


def test_the_drop_in_comes_after_any_that_a_user_may_have() -> None:
    assert dropin_problem(DROPIN_NAME)
    assert all(not dropin_problem(name) and name < DROPIN_NAME for name in ("zzz.conf", "z_.conf"))


def test_who_brings_a_time_to_stop_is_left_with_it() -> None:
    assert lease_dropin(3, "-").endswith("SSHFLEET_TOKEN=3\n")
    assert lease_dropin(3, "20").endswith("SSHFLEET_TOKEN=3\nTimeoutStopSec=20\n")
