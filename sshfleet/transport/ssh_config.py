"""ssh_config(5), as OpenSSH itself understands it: `ssh -G` prints what holds for an address.

Rule 1: an address never becomes an option: it does not start with `-` and follows `--`.
Rule 2: what one answer told for an address serves for all that ssh_config treats alike.
Rule 3: a few processes at a time, each with a deadline: `Match exec` runs whatever the user wrote.
"""

import asyncio
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from sshfleet.model.observed import Trouble
from sshfleet.transport.base import TransportError
from sshfleet.transport.config_scope import Scope
from sshfleet.transport.wording import one_line

AT_ONCE = 4
DEADLINE = 5.0
"""Seconds for one `ssh -G`, which takes 4 ms unless `Match exec` runs something slow."""

Settings = Mapping[str, list[str]]
"""Keyword in lower case → its values, one a line."""


class SshConfig:
    """Asks `ssh -G`; answers nothing at all on a computer without an `ssh` program."""

    def __init__(self, file: str = "") -> None:
        self._file = file
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="ssh-config")
        self._scope = Scope(file)
        self._begun: dict[object, tuple[str, Future[Settings]]] = {}
        self._shared: dict[object, tuple[str, asyncio.Future[Settings]]] = {}

    def begin(self, asked: Iterable[tuple[str, str, int]]) -> None:
        """Begin to ask for the first addresses, with user and port, while we do something else.

        Only what serves for many is asked: to ask for an address nobody needs may run `Match exec`.
        """
        for address, user, port in islice(asked, AT_ONCE):
            alike = self._scope.key(address)
            key = (alike, user, port)
            if alike is not None and key not in self._begun and _is_address(address):
                argv = self._argv(address, user, port)
                self._begun[key] = (address, self._pool.submit(_ask, argv))

    async def settings(self, address: str, *, user: str = "", port: int = 0) -> Settings:
        """Return what ssh_config says of an address; user and port are those already decided."""
        if not _is_address(address):
            raise _config_error(f"{address!r} is not an address")
        alike = self._scope.key(address)
        if alike is None:
            return await self._asked(address, user, port)
        key = (alike, user, port)
        if key not in self._shared:
            if key in self._begun:
                begun, asked = self._begun[key]
                self._shared[key] = (begun, asyncio.wrap_future(asked))
            else:
                asking = asyncio.ensure_future(self._asked(address, user, port))
                self._shared[key] = (address, asking)
        first, answer = self._shared[key]
        try:
            settings = await asyncio.shield(answer)
        except TransportError:
            return await self._asked(address, user, port)  # perhaps only the first was at fault
        if settings.get("hostname") in ([first], [first.lower()]):
            return {**settings, "hostname": [address]}
        return settings

    async def close(self) -> None:
        """Start no further process."""
        answers = [answer for _first, answer in self._shared.values()]
        for answer in answers:
            answer.cancel()
        await asyncio.gather(*answers, return_exceptions=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _asked(self, address: str, user: str, port: int) -> Settings:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _ask, self._argv(address, user, port))

    def _argv(self, address: str, user: str, port: int) -> list[str]:
        argv = ["ssh", "-T", "-G"]
        argv += ["-F", self._file] if self._file else []
        argv += ["-l", user] if user else []
        argv += ["-p", str(port)] if port else []
        return [*argv, "--", address]


def _is_address(address: str) -> bool:
    return bool(address) and not address.startswith("-")


def _ask(argv: list[str]) -> Settings:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE, check=False
        )
    except FileNotFoundError:
        return {}
    except subprocess.TimeoutExpired as error:
        raise _config_error(f"`{' '.join(argv)}` took over {DEADLINE:g} s") from error
    except (OSError, ValueError) as error:  # ValueError: NUL in an argument
        raise _config_error(f"`ssh -G` cannot be run: {error}") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "backslashreplace")
        raise _config_error(
            f"ssh_config: {one_line(said) or f'ssh -G ended with {done.returncode}'}"
        )
    return _parse(done.stdout.decode("utf-8", "surrogateescape"))


def _parse(text: str) -> Settings:
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword.lower(), []).append(value)
    return settings


def _config_error(message: str) -> TransportError:
    return TransportError(Trouble.FAULT_HERE, message, hint="mend ~/.ssh/config, or name one by -F")
