"""The floor: a bare asyncssh loop, the least that any tool upon asyncssh could do.

    python -m bench.floor status|deploy|again

It logs in and runs `true`; for `deploy` it puts the unit file there by SFTP and runs systemctl.
Agent and known hosts are read once, all machines are asked at once, nothing is looked after.
"""

import asyncio
import os
import sys
from pathlib import Path

import asyncssh

UNIT = Path(__file__).with_name("recipes") / "bench.service"
REMOTE = "/tmp/bench-floor.service"  # noqa: S108 - on machines made for this
INSTALL = (
    f"sudo sh -c 'install -m 0644 {REMOTE} /etc/systemd/system/bench.service && rm {REMOTE} &&"
    " systemctl daemon-reload && systemctl start bench.service'"
)
JUMPS_AT_ONCE = 8  # what is behind a jump host allows no more logins at a time by default


class _Floor:
    def __init__(self, options: asyncssh.SSHClientConnectionOptions, task: str) -> None:
        self._options, self._task = options, task
        self._few = asyncio.Semaphore(JUMPS_AT_ONCE)

    async def through(self, jump: str, hosts: list[str]) -> int:
        """Do the task on all machines, through a jump host if need be."""
        if not jump:
            return await self._all(None, hosts)
        async with asyncssh.connect(jump, config=None, options=self._options) as tunnel:
            return await self._all(tunnel, hosts)

    async def _all(self, tunnel: asyncssh.SSHClientConnection | None, hosts: list[str]) -> int:
        done = await asyncio.gather(*(self._one(tunnel, host) for host in hosts))
        return int(not all(done))

    async def _one(self, tunnel: asyncssh.SSHClientConnection | None, host: str) -> bool:
        try:
            async with await self._connect(tunnel, host) as there:
                if self._task == "deploy":
                    async with there.start_sftp_client() as files:
                        await files.put(str(UNIT), REMOTE)
                await there.run(INSTALL if self._task == "deploy" else "true", check=True)
        except (OSError, asyncssh.Error) as error:
            sys.stderr.write(f"{host}: {error!r}\n")
            return False
        sys.stdout.write(f"{host}: done\n")
        return True

    async def _connect(
        self, tunnel: asyncssh.SSHClientConnection | None, host: str
    ) -> asyncssh.SSHClientConnection:
        if tunnel is None:
            return await asyncssh.connect(host, config=None, options=self._options)
        async with self._few:
            return await asyncssh.connect(host, config=None, options=self._options, tunnel=tunnel)


async def _main(task: str) -> int:
    async with asyncssh.connect_agent() as agent:
        timeout = os.environ["BENCH_TIMEOUT"]
        options = asyncssh.SSHClientConnectionOptions(
            username="core",
            client_keys=await agent.get_keys(),
            known_hosts=asyncssh.read_known_hosts(os.environ["BENCH_KNOWN_HOSTS"]),
            connect_timeout=float(timeout),
            login_timeout=float(timeout),
        )
        hosts = os.environ["BENCH_HOSTS"].split()
        return await _Floor(options, task).through(os.environ["BENCH_JUMP"], hosts)


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(sys.argv[1])))
