"""Where machines are and how to log in: command line > inventory > ssh_config > default."""

import getpass
from pathlib import Path

import pytest

from sshfleet.model.machine import Machine, MachineName
from sshfleet.model.observed import Trouble
from sshfleet.transport import ssh_config
from sshfleet.transport.base import TransportError
from sshfleet.transport.options import SshOptions, Strictness
from sshfleet.transport.resolve import Resolver, Route

WEB = Machine(name=MachineName("web"), address="web")
CONFIG = """
Host web
  HostName 192.0.2.7
  User deploy
  Port 2222
  HostKeyAlias web-key
  UserKnownHostsFile ~/one %d/two
  GlobalKnownHostsFile /etc/three
  StrictHostKeyChecking accept-new
  HashKnownHosts yes
  IdentitiesOnly yes
  IdentityFile ~/.ssh/%h-%r-%n.pub
  ProxyJump me@bastion:2200,inner
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config"
    path.write_text(CONFIG)
    return path


async def resolve(machine: Machine, options: SshOptions) -> Route:
    resolver = Resolver(options)
    try:
        return await resolver.machine(machine)
    finally:
        await resolver.close()


async def test_ssh_config_says_what_nobody_else_says(config: Path, home: Path) -> None:
    route = await resolve(WEB, SshOptions(ssh_config=str(config)))
    account = Path(f"~{getpass.getuser()}").expanduser()  # ssh looks its home up in /etc/passwd
    assert route == Route(
        name="web",
        host="192.0.2.7",
        port=2222,
        user="deploy",
        alias="web-key",
        user_files=(account / "one", account / "two"),
        global_files=(Path("/etc/three"),),
        strict=Strictness.ACCEPT_NEW,
        hash_names=True,
        identities_only=True,
        identity_files=(home / ".ssh" / "192.0.2.7-deploy-web.pub",),
        jump=("me@bastion:2200", "inner"),
    )


async def test_the_inventory_goes_before_ssh_config(config: Path) -> None:
    machine = Machine(
        name=MachineName("x"), address="web", user="core", port=23, proxy_jump="b", host_key="pin"
    )
    route = await resolve(machine, SshOptions(ssh_config=str(config)))
    said = (route.name, route.user, route.port, route.jump, route.pin)
    assert said == ("x", "core", 23, ("b",), "pin")


async def test_the_command_line_goes_before_all(config: Path, tmp_path: Path) -> None:
    machine = Machine(name=MachineName("x"), address="web", user="core")
    options = SshOptions(
        ssh_config=str(config), username="me", strict="yes", known_hosts_file=str(tmp_path / "a b")
    )
    route = await resolve(machine, options)
    assert (route.user, route.strict) == ("me", Strictness.YES)
    assert route.user_files == (tmp_path / "a b",)
    assert route.global_files == (Path("/etc/three"),)


async def test_defaults_are_those_of_ssh(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    route = await resolve(WEB, SshOptions(ssh_config=str(tmp_path / "empty")))
    assert (route.host, route.port, route.user) == ("web", 22, getpass.getuser())
    assert (route.jump, route.alias, route.strict) == ((), "", Strictness.ASK)
    assert [path.name for path in route.user_files] == ["known_hosts", "known_hosts2"]
    assert "id_ed25519" in [path.name for path in route.identity_files]


async def test_without_an_ssh_program_the_inventory_is_enough(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("PATH", str(home))
    route = await resolve(WEB, SshOptions())
    assert (route.host, route.port, route.user) == ("web", 22, getpass.getuser())
    said = Machine(name=MachineName("x"), address="web", user="core", port=23, proxy_jump="b")
    route = await resolve(said, SshOptions(strict="yes"))
    assert (route.user, route.port, route.jump, route.strict) == ("core", 23, ("b",), "yes")
    assert route.user_files[0] == home / ".ssh" / "known_hosts"
    assert route.global_files[0] == Path("/etc/ssh/ssh_known_hosts")


async def test_a_known_hosts_file_called_none_is_no_file(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("UserKnownHostsFile none\nGlobalKnownHostsFile none\n")
    route = await resolve(WEB, SshOptions(ssh_config=str(config)))
    assert (route.user_files, route.global_files) == ((), ())


@pytest.mark.parametrize("address", ["-oProxyCommand=touch x", "", "a b", "x;id", "$(id)", "a\0b"])
async def test_an_address_never_becomes_an_option_or_a_command(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").touch()
    machine = Machine(name=MachineName("x"), address=address)
    with pytest.raises(TransportError) as caught:
        await resolve(machine, SshOptions(ssh_config=str(tmp_path / "empty")))
    assert caught.value.trouble is Trouble.FAULT_HERE
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("text", "said"), [("Bogus yes\n", "Bad configuration option"), (None, "No such file")]
)
async def test_a_broken_ssh_config_is_a_fault_here_with_its_line(
    tmp_path: Path, text: str | None, said: str
) -> None:
    config = tmp_path / "config"
    if text:
        config.write_text(text)
    with pytest.raises(TransportError, match=said) as caught:
        await resolve(WEB, SshOptions(ssh_config=str(config)))
    assert caught.value.trouble is Trouble.FAULT_HERE
    assert str(config) in caught.value.message


async def test_an_ssh_config_that_takes_too_long_is_a_fault_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_config, "DEADLINE", 0.3)
    config = tmp_path / "config"
    config.write_text('Match exec "sleep 5"\n  User x\n')
    with pytest.raises(TransportError, match="took over") as caught:
        await resolve(WEB, SshOptions(ssh_config=str(config)))
    assert caught.value.trouble is Trouble.FAULT_HERE


async def test_a_proxy_command_is_refused_not_ignored(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("ProxyCommand nc %h %p\n")
    with pytest.raises(TransportError, match="ProxyCommand nc") as caught:
        await resolve(WEB, SshOptions(ssh_config=str(config)))
    assert "ProxyJump" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "user", "host", "port"),
    [
        ("bastion", "", "bastion", 22),
        ("me@bastion", "me", "bastion", 22),
        ("me@bastion:2200", "me", "bastion", 2200),
        ("[fe80::1]", "", "fe80::1", 22),
        ("me@[fe80::1]:22", "me", "fe80::1", 22),
        ("ssh://me@bastion:2200", "me", "bastion", 2200),
        ("ssh://bastion/", "", "bastion", 22),
    ],
)
async def test_a_jump_host_may_be_written_in_every_way_of_ssh(
    tmp_path: Path, spec: str, user: str, host: str, port: int
) -> None:
    (tmp_path / "empty").touch()
    resolver = Resolver(SshOptions(ssh_config=str(tmp_path / "empty")))
    route = await resolver.hop(spec)
    await resolver.close()
    assert (route.user, route.host, route.port) == (user or getpass.getuser(), host, port)


@pytest.mark.parametrize("spec", ["", "-oX", "me@", "a:b:c", "host:port", "@host"])
async def test_a_jump_host_that_makes_no_sense_is_refused(tmp_path: Path, spec: str) -> None:
    (tmp_path / "empty").touch()
    resolver = Resolver(SshOptions(ssh_config=str(tmp_path / "empty")))
    with pytest.raises(TransportError):
        await resolver.hop(spec)
    await resolver.close()


async def test_none_switches_a_configured_jump_host_off(config: Path) -> None:
    machine = Machine(name=MachineName("x"), address="web", proxy_jump="none")
    assert (await resolve(machine, SshOptions(ssh_config=str(config)))).jump == ()
