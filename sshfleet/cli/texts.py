"""Read unit files that the journal does not know the text of, from the machines they lie on.

Rule 1: a file that cannot be read is left out; it never ends the rest.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sshfleet.model.machine import Fleet, Machine, MachineName
from sshfleet.systemd.files import file_run
from sshfleet.transport.base import Transport, TransportError

if TYPE_CHECKING:
    from sshfleet.render.diff import Difference

MOST = 1 << 18  # bytes of one file


async def texts_of(
    transport: Transport,
    fleet: Fleet,
    wanted: "Iterable[Difference]",
    known: Mapping[str, str],
) -> dict[str, str]:
    """Return texts by SHA-256 as the look told it: those of `wanted` that are not `known`."""
    by_machine: dict[MachineName, list[Difference]] = {}
    for one in wanted:
        if one.machine and one.old and one.old not in known:
            by_machine.setdefault(one.machine, []).append(one)
    asked = [(machine, by_machine[name]) for name in by_machine if (machine := fleet.machine(name))]
    found = await asyncio.gather(*(_read(transport, machine, files) for machine, files in asked))
    return {sha256: text for texts in found for sha256, text in texts.items()}


async def _read(
    transport: Transport, machine: Machine, files: "Iterable[Difference]"
) -> dict[str, str]:
    texts = {}
    for one in files:  # one after the other: sshd allows a connection only so many channels
        try:
            done = await transport.run(machine, file_run(one.file, MOST + 1))
        except TransportError:
            break
        except ValueError:  # a file name that a machine made up
            continue
        if done.status == 0 and len(done.stdout) <= MOST:
            texts[one.old] = done.stdout.decode("utf-8", "backslashreplace")
    return texts
