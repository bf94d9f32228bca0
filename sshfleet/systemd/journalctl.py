"""journalctl of a unit on its machines: what is run, and how its output modes show entries.

Rule 1: names and options travel on standard input, a line each; the script is constant.
Rule 2: the exit code of the program is that of the script.
Rule 3: lines of several machines are shown in the order of their time. Where the mode asked for
shows none, or only whole seconds, journalctl is run in one that does and its lines are rewritten.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sshfleet.model.step import Run
from sshfleet.model.unit import UnitName, checked_name

_NAME = re.compile(r"[a-z][a-z-]{0,30}")

_SCRIPT = """\
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER="" SYSTEMD_URLIFY=0
IFS= read -r unit
read -r lines
read -r output
read -r follow
read -r more
set -- --no-pager --unit="$unit" --lines="$lines" --output="$output"
[ "$follow" = no ] || set -- "$@" --follow
case $more in
utc) set -- "$@" --utc ;;
message) set -- "$@" --all --output-fields=MESSAGE ;;
esac
exec journalctl "$@" </dev/null
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What to show of a unit's log: journalctl(1) names the modes of `output`."""

    lines: int = 10
    follow: bool = False
    output: str = "short"


def journal_run(unit: UnitName, logs: Logs, more: str = "") -> Run:
    """Show a unit's log, as root: others see nothing of it. ValueError when `output` is no mode.

    `more` is empty, `utc` (show times in UTC) or `message` (only the text, in full).
    """
    if logs.lines < 0 or not _NAME.fullmatch(logs.output):
        raise ValueError(logs)
    follow = "yes" if logs.follow else "no"
    told = (checked_name(unit), str(logs.lines), logs.output, follow, more or "nothing")
    return Run(script=_SCRIPT, data="".join(f"{line}\n" for line in told).encode(), seconds=60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How an output mode is merged.

    `asked` (with `more`) is the mode that journalctl is run in. A line that matches `begins` is the
    first of an entry, one that matches `ends` the last (None: lines can be shown one by one).
    `time` reads a line: microseconds since 1970, or None. `shown` makes the lines to print of the
    first line of an entry and one of its lines; `marked`: they carry the machine's name.
    """

    asked: str
    more: str = ""
    begins: re.Pattern[bytes] = re.compile(rb"[^ ]")
    ends: re.Pattern[bytes] | None = None
    time: Callable[[bytes], int | None] = lambda _: None
    shown: Callable[[bytes, bytes], list[bytes]] = lambda _, line: [line]
    marked: bool = True


_ISO = re.compile(
    rb"(?P<day>\d{4}-\d\d-\d\d)T(?P<clock>\d\d:\d\d:\d\d)\.(?P<part>\d{6})(?P<zone>[+-]\d\d:?\d\d)"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

Stamp = Callable[[re.Match[bytes]], bytes]


def _micros(text: bytes) -> int | None:
    try:
        return (datetime.fromisoformat(text.decode()) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):  # a 31st of February
        return None


def _iso_time(line: bytes) -> int | None:
    found = _ISO.match(line)
    return _micros(found[0]) if found else None


def _full_time(line: bytes) -> int | None:
    found = re.match(rb"[A-Z][a-z]{2} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC ", line)
    return _micros(found[1] + b"T" + found[2] + b"+00:00") if found else None


def _number(pattern: bytes, base: int = 10) -> Callable[[bytes], int | None]:
    search = re.compile(pattern).search

    def time(line: bytes) -> int | None:
        found = search(line)
        return int(found[1], base) if found else None

    return time


_JSON_TIME = _number(rb'"__REALTIME_TIMESTAMP"\s*:\s*"(\d{1,18})"')


def _short(stamp: Stamp) -> Mode:
    """Make a mode of one line an entry, which differs from short-iso-precise only in the time."""

    def shown(first: bytes, line: bytes) -> list[bytes]:
        found = _ISO.match(first)
        month = int(found["day"][5:7]) if found else 0
        if found is None or not 1 <= month <= 12:
            return [line]
        head = stamp(found)
        if line is first:
            return [head + line[found.end() :]]
        blanks = found.end() - len(head)  # lines of a message stand below each other
        return [line[blanks:] if line.startswith(b" " * blanks) else line]

    return Mode(asked="short-iso-precise", time=_iso_time, shown=shown)


def _classic(found: re.Match[bytes]) -> bytes:
    day = found["day"]
    return b"%b %b %b" % (_MONTHS[int(day[5:7]) - 1], day[8:], found["clock"])


def _unix(found: re.Match[bytes]) -> bytes:
    return b"%d.%06d" % divmod(_micros(found[0]) or 0, 1_000_000)


def _message(_first: bytes, line: bytes) -> list[bytes]:
    """Return the lines of the MESSAGE in an entry of JSON, journalctl(1), "json"."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return [line]
    found = entry.get("MESSAGE") if isinstance(entry, dict) else None
    fields = [found]
    if isinstance(found, list) and not all(isinstance(one, int) for one in found):
        fields = found
    texts = [_text(one) for one in fields]
    return [part for text in texts if text is not None for part in text.split(b"\n")]


def _text(message: object) -> bytes | None:
    """Read a field of JSON: text, or the numbers of bytes that are no UTF-8."""
    if isinstance(message, str):
        return message.encode("utf-8", "backslashreplace")
    if isinstance(message, list):
        return bytes(one & 255 for one in message if isinstance(one, int))
    return None


_MODES = {
    "short": _short(_classic),
    "short-precise": _short(lambda found: _classic(found) + b"." + found["part"]),
    "short-iso": _short(lambda found: found["day"] + b"T" + found["clock"] + found["zone"]),
    "short-iso-precise": _short(lambda found: found[0]),
    "short-unix": _short(_unix),
    "short-full": Mode(asked="short-full", more="utc", time=_full_time),
    "with-unit": Mode(asked="with-unit", more="utc", time=_full_time),
    "cat": Mode(asked="json", more="message", time=_JSON_TIME, shown=_message),
    "verbose": Mode(asked="verbose", time=_number(rb";t=([0-9a-f]{1,16});", 16)),
    "json": Mode(asked="json", time=_JSON_TIME, marked=False),
    "json-seq": Mode(asked="json-seq", time=_JSON_TIME, marked=False),
    "json-pretty": Mode(
        asked="json-pretty",
        begins=re.compile(rb"\{"),
        ends=re.compile(rb"\}"),
        time=_JSON_TIME,
        marked=False,
    ),
    "json-sse": Mode(
        asked="json-sse",
        begins=re.compile(b"data:"),
        ends=re.compile(rb"\Z"),
        time=_JSON_TIME,
        marked=False,
    ),
    "export": Mode(
        asked="export",
        begins=re.compile(b"__CURSOR="),
        ends=re.compile(rb"\Z"),
        time=_number(rb"\A__REALTIME_TIMESTAMP=(\d{1,18})\Z"),
        marked=False,
    ),
}


def mode_of(output: str) -> Mode:
    """Return how an output mode is merged; one that shows no time goes machine after machine."""
    return _MODES.get(output, Mode(asked=output))
