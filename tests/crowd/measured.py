"""Run a command and write what it cost; exit as it does.

    python -m tests.crowd.measured FILE PROGRAM ARGUMENT...

The file gets seconds of CPU and the largest number of kB in memory. A process of its own, because
a program starts with the largest size that its parent had when it forked.
"""

import os
import signal
import sys
from pathlib import Path


def main(file: str, argv: list[str]) -> int:
    """Run it, handing on a signal that comes."""
    child = os.fork()
    if not child:
        os.execv(argv[0], argv)  # noqa: S606 - a program of this test
    Path(f"{file}.pid").write_text(str(child))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status, used = os.wait4(child, 0)
    Path(file).write_text(f"{used.ru_utime + used.ru_stime} {used.ru_maxrss}")
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
