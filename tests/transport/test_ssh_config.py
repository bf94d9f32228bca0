"""One `ssh -G` may answer for many addresses, but never differently than it would for each."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from sshfleet.transport.base import TransportError
from sshfleet.transport.ssh_config import SshConfig

ADDRESSES = ["web", "Web", "web.example.org", "10.0.0.1", "10.0.0.2", "db1", "db2", "bastion"]
USED = (
    *("hostname", "user", "port", "hostkeyalias", "proxyjump", "proxycommand", "identityfile"),
    *("userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking", "hashknownhosts"),
    "identitiesonly",
)

ALIKE = {
    "empty": ("", 1),
    "defaults": ("Host *\n  User deploy\n  IdentityFile ~/.ssh/%h\n", 1),
    "a comment": ("# Match exec false\n  # HostName %h\nUser x\n", 1),
    "names": ("Host web db?\n  Port 2222\nHost 10.*\n  User net\n", 3),
    "negated": ("Host * !web\n  ProxyJump bastion2\n", 2),
    "equals": ("Host=web\n  User=x\n", 2),
    "a quoted name": ('Host "web" db1\n  User x\n', 2),
    "a fixed name": ("Host db1 db2\n  HostName 192.0.2.1\n", 2),
    "everything matches": ("Match all\n  User x\n", 1),
    "control path": ("ControlPath ~/.ssh/%r@%h:%p\n", 1),
}
EACH = {
    "match": "Match host web\n  User x\n",
    "match exec": 'Match exec "test %h = web"\n  User x\n',
    "a token": "Host *\n  HostName %h.example.org\n",
    "a token in a file": "UserKnownHostsFile ~/kh/%h\n",
    "canonical": "CanonicalizeHostname yes\nCanonicalDomains invalid\n",
}


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Count how often ssh is called: a byte each."""
    real, calls = shutil.which("ssh"), tmp_path / "calls"
    calls.touch()
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nprintf . >>{calls}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return calls


def said_by_ssh(config: Path, address: str) -> dict[str, list[str]]:
    argv = ["ssh", "-T", "-G", "-F", str(config), "--", address]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    said: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        said.setdefault(keyword.lower(), []).append(value)
    return said


def used(settings: Mapping[str, list[str]]) -> dict[str, list[str]]:
    known = {keyword: settings[keyword] for keyword in USED if keyword in settings}
    return {**known, "hostname": [name.lower() for name in known["hostname"]]}


async def ask_for_all(config: Path) -> dict[str, dict[str, list[str]]]:
    asking = SshConfig(str(config))
    answers = await asyncio.gather(*(asking.settings(address) for address in ADDRESSES))
    await asking.close()
    return dict(zip(ADDRESSES, map(used, answers), strict=True))


@pytest.mark.parametrize(("text", "calls"), ALIKE.values(), ids=ALIKE)
async def test_addresses_that_are_treated_alike_share_an_answer(
    tmp_path: Path, counted: Path, text: str, calls: int
) -> None:
    config = tmp_path / "config"
    config.write_text(text)
    answers = await ask_for_all(config)
    assert counted.stat().st_size == calls
    assert answers == {one: used(said_by_ssh(config, one)) for one in ADDRESSES}


@pytest.mark.parametrize("text", EACH.values(), ids=EACH)
async def test_in_doubt_each_address_is_asked_for(tmp_path: Path, counted: Path, text: str) -> None:
    config = tmp_path / "config"
    config.write_text(text)
    answers = await ask_for_all(config)
    assert counted.stat().st_size == len(ADDRESSES)
    assert answers == {one: used(said_by_ssh(config, one)) for one in ADDRESSES}


@pytest.mark.parametrize(("inner", "calls"), [("Host web\n  User x\n", 2), ("Match host web\n", 8)])
async def test_what_is_included_counts(
    tmp_path: Path, counted: Path, inner: str, calls: int
) -> None:
    config, folder = tmp_path / "config", tmp_path / "config.d"
    folder.mkdir()
    (folder / "one.conf").write_text("Compression no\n")
    (folder / "two.conf").write_text(inner)
    config.write_text(f"Include {folder}/*.conf\nHost *\n  Port 23\n")
    answers = await ask_for_all(config)
    assert counted.stat().st_size == calls
    assert answers == {one: used(said_by_ssh(config, one)) for one in ADDRESSES}


async def test_an_include_without_end_is_left_to_ssh(tmp_path: Path, counted: Path) -> None:
    config = tmp_path / "config"
    config.write_text(f"Include {config}\n")
    asking = SshConfig(str(config))
    with pytest.raises(Exception, match="Too many recursive"):
        await asking.settings("web")
    await asking.close()


async def test_user_and_port_that_are_decided_have_answers_of_their_own(
    tmp_path: Path, counted: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("User x\nPort 24\n")
    asking = SshConfig(str(config))
    one = await asking.settings("web")
    two = await asking.settings("web", user="core", port=2222)
    await asking.close()
    assert (one["user"], one["port"]) == (["x"], ["24"])
    assert (two["user"], two["port"]) == (["core"], ["2222"])


async def test_one_address_that_ssh_refuses_does_not_spoil_the_others(
    tmp_path: Path, counted: Path
) -> None:
    config = tmp_path / "config"
    config.touch()
    asking = SshConfig(str(config))
    with pytest.raises(Exception, match="invalid characters"):
        await asking.settings("a b")
    assert (await asking.settings("web"))["hostname"] == ["web"]
    await asking.close()


async def test_what_was_begun_is_not_asked_again(tmp_path: Path, counted: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host db*\n  Port 2222\n")
    asker = SshConfig(str(config))
    asker.begin([("web", "", 0), ("10.0.0.1", "", 0), ("db1", "", 0), ("-oops", "", 0)])
    try:
        told = [await asker.settings(one) for one in ("10.0.0.1", "db2", "web")]
    finally:
        await asker.close()
    assert [(one["hostname"], one["port"]) for one in told] == [
        (["10.0.0.1"], ["22"]),
        (["db2"], ["2222"]),
        (["web"], ["22"]),
    ]
    assert counted.read_text() == ".."


async def test_nothing_is_begun_where_each_address_is_asked_by_itself(
    tmp_path: Path, counted: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(EACH["match exec"])
    asker = SshConfig(str(config))
    asker.begin([("web", "", 0)])
    await asker.close()
    assert counted.read_text() == ""


async def test_a_failure_that_was_begun_is_told_by_the_address_that_asks(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Nonsense yes\n")
    asker = SshConfig(str(config))
    asker.begin([("web", "", 0)])
    try:
        with pytest.raises(TransportError, match="onsense"):
            await asker.settings("web")
    finally:
        await asker.close()
