"""`install-timer`, typed by hand; systemctl and crontab are programs of ours, first in PATH."""

import io
import os
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sshfleet.cli.app import run
from tests.cli.agents import add_key, agent_at
from tests.cli.test_wrong_input import is_refused
from tests.lab.user import Ended, User

INVENTORY = "fleet: {name: demo}\nmachines:\n  m1: {address: 192.0.2.1}\n"
SYSTEMCTL = """\
#!/bin/sh
echo "$*" >>"$FAKES/asked"
[ "$1" != --user ] || shift
case $1 in
show) [ -e "$FAKES/systemd" ] ;;
is-*) [ -e "$FAKES/$1 $2" ] ;;
enable) : >"$FAKES/is-enabled $2" ;;
restart) : >"$FAKES/is-active $2" ;;
disable) rm "$FAKES/is-active $3" "$FAKES/is-enabled $3" ;;
esac
"""
CRONTAB = """\
#!/bin/sh
case $1 in
-l)
    [ ! -e "$FAKES/broken" ] || { echo "crontab: disk on fire" >&2; exit 1; }
    cat "$FAKES/crontab" 2>/dev/null || { echo "no crontab for me" >&2; exit 1; } ;;
-) cat >"$FAKES/crontab" ;;
-r) rm "$FAKES/crontab" ;;
esac
"""
OTHERS = "# mine\n5 4 * * 7 backup\n"


class Here(User):
    """A user whose commands run in this very process, which is faster; nobody is at stdin."""

    program = "python -m sshfleet"

    def runs(self, *words: str, **variables: str) -> Ended:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in {**self.variables, **variables}.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr("sys.stdin", io.StringIO())
            patch.setattr("sys.argv", [self.program, *words])
            code = run(words)
        return Ended(code, out.getvalue(), err.getvalue(), seconds=0)


@pytest.fixture
def user(tmp_path: Path) -> Iterator[Here]:
    """Give a user with a key in an agent, a systemd that runs, and an empty crontab."""
    agent, fakes = tmp_path / "agent.socket", tmp_path / "fakes"
    fakes.mkdir()
    (fakes / "systemd").touch()
    with agent_at(agent):
        path = f"{tmp_path}/bin:{os.environ['PATH']}"
        someone = Here(tmp_path, {"SSH_AUTH_SOCK": str(agent), "PATH": path, "FAKES": str(fakes)})
        someone.writes("inventory.yaml", INVENTORY)
        for name, text in (("systemctl", SYSTEMCTL), ("crontab", CRONTAB)):
            someone.writes(f"bin/{name}", text)
            (tmp_path / "bin" / name).chmod(0o755)
        add_key(tmp_path / "key", someone)
        yield someone


def units(user: User) -> dict[str, str]:
    folder = user.folder / "home/config/systemd/user"
    return {one.name: one.read_text() for one in sorted(folder.glob("sshfleet-*"))}


def asked(user: User) -> list[str]:
    """Return what systemctl was asked to change, and forget it."""
    log = user.folder / "fakes/asked"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [line for line in lines if line.split()[1] not in ("show", "is-active", "is-enabled")]


def crontab(user: User) -> str | None:
    path = user.folder / "fakes/crontab"
    return path.read_text() if path.exists() else None


def installs(user: User, *words: str) -> str:
    """Install or remove; return what was shown."""
    ended = user.runs("install-timer", "--user", "--yes", *words)
    assert ended.code == 0, ended
    return ended.stdout


def test_a_timer_is_shown_then_written_and_started_and_the_second_time_nothing_is_done(
    user: User,
) -> None:
    shown = installs(user, "--every", "30s")
    assert list(units(user)) == ["sshfleet-demo.service", "sshfleet-demo.timer"]
    service, timer = units(user).values()
    assert "OnUnitActiveSec=30\n" in timer
    assert f'Environment="SSH_AUTH_SOCK={user.folder}/agent.socket"\n' in service
    assert f'"--inventory" "{user.folder}/inventory.yaml"' in service
    assert f'"--journal" "{user.folder}/home/state/sshfleet/demo/journal.jsonl"' in service
    for text in (service, timer):
        assert "".join(f"  {line}\n" if line else "\n" for line in text.splitlines()) in shown
    steps = ["daemon-reload", "enable sshfleet-demo.timer", "restart sshfleet-demo.timer"]
    assert asked(user) == [f"--user {step}" for step in steps]
    assert shown.endswith("done\n")

    assert installs(user, "--every", "30s") == "nothing to do: it is installed\n"
    assert asked(user) == []
    assert "OnUnitActiveSec=60\n" in installs(user)
    assert asked(user) == [f"--user {step}" for step in steps]


