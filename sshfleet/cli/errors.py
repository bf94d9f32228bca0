"""Errors → one line, a hint, an exit code; a bug → a report in a file."""

import os
import sys
from pathlib import Path

from sshfleet import __version__
from sshfleet.errors import ExitCode, SshfleetError
from sshfleet.render.safe import safe_line


def tell(error: SshfleetError) -> int:
    """Print an error on stderr; return its exit code."""
    say_error(str(error), error.hint)
    return error.exit_code


def say_error(message: str, hint: str = "") -> None:
    """Print `error: …`, and `hint: …` where there is one, on stderr."""
    lines = [f"error: {safe_line(message, 2000)}"]
    if hint:
        lines.append(f"hint: {safe_line(hint, 2000)}")
    sys.stderr.write("\n".join(lines) + "\n")


def report_bug(error: BaseException, words: list[str]) -> int:
    """Write a report of a bug and tell where it is; a traceback never reaches the terminal."""
    import tempfile
    import traceback
    from datetime import UTC, datetime

    text = "\n".join(
        [
            f"sshfleet {__version__}, Python {sys.version.split()[0]}, {sys.platform}",
            f"at {datetime.now(UTC).isoformat(timespec='seconds')}",
            f"words: {words!r}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    try:
        descriptor, name = tempfile.mkstemp(prefix="sshfleet-bug-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        where = str(Path(name))
    except OSError as problem:
        where = f"nowhere, as no report could be written ({problem})"
    say_error(
        f"a bug in sshfleet: {type(error).__name__}: {error}",
        f"please send the report in {where}; the journal is sound, so try again",
    )
    return ExitCode.BUG
