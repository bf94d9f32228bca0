"""The text that Prometheus reads."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sshfleet.render.metrics import Measured, metrics_text

RUN = Measured(
    fleet="demo",
    ended=1700000000.5,
    seconds=0.25,
    code=3,
    machines={"ready": 2, "unreachable": 1},
    units={("launched", "yes"): 4, ("launched", "no"): 1},
    actions={("start", "done"): 1},
    silent={"core-03": 1699999000.0},
)
TEXT = """\
# HELP sshfleet_last_run_timestamp_seconds When the last run ended.
# TYPE sshfleet_last_run_timestamp_seconds gauge
sshfleet_last_run_timestamp_seconds{fleet="demo"} 1700000000.500
# HELP sshfleet_last_run_duration_seconds How long the last run took.
# TYPE sshfleet_last_run_duration_seconds gauge
sshfleet_last_run_duration_seconds{fleet="demo"} 0.250
# HELP sshfleet_last_run_exit_code How the last run ended: 0 when all is as wanted.
# TYPE sshfleet_last_run_exit_code gauge
sshfleet_last_run_exit_code{fleet="demo"} 3
# HELP sshfleet_last_run_actions What the last run did on machines, by verb and result.
# TYPE sshfleet_last_run_actions gauge
sshfleet_last_run_actions{fleet="demo",verb="start",result="done"} 1
# HELP sshfleet_machines Machines of the inventory, by status.
# TYPE sshfleet_machines gauge
sshfleet_machines{fleet="demo",status="ready"} 2
sshfleet_machines{fleet="demo",status="unreachable"} 1
# HELP sshfleet_machine_silent_since_timestamp_seconds Since when a machine is silent.
# TYPE sshfleet_machine_silent_since_timestamp_seconds gauge
sshfleet_machine_silent_since_timestamp_seconds{fleet="demo",machine="core-03"} 1699999000.000
# HELP sshfleet_units Registered units, by target state and whether they are as wanted.
# TYPE sshfleet_units gauge
sshfleet_units{fleet="demo",target="launched",as_wanted="no"} 1
sshfleet_units{fleet="demo",target="launched",as_wanted="yes"} 4
"""

LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\["\\n])*)"')


def test_a_run_is_told_family_by_family() -> None:
    assert metrics_text(RUN) == TEXT


def test_what_is_not_known_has_no_line() -> None:
    text = metrics_text(Measured(fleet="", ended=1.0, seconds=0.0, code=2))
    names = re.findall(r"^(\w+)\{", text, re.MULTILINE)
    assert names == [
        "sshfleet_last_run_timestamp_seconds",
        "sshfleet_last_run_duration_seconds",
        "sshfleet_last_run_exit_code",
    ]


@given(fleet=st.text(), machine=st.text())
def test_any_name_comes_back_from_its_label_and_stays_on_its_line(fleet: str, machine: str) -> None:
    text = metrics_text(
        Measured(fleet=fleet, ended=1.0, seconds=0.0, code=0, silent={machine: 1.0})
    )
    (line,) = [one for one in text.split("\n") if one.startswith("sshfleet_machine_silent")]
    inside = re.fullmatch(r"\w+\{(.*)\} 1\.000", line, re.DOTALL)
    assert inside
    found = {
        key: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], said)
        for key, said in LABEL.findall(inside[1])
    }
    assert found == {"fleet": fleet, "machine": machine}
