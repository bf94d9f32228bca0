"""The console script. What people ask most often is answered before anything heavy is imported.

`--version`, the root help and completion take some 15 ms instead of 110. `help.txt` is what typer
prints at 80 columns; tests/cli/test_start_up.py keeps it so.
"""

import gc
import os
import sys

from sshfleet import __version__

VERSION: tuple[list[str], ...] = (["--version"], ["-v"], ["version"])
HELP: tuple[list[str], ...] = ([], ["-h"], ["--help"], ["help"])


def main() -> int:
    """Run sshfleet with the words of the command line; return the exit code."""
    words = sys.argv[1:]
    if asked := os.environ.get("_SSHFLEET_COMPLETE", ""):
        from sshfleet.cli.completion import answer

        if said := answer(asked, os.environ):
            return _say(said[0]) or said[1]
    if words in VERSION:
        return _say(f"sshfleet version {__version__}\n")
    if words in HELP:
        with open(f"{__file__.rpartition('/')[0]}/help.txt", encoding="utf-8") as file:  # noqa: PTH123 - pathlib alone takes 4 ms
            return _say(file.read())
    import signal  # with enum, 4 ms

    # Until run() listens to signals, and after it, Ctrl-C ends us without Python's traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # What is imported and built from here on is no garbage: do not look for any before a verb has
    # all it needs to work with machines (Context.connect), which may take hours.
    gc.disable()
    from sshfleet.cli.app import run

    code = run(words)
    gc.freeze()  # the end is near: whatever is left needs no collector, which would look at it all
    return code


def _say(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # or Python complains at exit that it cannot flush either
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
