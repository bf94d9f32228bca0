"""scripts/ssh-agent-setup.sh, run for real in a private home with a real ssh-agent."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "ssh-agent-setup.sh"
Done = subprocess.CompletedProcess[str]


def setup(*words: str, env: dict[str, str] | None = None) -> Done:
    return subprocess.run(
        [str(SCRIPT), *words],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def make_key(path: Path, passphrase: str = "") -> Path:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", path.name, "-f", str(path)]
    subprocess.run(argv, check=True)
    return path


def socket_in(done: Done) -> str:
    assert done.returncode == 0, done.stderr
    evaluated = f'{done.stdout}printf "%s" "$SSH_AUTH_SOCK"'
    shell = subprocess.run(["sh", "-c", evaluated], capture_output=True, text=True, check=True)
    return shell.stdout


def keys_in(agent: str) -> list[str]:
    env = {**os.environ, "SSH_AUTH_SOCK": agent}
    done = subprocess.run(["ssh-add", "-l"], env=env, capture_output=True, text=True, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


def pid_of(agent: str) -> int:
    return int(Path(f"{agent}.pid").read_text(encoding="ascii"))


@pytest.fixture(autouse=True)
def agents_end(home: Path) -> Iterator[None]:
    yield
    for pid_file in home.rglob("*.socket.pid"):
        os.kill(int(pid_file.read_text(encoding="ascii")), signal.SIGKILL)


@pytest.fixture
def fixed(home: Path) -> str:
    return str(home / "run" / "ssh-agent.socket")


@pytest.fixture
def key(home: Path) -> Path:
    return make_key(home / ".ssh" / "id_ed25519")


def test_a_shell_that_evals_it_has_an_agent_with_the_key(key: Path, fixed: str) -> None:
    done = setup()
    assert socket_in(done) == fixed
    assert [line.split()[2] for line in keys_in(fixed)] == [key.name]
    assert done.stdout == f"export SSH_AUTH_SOCK='{fixed}'\n"


def test_twice_is_the_same_agent_and_the_key_is_loaded_once(key: Path, fixed: str) -> None:
    setup()
    first = pid_of(fixed)
    again = setup()
    assert socket_in(again) == fixed
    assert pid_of(fixed) == first
    assert len(keys_in(fixed)) == 1
    assert "loaded" not in again.stderr


def test_many_shells_at_once_share_one_agent(key: Path, fixed: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: setup(), range(8)))
    assert {socket_in(one) for one in done} == {fixed}
    assert sum("started an agent" in one.stderr for one in done) == 1
    listening = subprocess.run(["pgrep", "-cf", f"ssh-agent.* {fixed}$"], capture_output=True)
    assert listening.stdout == b"1\n"
    assert len(keys_in(fixed)) == 1


def test_quiet_says_nothing_when_nothing_changed(key: Path) -> None:
    assert "started" in setup("--quiet").stderr
    assert setup("--quiet").stderr == ""


def test_the_socket_of_a_dead_agent_is_replaced(key: Path, fixed: str) -> None:
    setup()
    dead = pid_of(fixed)
    os.kill(dead, signal.SIGKILL)
    assert Path(fixed).is_socket()
    assert socket_in(setup()) == fixed
    assert pid_of(fixed) != dead
    assert len(keys_in(fixed)) == 1


def test_a_live_agent_of_the_session_is_preferred(key: Path, home: Path, fixed: str) -> None:
    elsewhere = str(home / "session-agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", elsewhere], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()  # it says where it listens once it does
        done = setup(env={"SSH_AUTH_SOCK": elsewhere})
        assert socket_in(done) == elsewhere
        assert len(keys_in(elsewhere)) == 1
        agent.kill()
    assert not Path(fixed).exists()


def test_without_a_runtime_folder_the_socket_is_private_in_dot_ssh(key: Path, home: Path) -> None:
    agent = home / ".ssh" / "agent.socket"
    assert socket_in(setup(env={"XDG_RUNTIME_DIR": ""})) == str(agent)
    assert agent.stat().st_mode & 0o777 == 0o600
    assert agent.parent.stat().st_mode & 0o777 == 0o700


def test_cron_alone_can_start_it_at_the_path_its_crontab_names(home: Path) -> None:
    make_key(home / ".ssh" / "deploy")
    named = f"{home}/.ssh/agent.socket"
    cron = {"HOME": str(home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "SSH_AUTH_SOCK": named}
    job = f"XDG_RUNTIME_DIR= {SCRIPT} --quiet --key ~/.ssh/deploy >/dev/null"
    subprocess.run(["sh", "-c", job], env=cron, check=True, timeout=60)
    assert [line.split()[2] for line in keys_in(named)] == ["deploy"]


def test_a_home_with_quotes_and_spaces_survives_eval(home: Path) -> None:
    odd = home / "o'brien $(touch x) home"
    key = make_key(odd / "key")
    done = setup("--key", str(key), env={"HOME": str(odd), "XDG_RUNTIME_DIR": str(odd)})
    assert socket_in(done) == str(odd / "ssh-agent.socket")


def test_no_key_at_all_is_an_error_that_starts_nothing(fixed: str) -> None:
    done = setup()
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: no key" in done.stderr
    assert "hint: ssh-keygen -t ed25519" in done.stderr
    assert not Path(fixed).exists()


def test_an_agent_that_holds_keys_needs_no_key_file(home: Path, key: Path, fixed: str) -> None:
    setup()
    key.rename(home / "elsewhere")
    assert socket_in(setup()) == fixed


def test_a_named_key_that_is_missing_is_an_error(home: Path, key: Path) -> None:
    done = setup("--key", str(home / "nowhere"))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: no such key file: {home}/nowhere" in done.stderr


def test_a_second_key_joins_the_first(home: Path, key: Path, fixed: str) -> None:
    setup()
    setup("--key", str(make_key(home / "deploy")))
    assert [line.split()[2] for line in keys_in(fixed)] == [key.name, "deploy"]


def test_the_first_default_key_wins(home: Path, fixed: str) -> None:
    make_key(home / ".ssh" / "id_rsa")
    make_key(home / ".ssh" / "id_ecdsa")
    setup()
    assert [line.split()[2] for line in keys_in(fixed)] == ["id_ecdsa"]


def test_a_passphrase_nobody_can_type_is_an_error_with_a_hint(home: Path) -> None:
    locked = make_key(home / "locked", passphrase="open sesame")
    done = subprocess.run(
        ["setsid", "--wait", str(SCRIPT), "--key", str(locked)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "run it once in a terminal" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", ["run", "run/ssh-agent.socket"])
def test_what_belongs_to_another_user_is_refused(home: Path, key: Path, what: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(home / "run" / "ssh-agent.socket"))
        os.chown(home / what, 65534, 65534)
        done = setup()
    assert (done.returncode, done.stdout) == (1, "")
    assert "belongs to another user" in done.stderr


def test_a_folder_others_may_write_to_is_refused(home: Path, key: Path) -> None:
    (home / "run").chmod(0o770)
    done = setup()
    assert (done.returncode, done.stdout) == (1, "")
    assert "other users may write to" in done.stderr


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_not_a_socket_is_refused_and_kept(key: Path, fixed: str, kind: str) -> None:
    if kind == "link":
        Path(fixed).symlink_to(key)
    else:
        Path(fixed).write_text("mine")
    done = setup()
    assert (done.returncode, done.stdout) == (1, "")
    assert Path(fixed).is_file()


def test_status_tells_keys_and_whether_an_agent_answers(key: Path, fixed: str) -> None:
    before = setup("--status")
    assert before.returncode == 1
    assert f"no agent at {fixed}\n" in before.stdout
    setup()
    after = setup("--status")
    assert after.returncode == 0
    assert f"agent at {fixed}\n256 SHA256:" in after.stdout


def test_stop_ends_our_agent_and_can_be_repeated(key: Path, fixed: str) -> None:
    setup()
    stopped = setup("--stop", env={"SSH_AUTH_SOCK": fixed})
    assert (stopped.returncode, stopped.stdout) == (0, "unset SSH_AUTH_SOCK\n")
    assert setup("--status").returncode == 1
    assert setup("--stop").returncode == 0


def test_stop_never_ends_a_process_that_took_the_number(key: Path, fixed: str) -> None:
    setup()
    mine = pid_of(fixed)
    with subprocess.Popen(["sleep", "600"]) as innocent:
        Path(f"{fixed}.pid").write_text(f"{innocent.pid}\n", encoding="ascii")
        done = setup("--stop")
        assert innocent.poll() is None
        innocent.kill()
    Path(f"{fixed}.pid").write_text(f"{mine}\n", encoding="ascii")
    assert done.returncode == 1
    assert "was not started by this script" in done.stderr


def service_file(home: Path) -> Path:
    return home / ".config" / "systemd" / "user" / "ssh-agent.service"


def test_install_writes_the_service_and_tells_the_crontab_line(
    home: Path, key: Path, fixed: str
) -> None:
    done = setup("--install")
    assert (done.returncode, done.stdout) == (0, "")
    assert f"\n  SSH_AUTH_SOCK={fixed}\n" in done.stderr
    assert f"\n  export SSH_AUTH_SOCK='{fixed}'\n" in done.stderr
    text = service_file(home).read_text(encoding="utf-8")
    assert re.search(r"^ExecStart=/.*/ssh-agent -D -a %t/ssh-agent.socket$", text, re.MULTILINE)
    assert len(keys_in(fixed)) == 1
    assert "wrote" not in setup("--install").stderr


def test_install_is_at_the_fixed_socket_whatever_the_session_says(key: Path, home: Path) -> None:
    elsewhere = str(home / "session-agent")
    with subprocess.Popen(["ssh-agent", "-D", "-a", elsewhere], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()
        done = setup("--install", env={"SSH_AUTH_SOCK": elsewhere})
        agent.kill()
    assert done.returncode == 0, done.stderr
    assert elsewhere not in done.stderr


def test_install_keeps_a_service_somebody_else_wrote(home: Path, key: Path) -> None:
    service_file(home).parent.mkdir(parents=True)
    service_file(home).write_text("[Service]\nExecStart=/usr/bin/true\n", encoding="utf-8")
    done = setup("--install")
    assert done.returncode == 1
    assert "was not written by this script" in done.stderr
    assert "/usr/bin/true" in service_file(home).read_text(encoding="utf-8")


def test_systemd_accepts_the_service(home: Path, key: Path) -> None:
    setup("--install")
    argv = ["systemd-analyze", "--user", "--man=no", "verify", str(service_file(home))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "ssh-agent.service" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    "words",
    ["--nonsense", "key", "--key", "--key=", "--status --stop"],
)
def test_wrong_words_are_exit_code_two(words: str) -> None:
    done = setup(*shlex.split(words))
    assert (done.returncode, done.stdout) == (2, "")
    assert "hint:" in done.stderr


def test_help_names_every_option() -> None:
    done = setup("--help")
    assert done.returncode == 0
    for option in ("--key", "--install", "--status", "--stop", "--quiet"):
        assert f"  {option}" in done.stdout


def test_a_machine_without_openssh_is_told_what_to_install(home: Path) -> None:
    bare = home / "bin"
    bare.mkdir()
    for tool in ("bash", "env"):
        (bare / tool).symlink_to(shutil.which(tool) or "")
    done = setup(env={"PATH": str(bare)})
    assert (done.returncode, done.stdout) == (1, "")
    assert "apt-get install openssh-client" in done.stderr
