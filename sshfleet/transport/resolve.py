"""Where a machine is and how to log in there: command line > inventory > ssh_config > default."""

import getpass
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble
from sshfleet.transport.base import TransportError
from sshfleet.transport.dial import look_up
from sshfleet.transport.options import SshOptions, Strictness
from sshfleet.transport.ssh_config import Settings, SshConfig

SSH_PORT = 22
USER_FILES = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
GLOBAL_FILES = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
STRICTNESS = {
    "true": Strictness.YES,
    "yes": Strictness.YES,
    "accept-new": Strictness.ACCEPT_NEW,
    "false": Strictness.NO,
    "no": Strictness.NO,
    "off": Strictness.NO,
}
HOP = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?:\[(?P<ipv6>[^]]+)\]|(?P<host>[^:@/]+))(?::(?P<port>\d+))?/?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """All that a login must know of a machine or jump host.

    `alias` is HostKeyAlias. Known host keys are in `user_files` and `global_files`; a new one goes
    into the first of `user_files`. `jump` names jump hosts in the order they are passed.
    """

    name: str
    host: str
    port: int
    user: str
    alias: str = ""
    user_files: tuple[Path, ...] = ()
    global_files: tuple[Path, ...] = ()
    strict: Strictness = Strictness.ASK
    hash_names: bool = False
    pin: str = ""
    identities_only: bool = False
    identity_files: tuple[Path, ...] = ()
    jump: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the command line and the inventory say; empty and 0 leave it to ssh_config."""

    name: str
    address: str
    user: str
    port: int
    pin: str = ""
    jump: str = ""


class Resolver:
    """Turns machines and jump hosts into routes."""

    def __init__(self, options: SshOptions) -> None:
        self._options = options
        self._config = SshConfig(options.ssh_config)
        self._files: dict[str, Path] = {}

    def begin(self, machines: Iterable[Machine]) -> None:
        """Let `ssh -G` begin with what will be asked of it, while we do something else."""
        self._config.begin(
            (machine.address, self._options.username or machine.user, machine.port)
            for machine in machines
        )

    async def machine(self, machine: Machine) -> Route:
        """Return the route to a machine; raises TransportError."""
        return await self._route(
            _Wanted(
                name=machine.name,
                address=machine.address,
                user=self._options.username or machine.user,
                port=machine.port,
                pin=machine.host_key,
                jump=machine.proxy_jump,
            )
        )

    async def hop(self, spec: str) -> Route:
        """Return the route to a jump host, `[user@]host[:port]`; raises TransportError."""
        said = HOP.fullmatch(spec)
        if said is None:
            raise TransportError(Trouble.FAULT_HERE, f"{spec!r} does not name a jump host")
        address, port = said["ipv6"] or said["host"], int(said["port"] or 0)
        return await self._route(
            _Wanted(name=spec, address=address, user=said["user"] or "", port=port)
        )

    async def seen_by_others(self, machine: Machine) -> tuple[str, int]:
        """Return a machine's address and port for the other machines; raises as `machine`, OSError.

        The address is empty when it means something else to each of them: one of this computer.
        Behind a jump host the name is left as it is, for it may mean nothing here.
        """
        route = await self.machine(machine)
        if route.jump:
            return route.host, route.port
        _family, (address, *_rest) = (await look_up(route.host, route.port))[0]
        return ("" if ip_address(address.partition("%")[0]).is_loopback else address), route.port

    async def close(self) -> None:
        """Ask nothing more."""
        await self._config.close()

    async def _route(self, wanted: _Wanted) -> Route:
        said = await self._config.settings(wanted.address, user=wanted.user, port=wanted.port)
        if (command := _first(said, "proxycommand")) not in ("", "none"):
            message = f"ssh_config reaches {wanted.name} through ProxyCommand {command}"
            hint = "sshfleet runs no ProxyCommand: say ProxyJump in its place"
            raise TransportError(Trouble.UNMANAGEABLE, message, hint=hint)
        known = self._options.known_hosts_file or _first(said, "userknownhostsfile", USER_FILES)
        files = [known] if self._options.known_hosts_file else known.split()
        host = _first(said, "hostname", wanted.address)
        user = wanted.user or _first(said, "user") or getpass.getuser()
        return Route(
            name=wanted.name,
            host=host,
            port=wanted.port or int(_first(said, "port", str(SSH_PORT))),
            user=user,
            alias=_first(said, "hostkeyalias"),
            user_files=self._paths(files),
            global_files=self._paths(_first(said, "globalknownhostsfile", GLOBAL_FILES).split()),
            strict=self._strictness(said),
            hash_names=_first(said, "hashknownhosts") == "yes",
            pin=wanted.pin,
            identities_only=_first(said, "identitiesonly") == "yes",
            identity_files=self._paths(_identities(said, wanted.address, host, user)),
            jump=_hops(wanted.jump or _first(said, "proxyjump")),
        )

    def _paths(self, names: Iterable[str]) -> tuple[Path, ...]:
        """Return the files named, most of them the same for all machines; `none` names none."""
        return tuple(self._path(name) for name in names if name.lower() != "none")

    def _path(self, name: str) -> Path:
        if name not in self._files:
            self._files[name] = Path(name).expanduser()
        return self._files[name]

    def _strictness(self, said: Settings) -> Strictness:
        if self._options.strict:
            return Strictness(self._options.strict)
        return STRICTNESS.get(_first(said, "stricthostkeychecking"), Strictness.ASK)


def _first(said: Settings, keyword: str, default: str = "") -> str:
    return said.get(keyword, [default])[0]


def _hops(jump: str) -> tuple[str, ...]:
    return () if jump.lower() in ("", "none") else tuple(jump.split(","))


def _identities(said: Settings, address: str, host: str, user: str) -> list[str]:
    """Return IdentityFile with its tokens filled in, as TOKENS in ssh_config(5) says."""
    names = said.get("identityfile", [])
    if not any("%" in name for name in names):
        return names
    tokens = {"%d": str(Path.home()), "%h": host, "%n": address, "%r": user, "%%": "%"}

    def fill(name: str) -> str:
        return re.sub(r"%.", lambda found: tokens.get(found[0], found[0]), name)

    return [fill(name) for name in names]
