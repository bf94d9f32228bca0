"""Commands of a user, each in a child of one process that has the program imported (`server`)."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.faults.points import Fault, Kind
from tests.lab.user import PROJECT, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended.

    `struck` names the step that a fault struck, if it came to that; `forced`: it did not end
    when it was asked to.
    """

    code: int
    stdout: str
    stderr: str
    struck: str
    forced: bool = False
    counts: dict[Kind, int] = field(default_factory=dict)


class Runner:
    """Runs commands; a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.server"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def runs(self, user: User, *words: str, fault: Fault | None = None) -> Ended:
        """Run one command to its end, which may be forced by a fault."""
        return self.run_together([(user, words)], fault)[0]

    def run_together(
        self, commands: Sequence[tuple[User, Sequence[str]]], fault: Fault | None = None
    ) -> list[Ended]:
        """Start commands at the same instant and wait for all of them."""
        asked = [
            {
                "words": list(words),
                "environ": user.variables,
                "folder": str(user.folder),
                "fault": (fault.kind, fault.number) if fault else None,
            }
            for user, words in commands
        ]
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"commands": asked}) + "\n")
        stdin.flush()
        return [_ended(one) for one in json.loads(stdout.readline())]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()


def _ended(raw: dict[str, object]) -> Ended:
    counts = raw.pop("counts")
    assert isinstance(counts, dict)
    return Ended(**raw, counts={Kind(name): count for name, count in counts.items()})  # type: ignore[arg-type]
