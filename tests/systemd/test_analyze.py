"""systemd's opinion: how it is asked, and what is read from its answer."""

import subprocess
from pathlib import Path

import pytest

from sshfleet.model.remark import Level, Remark
from sshfleet.model.step import Completed, Run
from sshfleet.systemd.analyze import FAILED, MISSING, analyze_run, opinion

PLACES = {
    "web.service": "units/web.service",
    "web.service.d/10.conf": "units/web.service.d/10.conf",
}
# As systemd 252 prints it; 257 differs only in the words of warnings.
BAD_BINARY = "web.service: Command /usr/bin/nope is not executable: No such file or directory"
NO_PEER = "web.service: Failed to create web.service/start: Unit ghost.service not found."
REFUSED = "web.service: Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing."
BAD_SETTING = "Unit web.service has a bad unit file setting."
TYPO = "Unknown key 'Typ' in section [Service], ignoring."


def ran(run: Run, tmp_path: Path, stand_in: str, path: str = "") -> Completed:
    """Run the script with a stand-in for systemd-analyze and a folder for its temporary files."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "tmp").mkdir()
    if stand_in:
        program = tmp_path / "bin/systemd-analyze"
        program.write_text(f"#!/bin/sh\n{stand_in}\n")
        program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "-uc", run.script],
        input=run.data,
        env={"PATH": path or f"{tmp_path}/bin:/usr/bin:/bin", "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        check=False,
    )
    assert list((tmp_path / "tmp").iterdir()) == []
    return Completed(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def test_the_files_lie_in_a_private_folder_under_their_names(tmp_path: Path) -> None:
    texts = {
        "web@.service": "[Service]\nExecStart=/bin/true ü\n",
        "web@.service.d/a.conf": "",
        "a\\x2db.mount": "no newline at the end",
    }
    run = analyze_run("web@.service", texts)
    done = ran(
        run, tmp_path, 'stat -c %a "${3%/*}"; echo "$@"; cd "${3%/*}"; tail -n 9 -- */* *e *t'
    )
    folder, mode, words, *rest = done.stdout.decode().splitlines()
    assert (done.status, done.stderr, mode) == (0, b"", "700")
    assert words == f"verify --man=no {folder}/web@i.service"
    assert "\n".join(rest) == (
        "==> web@.service.d/a.conf <==\n\n==> web@.service <==\n[Service]\nExecStart=/bin/true ü\n"
        "\n==> a\\x2db.mount <==\nno newline at the end"
    )


def test_nothing_is_left_when_it_fails_or_is_ended(tmp_path: Path) -> None:
    run = analyze_run("web.service", {"web.service": "x"})
    assert ran(run, tmp_path, "kill -TERM $PPID; exit 3").status == 143


def test_its_exit_code_is_passed_on(tmp_path: Path) -> None:
    assert ran(analyze_run("web.service", {}), tmp_path, "exit 3").status == 3


def test_a_machine_without_the_program_says_so(tmp_path: Path) -> None:
    done = ran(analyze_run("web.service", {}), tmp_path, "", path=f"{tmp_path}/bin")
    assert (done.status, done.stdout) == (MISSING, b"")


def test_a_machine_without_room_says_so(tmp_path: Path) -> None:
    script = analyze_run("web.service", {}).script.replace("mktemp -d", "mktemp -d /nowhere/XXXXXX")
    done = ran(Run(script=script), tmp_path, "exit 0")
    assert (done.status, done.stdout) == (FAILED, b"")
    assert b"/nowhere" in done.stderr


def read(*lines: str, status: int, machine: str = "") -> list[Remark]:
    said = "".join(f"{line}\n" for line in ("/tmp/x", *lines))
    done = Completed(status=status, stdout=said.encode(), stderr=b"")
    return opinion("web.service", PLACES, done, machine)


def test_what_systemd_ignores_is_a_warning_at_its_line() -> None:
    lines = [f"/tmp/x/web.service:3: {TYPO}", f"/tmp/x/web.service.d/10.conf:2: {TYPO}"]
    for status in (0, 1):
        assert read(*lines, *lines, status=status) == [
            Remark(level=Level.WARNING, message=TYPO, place="units/web.service:3"),
            Remark(level=Level.WARNING, message=TYPO, place="units/web.service.d/10.conf:2"),
        ]


def test_what_is_said_of_other_units_does_not_count() -> None:
    lines = [
        f"/tmp/x/db.service:3: {TYPO}", f"/lib/systemd/system/dbus.service:9: {TYPO}",
        "db.service: Command /x is not executable: No such file or directory", "Whatever.", "",
    ]  # fmt: skip
    assert read(*lines, status=1) == []


@pytest.mark.parametrize("line", [BAD_BINARY, NO_PEER])
def test_what_is_missing_is_a_note_here_and_an_error_on_the_machine(line: str) -> None:
    (here,) = read(line, status=1)
    assert (here.level, here.place) == (Level.NOTE, "units/web.service")
    assert here.message == "on this computer: " + line.removeprefix("web.service: ")
    (there,) = read(line, status=1, machine="core-01")
    assert (there.level, there.message) == (Level.ERROR, line.removeprefix("web.service: "))
    assert there.hint == "systemd on core-01 says so: man systemd.service"


@pytest.mark.parametrize("machine", ["", "core-01"])
def test_what_systemd_refuses_is_one_error(machine: str) -> None:
    (refused,) = read(REFUSED, BAD_SETTING, status=1, machine=machine)
    assert (refused.level, refused.message) == (
        Level.ERROR, REFUSED.removeprefix("web.service: "),
    )  # fmt: skip
    assert [one.level for one in read(BAD_SETTING, status=1, machine=machine)] == [Level.ERROR]


def test_a_template_is_named_as_it_is_called() -> None:
    done = Completed(status=1, stdout=b"/tmp/x\nweb@i.service: It is web@i.service.\n", stderr=b"")
    (found,) = opinion("web@.service", {"web@.service": "web@.service"}, done)
    assert (found.message, found.place) == ("It is web@.service.", "web@.service")


def test_bytes_and_words_of_a_machine_never_break_it() -> None:
    for data in (b"", b"\xff\n\xff", b"/tmp/(x\n/tmp/(x/web.service:1: a\n"):
        opinion("web.service", PLACES, Completed(status=1, stdout=data, stderr=b""))