def test_the_command_in_the_service_runs_from_anywhere(user: User) -> None:
    installs(user, "--metrics", "a.prom")
    (line,) = [one for one in units(user)["sshfleet-demo.service"].splitlines() if "Exec" in one]
    words = line.removeprefix('ExecStart="').removesuffix('"').split('" "')
    done = subprocess.run(
        words, cwd="/", env={"HOME": "/nowhere"}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert 'sshfleet_last_run_exit_code{fleet="demo"} 0' in (user.folder / "a.prom").read_text()


def test_an_installed_program_is_named_by_its_absolute_path(user: Here) -> None:
    user.writes("bin/sshfleet", "#!/bin/sh\n")
    (user.folder / "bin/sshfleet").chmod(0o755)
    for said in ("sshfleet", "bin/sshfleet", f"{user.folder}/bin/sshfleet"):
        user.program = said
        shown = user.runs("install-timer", "--user", "--dry-run").stdout
        assert f'  ExecStart="{user.folder}/bin/sshfleet" "--inventory" ' in shown


def test_options_and_the_environment_are_passed_on(user: User) -> None:
    ended = user.runs(
        "install-timer", "--cron", "--yes", "--lock-wait", "30", "-F", "ssh config",
        "--strict-host-key-checking", "accept-new", SSHFLEET_SSH_USERNAME="core",
    )  # fmt: skip
    assert ended.code == 0, ended
    line = crontab(user) or ""
    assert f"'--ssh-config' '{user.folder}/ssh config'" in line
    for words in ("'--lock-wait' '30.0'", "'--ssh-username' 'core'", "checking' 'accept-new'"):
        assert words in line


def test_a_line_goes_into_the_crontab_and_out_again_and_others_stay(user: User) -> None:
    (user.folder / "fakes/crontab").write_text(OTHERS)
    shown = installs(user, "--cron", "--every", "5m")
    held = crontab(user) or ""
    assert held.startswith(OTHERS + "*/5 * * * * SSH_AUTH_SOCK=")
    assert held.endswith(" # sshfleet install-timer demo\n")
    assert f"  + {held.removeprefix(OTHERS)}" in shown
    assert installs(user, "--cron", "--every", "5m") == "nothing to do: it is installed\n"
    assert "  - " in installs(user, "--remove")
    assert crontab(user) == OTHERS
    assert installs(user, "--remove") == "nothing is installed\n"
    assert (units(user), asked(user)) == ({}, [])


def test_an_empty_crontab_is_one_again_when_the_line_is_removed(user: User) -> None:
    installs(user, "--cron")
    assert crontab(user)
    installs(user, "--remove")
    assert crontab(user) is None


def test_a_timer_takes_the_place_of_a_line_and_a_line_that_of_a_timer(user: User) -> None:
    installs(user, "--cron")
    installs(user)
    assert (len(units(user)), crontab(user)) == (2, None)
    installs(user, "--cron")
    assert units(user) == {}
    assert crontab(user)


def test_what_was_installed_is_removed(user: User) -> None:
    installs(user)
    asked(user)
    installs(user, "--remove")
    assert units(user) == {}
    assert asked(user) == ["--user disable --now sshfleet-demo.timer", "--user daemon-reload"]


def test_without_a_systemd_that_answers_a_line_is_taken(user: User) -> None:
    (user.folder / "fakes/systemd").unlink()
    ended = user.runs("install-timer", "--user", "--yes")
    assert ended.code == 0
    assert "a crontab line instead of a timer" in ended.stderr
    assert crontab(user)


def test_a_crontab_that_cannot_be_read_is_never_written(user: User) -> None:
    (user.folder / "fakes/crontab").write_text(OTHERS)
    (user.folder / "fakes/broken").touch()
    ended = user.runs("install-timer", "--cron", "--yes")
    assert ended.code == 1
    assert "error: cannot read the crontab: crontab: disk on fire" in ended.stderr
    assert crontab(user) == OTHERS


@pytest.mark.parametrize("way", ["--cron", "--user"])
def test_nothing_is_changed_without_a_yes(user: User, way: str) -> None:
    dry = user.runs("install-timer", way, "--dry-run")
    assert dry.code == 0
    assert "demo" in dry.stdout
    unasked = user.runs("install-timer", way)
    assert unasked.code == 2
    assert unasked.stdout == dry.stdout
    assert "nobody is there to be asked" in unasked.stderr
    assert (units(user), asked(user), crontab(user)) == ({}, [], None)


def test_a_file_that_somebody_else_wrote_is_left_alone(user: User) -> None:
    user.writes("home/config/systemd/user/sshfleet-demo.timer", "[Timer]\n")
    for words in ([], ["--remove"]):
        ended = user.runs("install-timer", "--user", "--yes", *words)
        assert ended.code == 1
        assert "was not written by sshfleet install-timer" in ended.stderr
    assert units(user) == {"sshfleet-demo.timer": "[Timer]\n"}


def test_without_a_key_nothing_is_installed(user: User) -> None:
    subprocess.run(["ssh-add", "-q", "-D"], env=user.variables, check=True, capture_output=True)
    is_refused(user.runs("install-timer", "--cron", "--yes"), 77, "the ssh-agent holds no key")
    gone = user.runs("install-timer", "--cron", "--yes", SSH_AUTH_SOCK="")
    is_refused(gone, 77, "SSH_AUTH_SOCK is not set")
    assert crontab(user) is None


def test_an_agent_that_ends_with_the_login_is_told(user: User) -> None:
    dry = user.runs("install-timer", "--cron", "--dry-run")
    assert f"the agent at {user.folder}/agent.socket holds 1 key" in dry.stderr
    assert (
        "hint: an agent at a socket that stays: scripts/ssh-agent-setup.sh --install" in dry.stderr
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--user", "--system"), "exclude each other"),
        (("--cron", "--every", "90s"), "a crontab cannot say each 90 s"),
        (("--cron", "--every", "soon"), "'soon' is not a length of time"),
        (("--cron", "--every", "0m"), "'0m' is not a length of time"),
    ],
)
def test_what_makes_no_sense_is_refused(user: User, words: tuple[str, ...], says: str) -> None:
    is_refused(user.runs("install-timer", "--yes", "--quiet", *words), 2, says)
