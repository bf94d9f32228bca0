"""The units that run the controller: what systemd reads in them is what was meant."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.errors import UsageError
from sshfleet.systemd.timer import MARK, Job, command_line, quoted, service_text, timer_text

JOB = Job(
    name="demo",
    words=("/opt/my fleet/100%/sshfleet", "--inventory", "/home/me/$fleet 'x'.yaml", "reconcile"),
    agent="/run/user/1000/ssh agent%",
    every=60,
)
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
PROGRAMS = WORDS.map(lambda text: "/" + re.sub(r"[\x00-\x1f\x7f\"'\\$]", "", text))


def systemd_reads(line: str) -> list[str]:
    """Split words as extract_first_word() with C escapes does, then resolve specifiers."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"(?: |$)', line, re.DOTALL)
    assert " ".join(f'"{word}"' for word in words) == line
    plain = [re.sub(r"\\(x..|.)", _unescaped, word, flags=re.DOTALL) for word in words]
    assert not [word for word in plain if re.search("%(?!%)", word.replace("%%", ""))]
    return [word.replace("%%", "%") for word in plain]


def _unescaped(found: "re.Match[str]") -> str:
    said = found[1]
    assert said in ('"', "\\") or re.fullmatch("x[0-9a-f]{2}", said)
    return chr(int(said[1:], 16)) if said[0] == "x" else said


@given(PROGRAMS, st.lists(WORDS))
def test_every_word_comes_out_as_it_went_in(program: str, words: list[str]) -> None:
    line = command_line([program, *words])
    assert "\n" not in line
    first, *rest = systemd_reads(line)
    assert first == program
    assert not [word for word in rest if re.search(r"\$", word.replace("$$", ""))]
    assert [word.replace("$$", "$") for word in rest] == words


@given(WORDS)
def test_a_variable_comes_out_as_it_went_in(path: str) -> None:
    assert systemd_reads(quoted(path)) == [path]


def test_the_service_runs_once_with_the_agent_it_needs() -> None:
    text = service_text(JOB)
    assert text.startswith(f"{MARK}\n[Unit]\n")
    lines = text.splitlines()
    assert "Type=oneshot" in lines
    assert (
        'ExecStart="/opt/my fleet/100%%/sshfleet" "--inventory" '
        '"/home/me/$$fleet \'x\'.yaml" "reconcile"'
    ) in lines
    assert 'Environment="SSH_AUTH_SOCK=/run/user/1000/ssh agent%%"' in lines
    assert "SuccessExitStatus=143" in lines
    assert not [line for line in lines if line.startswith("User=")]


def test_the_systems_service_runs_as_somebody_once_there_is_a_network() -> None:
    lines = service_text(Job(name="demo", words=("/s",), agent="/a", every=60, user="me"))
    assert "User=me\n" in lines
    assert "After=network-online.target\n" in lines


def test_the_timer_begins_at_once_and_repeats() -> None:
    lines = timer_text(JOB).splitlines()
    assert {"OnActiveSec=1", "OnUnitActiveSec=60", "AccuracySec=1"} <= set(lines)
    assert lines[-2:] == ["[Install]", "WantedBy=timers.target"]


@pytest.mark.parametrize(
    "job",
    [
        Job(name="demo", words=("/a\nb", "x"), agent="/a", every=60),
        Job(name="demo", words=('/a"b', "x"), agent="/a", every=60),
        Job(name="demo", words=("/a", "\udcff"), agent="/a", every=60),
        Job(name="demo", words=("/a", "x"), agent="/a\x1b", every=60),
    ],
)
def test_what_systemd_cannot_take_is_refused(job: Job) -> None:
    with pytest.raises(UsageError):
        service_text(job)
