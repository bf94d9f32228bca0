"""The real program with a pause before its first change: python -m tests.lab.paused FILE WORDS...

It makes FILE.here when it has looked and planned, and goes on as soon as FILE exists.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from sshfleet import converge
from sshfleet.__main__ import main

LOOK_AGAIN = 0.05  # seconds


def pause_before_changes(file: Path) -> None:
    """Let the first wave of changes wait for a file."""
    apply = vars(converge)["apply"]

    async def later(*words: Any) -> Any:
        file.with_name(f"{file.name}.here").touch()
        while not file.exists():  # noqa: ASYNC110 - the file is of another process
            await asyncio.sleep(LOOK_AGAIN)
        return await apply(*words)

    vars(converge)["apply"] = later


if __name__ == "__main__":
    pause_before_changes(Path(sys.argv.pop(1)))
    main()
