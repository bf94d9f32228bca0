"""The transport of SSH: what `base.Transport` promises, by asyncssh.

SshTransport      the keys of the agent, and a connection for each machine
├── Links         one connection a machine and jump host
│   ├── Sharing   who uses which, and when it is closed
│   ├── Resolver  where and how: command line, inventory, `ssh -G`
│   └── Door      one login: its turn, host key, agent's key, a deadline
├── Link          over one connection: run, stream, deliver
└── opinion       over one connection: does that machine reach another one?
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from sshfleet.model.machine import Become, Machine
from sshfleet.model.step import Completed, Run
from sshfleet.transport.agent import Agent, open_agent
from sshfleet.transport.base import TransportError
from sshfleet.transport.host_keys import Ask, HostKeys, Warn
from sshfleet.transport.link import Link
from sshfleet.transport.links import Links
from sshfleet.transport.login import Door
from sshfleet.transport.opinion import answers
from sshfleet.transport.options import (
    BEGUN,
    TALKING,
    SshOptions,
    open_at_once,
    raise_file_limit,
)
from sshfleet.transport.resolve import Resolver
from sshfleet.transport.session import Receive
from sshfleet.transport.sharing import Sharing

OPINION = 5.0
"""Seconds that a second opinion may take."""


class SshTransport:
    """Carries work to machines over SSH; an async context manager.

    Entering it reads the agent and raises NoUsableKey before any machine is contacted. `ask` is put
    questions about unknown host keys, one at a time; `warn` is told what else a person should know;
    `resolver` may have begun already.
    """

    def __init__(
        self,
        options: SshOptions,
        ask: Ask | None = None,
        warn: Warn | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self.warnings: list[str] = []
        self._options, self._ask = options, ask
        self._warn = warn or self.warnings.append
        self._agent: Agent | None = None
        self._resolver = resolver or Resolver(options)
        self._door: Door | None = None
        self._links: Links | None = None

    async def start(self) -> None:
        """Read the agent's keys; raises NoUsableKey."""
        raise_file_limit()
        self._agent = await open_agent()
        options, host_keys = self._options, HostKeys(self._ask, self._warn)
        begun, talking = options.forks or BEGUN, options.forks or TALKING
        self._door = Door(self._agent, host_keys, options.timeout, begun, talking)
        self._links = Links(self._door, self._resolver, Sharing(open_at_once(), keep=options.keep))

    async def close(self) -> None:
        """Close every connection, within a few seconds."""
        if self._links:
            await self._links.close()
        if self._door:
            self._door.pulse.stop()
        if self._agent:
            await self._agent.shut()
        await self._resolver.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def run(self, machine: Machine, run: Run) -> Completed:
        """Run a script; a non-zero status is a result, not an error."""
        async with self._link(machine) as link:
            return await link.run(run, sudo=run.root and _by_sudo(machine, link))

    async def deliver(
        self,
        machine: Machine,
        files: Mapping[str, bytes],
        run: Run,
        data: Callable[[str], bytes],
    ) -> Completed:
        """Write files into the login user's private staging folder, then run a script.

        Its input is what `data` makes of the absolute path of that folder; `run` has none.
        """
        async with self._link(machine) as link:
            return await link.deliver(files, run, data, sudo=run.root and _by_sudo(machine, link))

    async def stream(self, machine: Machine, run: Run, sink: Receive) -> int:
        """Run a script without an end in sight, handing on its output as it comes; its status."""
        async with self._link(machine) as link:
            return await link.stream(run, sink, sudo=run.root and _by_sudo(machine, link))

    async def reaches(self, via: Machine, target: Machine) -> bool | None:
        """Tell whether `via` gets a sign of life from `target`; None when it cannot tell."""
        try:
            async with asyncio.timeout(OPINION):
                host, port = await self._resolver.seen_by_others(target)
                if not host:
                    return None
                async with self._link(via) as link:
                    return await answers(link.connection, host, port)
        except (TransportError, OSError):
            return None

    @asynccontextmanager
    async def _link(self, machine: Machine) -> AsyncIterator[Link]:
        """Use the connection to a machine; raises TransportError."""
        if self._links is None:
            raise RuntimeError("the transport has not been started")
        async with self._links.using(machine) as link:
            if self._options.early_files:
                link.files.open()
            yield link


def _by_sudo(machine: Machine, link: Link) -> bool:
    """Tell whether root is reached by sudo: as the inventory says, else for all users but root."""
    if machine.become is None:
        return link.route.user != "root"
    return machine.become is Become.SUDO
