"""The port: what the rest of the program may ask of a transport."""

from collections.abc import Callable, Mapping
from typing import Protocol

from sshfleet.errors import SshfleetError
from sshfleet.model.machine import Machine
from sshfleet.model.observed import Trouble, Unreachable
from sshfleet.model.step import Completed, Run


class TransportError(SshfleetError):
    """One machine could not be worked with; callers turn it into a value at once."""

    def __init__(self, trouble: Trouble, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.trouble = trouble

    def report(self) -> Unreachable:
        """Return the value that stands for this error."""
        return Unreachable(trouble=self.trouble, detail=self.message, hint=self.hint)


class Transport(Protocol):
    """Carries work to machines: one connection a machine, opened when first needed, then kept.

    Every method ends within its deadline and raises TransportError, nothing else.
    """

    async def run(self, machine: Machine, run: Run) -> Completed:
        """Run a script; a non-zero status is a result, not an error."""
        ...

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
        ...

    async def stream(self, machine: Machine, run: Run, sink: Callable[[bytes, bool], None]) -> int:
        """Run a script without an end in sight; its status.

        `sink` takes output as it comes, and whether it is standard error.
        """
        ...

    async def reaches(self, via: Machine, target: Machine) -> bool | None:
        """Tell whether `via` gets a sign of life from `target`: its kernel takes or refuses TCP.

        None when `via` cannot tell, or may not. Takes 5 seconds at most, and raises nothing.
        """
        ...
