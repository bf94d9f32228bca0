"""A process that is many machines: real SSH by asyncssh, answers by FakeMachine.

    python -m tests.crowd.server HOST_KEY_FILE PORT

It listens on every address of this computer, so each of 127.0.0.0/8 is a machine of its own, and
prints three ports: of the machines (PORT, or any if that is 0), of tarpits, which say an SSH
greeting a byte a second, and of mutes, which accept and say nothing. It ends with its input.
"""

import asyncio
import resource
import socket
import sys

import asyncssh

from sshfleet.transport.bootstrap import STARTED
from tests.fake_machine import FakeMachine

BACKLOG = 4096
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - each of 127.0.0.0/8 is a machine
GREETING = b"SSH-2.0-OpenSSH_9.2p1\r\n"


class Login(asyncssh.SSHServer):
    """One login; each key is good, its signature is checked."""

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Note which of the machines is meant."""
        self.name = str(conn.get_extra_info("sockname")[0]).replace(".", "-")

    def begin_auth(self, username: str) -> bool:
        """Want a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """Take keys."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Know every key."""
        return True

    def session_requested(self) -> "asyncssh.SSHServerSession[bytes]":
        """Open a session."""
        return Session(self.name)


class Session(asyncssh.SSHServerSession[bytes]):
    """One script: what comes after it on standard input is answered."""

    def __init__(self, name: str) -> None:
        self._name, self._length, self._input = name, 0, bytearray()

    def connection_made(self, chan: "asyncssh.SSHServerChannel[bytes]") -> None:
        """Note the channel."""
        self._channel = chan

    def exec_requested(self, command: str) -> bool:
        """Read how long the script is (transport/bootstrap.py)."""
        self._length = int(command.rpartition(" ")[2])
        return True

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep what is on standard input."""
        self._input += data

    def eof_received(self) -> bool:
        """Answer."""
        reply = FakeMachine(self._name).answer(bytes(self._input[self._length :]))
        self._channel.write_stderr(STARTED)
        self._channel.write(reply)
        self._channel.exit(0)
        return True


async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greet, a byte a second."""
    try:
        for number in range(len(GREETING)):
            writer.write(GREETING[number : number + 1])
            await asyncio.sleep(1)
    except OSError:
        pass
    finally:
        writer.close()


async def main(key_file: str, port: int) -> None:
    """Be the machines until standard input ends."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    machines = await asyncssh.listen(
        EVERY_ADDRESS,
        port,
        server_factory=Login,
        server_host_keys=[key_file],
        encoding=None,
        backlog=BACKLOG,
        reuse_port=True,
        encryption_algs=["aes128-gcm@openssh.com"],
    )
    tarpit = await asyncio.start_server(drip, EVERY_ADDRESS, 0)
    with socket.create_server((EVERY_ADDRESS, 0), backlog=BACKLOG) as mute:
        ports = [machines.get_port(), *(one.getsockname()[1] for one in (*tarpit.sockets, mute))]
        print(*ports, flush=True)  # noqa: T201
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
